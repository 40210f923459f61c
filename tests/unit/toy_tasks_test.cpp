// Training and scoring of tasks beyond the registered ones: examples whose number of scored
// positions differs, a split that matters, other tags and rules or none, every position scored.

#include "tests/support/toy_tasks.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "harness/sweep/memory.hpp"
#include "harness/train/batch_step.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/scorer.hpp"
#include "harness/train/trainer.hpp"
#include "tasks/overlap.hpp"

namespace recollect {
namespace {

using testing::BytesSettings;
using testing::EchoSettings;
using testing::toy_cell;

std::vector<Example> drawn(const Task& task, std::uint64_t seed, Split split, std::size_t count) {
  std::vector<Example> examples(count);
  GeneratorScratch scratch;
  for (std::size_t i = 0; i < count; ++i) task.example({seed, split, i}, examples[i], scratch);
  return examples;
}

std::int64_t scored_of(const std::vector<Example>& examples) {
  std::int64_t scored = 0;
  for (const Example& example : examples) scored += std::ssize(example.positions);
  return scored;
}

/// One example at a time, by the model alone.
struct Twin {
  double loss = 0.0;
  std::int64_t correct = 0;
  std::vector<bool> exact;
};
Twin by_hand(SequenceModel<float>& model, const std::vector<Example>& examples) {
  Twin twin;
  const std::int64_t length = std::ssize(examples.front().ids);
  model.begin_step({length, std::ssize(examples) * length});
  Workspace<float> workspace;
  for (const Example& example : examples) {
    const auto rows = static_cast<Index>(example.positions.size());
    Buffer<float> logits(static_cast<std::size_t>(rows * model.vocab()));
    const SequenceOutcome outcome =
        model.forward(input_of(example), workspace, view(logits.data(), rows, model.vocab()));
    twin.loss += outcome.loss;
    twin.correct += outcome.correct;
    twin.exact.push_back(outcome.correct == rows);
  }
  return twin;
}

TEST_CASE("toy tasks: examples differ in how many positions they score, and by split") {
  const auto task = EchoSettings().make();
  std::set<std::size_t> counts;
  for (const Example& example : drawn(*task, 1, Split::kTrain, 50)) {
    REQUIRE(!example.positions.empty());
    REQUIRE(std::ssize(example.positions) <= task->max_scored());
    counts.insert(example.positions.size());
  }
  CHECK(counts.size() > 2);
  CHECK(scored_of(drawn(*task, 1, Split::kTest, 50)) >
        2 * scored_of(drawn(*task, 1, Split::kTrain, 50)));
}

TEST_CASE("training: the loss is the mean over the scored positions of the batch") {
  const Cell cell = toy_cell(std::make_shared<EchoSettings>(), "adaptive-decay",
                             "batch: 5, steps: 1, eval_every: 1, validation_examples: 30");
  TrainObserver silent;
  const TrainResult result = train(cell, 2, silent);
  const auto task = cell.task->make();
  const std::vector<Example> batch = drawn(*task, 0, Split::kTrain, 5);
  SequenceModel<float> model = build_model(cell);
  const Twin twin = by_hand(model, batch);
  CHECK(result.history.at(0).loss == twin.loss / static_cast<double>(scored_of(batch)));

  // And so is the gradient: of single sequences, each with the batch's own divisor.
  BatchStep<float> step(model, 5, model.gradient_size(5 * 24), 2);
  (void)step.run(model, [&](int b, Example& example, GeneratorScratch&) {
    example = batch[static_cast<std::size_t>(b)];
  });
  model.begin_step({24});
  std::vector<float> sum(model.gradient_size());
  Workspace<float> workspace;
  for (const Example& example : batch) {
    (void)model.forward_backward(input_of(example), 1.0F / static_cast<float>(scored_of(batch)),
                                 workspace, sum);
  }
  double largest = 0.0;
  double difference = 0.0;
  for (std::size_t i = 0; i < step.gradient().size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(sum[i])));
    difference = std::max(difference, std::abs(static_cast<double>(sum[i] - step.gradient()[i])));
  }
  CHECK(largest > 0.0);
  CHECK(difference < 1e-5 * largest);
}

