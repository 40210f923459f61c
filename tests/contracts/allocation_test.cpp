#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "harness/config/load.hpp"
#include "harness/train/batch_step.hpp"
#include "harness/train/optimizer.hpp"
#include "harness/train/trainer.hpp"
#include "math/fenwick.hpp"
#include "models/registry.hpp"
#include "tasks/mqar.hpp"
#include "tests/contracts/expect_contract.hpp"
#include "tests/support/allocation_counter.hpp"
#include "tests/support/model_options.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {
namespace {

/// Heap blocks that training steps 2..4 ask for, in all threads.
std::uint64_t blocks_after_first_step(const std::string& variant, const TestModel& settings,
                                      std::int64_t length, std::int64_t pairs, int threads,
                                      bool tabulate) {
  MqarSettings mqar;
  mqar.length = length;
  mqar.pairs = pairs;
  const std::unique_ptr<Task> task = mqar.make();
  SequenceModel<float> model =
      test_model<float>(settings, variant, task->vocab(), length, level_count(length));
  model.initialise(1);
  TrainSettings train;
  Adam<float> optimizer(model.layout(), train);
  const std::int64_t tokens = tabulate ? 1000 * length : 0;
  BatchStep<float> batch(model, 16, model.gradient_size(tokens), threads);
  std::uint64_t before = 0;
  for (std::int64_t step = 1; step <= 4; ++step) {
    if (step == 2) before = testing::allocations_of_all_threads();
    model.begin_step({length, tokens});
    (void)batch.run(model, [&](int b, Example& example, GeneratorScratch& scratch) {
      task->example({0, Split::kTrain, static_cast<std::uint64_t>(b)}, example, scratch);
    });
    (void)optimizer.update(step, 1e-3, batch.gradient(), model.parameters());
  }
  return testing::allocations_of_all_threads() - before;
}

TEST_CASE("allocation: the counter sees malloc and new, here and in other threads") {
  if (!testing::counts_allocations()) return;
  const std::uint64_t before = testing::allocations_of_all_threads();
  void* volatile seen = std::malloc(10);  // volatile: or the compiler leaves the pair out
  std::free(seen);
  int* volatile number = new int(3);
  delete number;
  { const Buffer<float> aligned(100, 1.0F); }
  CHECK(testing::allocations_of_all_threads() - before == 3);
  parallel_for(2, 2, [](int, int) {
    void* volatile here = std::malloc(10);
    std::free(here);
  });
  CHECK(testing::allocations_of_all_threads() - before >= 5);
}

TEST_CASE("allocation: none in a step of the model after the first, for every variant and option") {
  expect_contract("allocation");
  expect_contract("threads");
}

TEST_CASE("allocation: none in a training step after the first, for every variant and option") {
  if (!testing::counts_allocations()) return;
  for (const MixerEntry& entry : mixers()) {
    std::vector<TestModel> all = all_options(entry, TestModel{});
    all.emplace_back().width = 6;
    all.emplace_back().width = 256;
    all.emplace_back().chunk = 16;
    for (const TestModel& settings : all) {
      CAPTURE(entry.name);
      const std::string options = describe(settings, entry.name);
      CAPTURE(options);
      CHECK(blocks_after_first_step(std::string(entry.name), settings, 100, 4, 2, true) == 0);
      CHECK(blocks_after_first_step(std::string(entry.name), settings, 100, 4, 2, false) == 0);
    }
  }
}

TEST_CASE(
    "allocation: none in the steps of a whole training, batches, task and clipping included") {
  if (!testing::counts_allocations()) return;
  struct Observer : TrainObserver {
    std::vector<std::uint64_t> seen = std::vector<std::uint64_t>(20, 0);
    void on_step(std::int64_t step, std::int64_t) override {
      seen[static_cast<std::size_t>(step - 1)] = testing::allocations_of_all_threads();
    }
  };
  for (const std::string task :
       {"{name: mqar, length: 40, pairs: 4}",
        "{name: mqar, length: 40, layout: power-law, pairs: 4}",
        "{name: selective-copying, dialect: adaptive, length: 40, tokens: 4}",
        "{name: selective-copying, dialect: mad, length: 40, tokens: 4}",
        "{name: selective-copying, dialect: mamba, length: 40, tokens: 4}"}) {
    for (const std::string examples : {"100", "online"}) {
      CAPTURE(task);
      CAPTURE(examples);
      const Experiment experiment =
          parse_experiment("task: " + task +
                               "\nvariants: [adaptive-decay]\ntrain: {steps: 20, batch: 16, "
                               "eval_every: 20, validation_examples: 10, examples: " +
                               examples + "}\n",
                           "allocation.yaml");
      Observer observer;
      (void)train(experiment.cells.at(0), 2, observer);
      CHECK(observer.seen.back() == observer.seen.front());
    }
  }
}

TEST_CASE("allocation: none either in long sequences and with many scored positions") {
  if (!testing::counts_allocations()) return;
  for (const MixerEntry& entry : mixers()) {
    CAPTURE(entry.name);
    CHECK(blocks_after_first_step(std::string(entry.name), {}, 1024, 60, 1, true) == 0);
    CHECK(blocks_after_first_step(std::string(entry.name), {}, 256, 60, 3, true) == 0);
  }
}

}  // namespace
}  // namespace recollect