TEST_CASE("training: with examples of any number of scored positions, the same for any threads") {
  const Cell cell = toy_cell(std::make_shared<EchoSettings>(), "gated-linear",
                             "batch: 9, steps: 12, eval_every: 4, validation_examples: 20");
  TrainObserver silent;
  const TrainResult one = train(cell, 1, silent);
  for (const int threads : {2, 5}) {
    const TrainResult many = train(cell, threads, silent);
    CHECK(many.final_weights == one.final_weights);
    CHECK(many.history.back().loss == one.history.back().loss);
  }
  CHECK(one.history.back().loss < one.history.front().loss);
}

TEST_CASE("scoring: examples of any number of scored positions, no rules and no tags") {
  const Cell cell = toy_cell(std::make_shared<EchoSettings>(), "linear-decay",
                             "batch: 8, steps: 60, learning_rate: 0.01, validation_examples: 20");
  TrainObserver silent;
  const TrainResult trained = train(cell, 2, silent);
  SequenceModel<float> model = build_model(cell);
  std::copy(trained.final_weights.begin(), trained.final_weights.end(), model.parameters().begin());
  for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
    const Score score = recollect::score(model, cell, split, 24, 40, 3, true);
    const std::vector<Example> examples = drawn(*cell.task->make(), 0, split, 40);
    const Twin twin = by_hand(model, examples);
    const auto scored = static_cast<double>(scored_of(examples));
    CHECK(score.scored == scored_of(examples));
    CHECK(score.accuracy == static_cast<double>(twin.correct) / scored);
    CHECK(score.loss == twin.loss / scored);
    CHECK(score.exact == twin.exact);
    CHECK(score.exact_match ==
          static_cast<double>(std::count(twin.exact.begin(), twin.exact.end(), true)) / 40.0);
    CHECK(score.rules.empty());
    CHECK(score.slices.empty());
    CHECK(score.more_slices.empty());
    // Short of perfect: then some examples are right and others are not.
    CHECK(score.exact_match > 0.0);
    CHECK(score.exact_match < 1.0);
  }
}

TEST_CASE("scoring: a tag and a rule of the task's own names") {
  const Cell cell = toy_cell(std::make_shared<BytesSettings>(100), "fixed-decay", "steps: 1");
  SequenceModel<float> model = build_model(cell);
  const Score score = recollect::score(model, cell, Split::kTest, 100, 4, 2, true);
  CHECK(score.scored == 400);
  REQUIRE(score.rules.size() == 1);
  CHECK(score.rules[0] == RuleAccuracy{"step", 0.99});  // all but the first byte
  const std::vector<std::int64_t> values = {1, 2, 4, 8, 16, 32, 64};
  REQUIRE(score.slices.size() == values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK(score.slices[i].slice == "position");
    CHECK(score.slices[i].value == values[i]);
    CHECK(score.slices[i].scored == 4 * std::min<std::int64_t>(values[i], 101 - values[i]));
  }
}

TEST_CASE("overlap: examples that differ in their scored positions alone are different") {
  // Twenty-four positions, so many examples, of which none is drawn twice.
  const Overlap overlap = count_overlap(*EchoSettings().make(), 1, {500, 500, 500}, 2);
  CHECK_FALSE(overlap.leaks());
  // Two tokens: a byte and its question, of which there are fifteen.
  const Overlap tiny = count_overlap(*EchoSettings(2).make(), 1, {500, 100, 100}, 2);
  CHECK(tiny.validation_in_train == 100);
  CHECK(tiny.repeats_in_train == 485);
}

TEST_CASE("memory: a task without tags and one that is scored everywhere are counted") {
  const auto bytes = [](std::shared_ptr<const TaskSettings> task) {
    const Cell cell = toy_cell(std::move(task), "gated-linear", "batch: 4, steps: 1");
    return cell_memory(cell, model_sizes(cell), true).bytes(1);
  };
  CHECK(bytes(std::make_shared<EchoSettings>(4096)) > 4096.0 * 16 * 4);
  CHECK(bytes(std::make_shared<BytesSettings>(4096)) > 4096.0 * 16 * 4);
  CHECK(bytes(std::make_shared<BytesSettings>(4096)) >
        2.0 * bytes(std::make_shared<BytesSettings>(1024)));
}

}  // namespace
}  // namespace recollect
