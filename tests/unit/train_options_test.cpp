// train.loss, min_learning_rate and decay_all, from the configuration through training.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "harness/config/load.hpp"
#include "harness/sweep/cell_cost.hpp"
#include "harness/sweep/memory.hpp"
#include "harness/train/batch_step.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/next_token_task.hpp"
#include "harness/train/optimizer.hpp"
#include "harness/train/schedule.hpp"
#include "harness/train/scorer.hpp"
#include "harness/train/trainer.hpp"
#include "tasks/registry.hpp"
#include "tests/support/generated_tasks.hpp"
#include "tests/support/toy_tasks.hpp"

namespace recollect {
namespace {

Experiment tiny(const std::string& train,
                const std::string& task = "name: mqar, pairs: 2, vocab: 16") {
  return parse_experiment(
      fmt::format("experiment: tiny\ntask: {{{}, length: 16}}\n"
                  "model: {{width: 8, layers: 2, chunk: 8}}\nvariants: [adaptive-decay]\n"
                  "train: {{validation_examples: 20, batch: 4, eval_every: 2, steps: 6, "
                  "learning_rate: 0.02, {}}}\n",
                  task, train),
      "tiny.yaml");
}

Cell tiny_cell(const std::string& train) { return tiny(train).cells.at(0); }

std::string refusal(const std::string& train,
                    const std::string& task = "name: mqar, pairs: 2, vocab: 16") {
  try {
    (void)tiny(train, task);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

/// What next-token training asks of an example, by position.
std::map<std::int32_t, std::int32_t> asked(const Example& example) {
  std::map<std::int32_t, std::int32_t> label_at;
  for (std::size_t t = 0; t + 1 < example.ids.size(); ++t) {
    label_at[static_cast<std::int32_t>(t)] = example.ids[t + 1];
  }
  for (std::size_t r = 0; r < example.positions.size(); ++r) {
    label_at[example.positions[r]] = example.labels[r];
  }
  return label_at;
}

Example with_all_labels(Example example) {
  const std::map<std::int32_t, std::int32_t> label_at = asked(example);
  example.clear_scored();
  for (const auto& [position, label] : label_at) {
    example.positions.push_back(position);
    example.labels.push_back(label);
  }
  return example;
}

TEST_CASE("train: a warmup is held against the steps that its epochs make") {
  const auto steps_of = [](int epochs, int warmup) {
    return parse_experiment(fmt::format(R"(task: {{name: mqar, length: 16, pairs: 2, vocab: 16}}
variants: [fixed-decay]
train: {{examples: 640, batch: 64, epochs: {}, warmup: {}}}
)",
                                        epochs, warmup),
                            "w.yaml")
        .cells.at(0)
        .train.steps;
  };
  CHECK(steps_of(1000, 6000) == 10000);  // more than the steps of a training without epochs
  CHECK(steps_of(1, 10) == 10);
  CHECK_THROWS_WITH_AS((void)steps_of(1, 4000),
                       doctest::Contains("train.warmup = 4000 is more than the steps of "
                                         "train.epochs = 10; lower it to 10 or less"),
                       ConfigError);
}

TEST_CASE("train loss: next-token adds the next token wherever a task scores nothing") {
  std::vector<std::shared_ptr<const TaskSettings>> all = {
      std::make_shared<testing::EchoSettings>(24), std::make_shared<testing::BytesSettings>(24)};
  for (const TaskEntry& entry : generated_tasks()) {
    std::shared_ptr<TaskSettings> settings = entry.settings();
    settings->resolve();
    all.push_back(settings);
  }
  const Experiment mamba =
      tiny("loss: answers", "name: selective-copying, dialect: mamba, tokens: 3");
  all.push_back(mamba.cells.at(0).task);  // its last position is scored
  bool last_is_scored = false;
  for (const auto& settings : all) {
    CAPTURE(settings->name());
    const auto task = settings->make();
    const NextTokenTask training(settings->make());
    CHECK(training.length() == task->length());
    CHECK(training.vocab() == task->vocab());
    Example answers, whole;
    GeneratorScratch scratch;
    for (std::uint64_t i = 0; i < 50; ++i) {
      const Draw draw{3, Split::kTrain, i};
      task->example(draw, answers, scratch);
      training.example(draw, whole, scratch);
      REQUIRE(whole == with_all_labels(answers));
      REQUIRE(std::ssize(whole.positions) <= training.max_scored());
      last_is_scored = last_is_scored || whole.positions.size() == whole.ids.size();
    }
    if (task->scores_everywhere()) CHECK(whole.labels == answers.labels);
  }
  CHECK(last_is_scored);
}

TEST_CASE("train loss: training on next tokens is the plain loop over examples with all labels") {
  const Cell cell = tiny_cell("examples: online, loss: next-token");
  TrainObserver silent;
  const TrainResult result = train(cell, 2, silent);

  const auto task = cell.task->make();
  SequenceModel<float> model = build_model(cell);
  Adam<float> optimizer(model.layout(), cell.train);
  BatchStep<float> batch(model, 4, model.gradient_size(4 * 16), 1);
  double losses = 0.0;
  for (std::int64_t step = 1; step <= 6; ++step) {
    model.begin_step({16, 4 * 16, 1});
    const double loss = batch.run(model, [&](int b, Example& example, GeneratorScratch& scratch) {
      const auto index = static_cast<std::uint64_t>(4 * (step - 1) + b);
      task->example({0, Split::kTrain, index}, example, scratch);
      example = with_all_labels(example);
    });
    if (step > 4) losses += loss;
    (void)optimizer.update(step, 0.02, batch.gradient(), model.parameters());
  }
  CHECK(std::ranges::equal(result.final_weights, model.parameters()));
  CHECK(result.history.back().loss == doctest::Approx(losses / 2));
  const TrainResult answers = train(tiny_cell("examples: online"), 2, silent);
  CHECK(result.final_weights != answers.final_weights);
  for (const int threads : {1, 3})
    CHECK(train(cell, threads, silent).final_weights == result.final_weights);
}

TEST_CASE("train loss: validation, scores, slices and ceilings are of the answers alone") {
  const Cell cell = tiny_cell("examples: online, loss: next-token, metric: loss");
  const Cell plain = tiny_cell("examples: online, metric: loss");
  TrainObserver silent;
  const TrainResult result = train(cell, 1, silent);
  SequenceModel<float> model = build_model(plain);
  std::ranges::copy(result.final_weights, model.parameters().begin());
  const Score validation = score(model, plain, Split::kValidation, 16, 20, 1, true);
  CHECK(result.history.back().validation_accuracy == validation.accuracy);
  CHECK(*result.history.back().validation_loss == validation.loss);
  const Score same = score(model, cell, Split::kValidation, 16, 20, 1, true);
  CHECK(same.scored == 20 * 2);
  CHECK(same.loss == validation.loss);
  CHECK(same.rules == validation.rules);
  REQUIRE(same.slices.size() == validation.slices.size());
  for (std::size_t i = 0; i < same.slices.size(); ++i) {
    CHECK(same.slices[i].scored == validation.slices[i].scored);
  }
}

TEST_CASE(
    "train loss: the plan counts the cost of the additional labels, and the cells are distinct") {
  const Cell answers = tiny_cell("examples: 40");
  const Cell whole = tiny_cell("examples: 40, loss: next-token");
  const SequenceModel<float> sizes = model_sizes(answers);
  CHECK(step_cost(whole, sizes) > 1.2 * step_cost(answers, sizes));
  CHECK(cell_cost(whole, sizes).scoring == cell_cost(answers, sizes).scoring);
  CHECK(cell_cost(whole, sizes).validation == cell_cost(answers, sizes).validation);
  CHECK(cell_memory(whole, sizes, true).training_thread >
        cell_memory(answers, sizes, true).training_thread);
  CHECK(shape_of(whole).identity() != shape_of(answers).identity());
}

TEST_CASE("train options: min_learning_rate is where the cosine ends") {
  TrainSettings train;
  train.steps = 100;
  train.warmup = 10;
  train.learning_rate = 0.5;
  train.schedule = Schedule::kCosine;
  std::vector<double> before;
  for (std::int64_t step = 1; step <= 100; ++step) before.push_back(learning_rate(train, step));
  train.min_learning_rate = 0.1;
  CHECK(learning_rate(train, 5) == before[4]);
  CHECK(learning_rate(train, 10) == 0.5);
  CHECK(learning_rate(train, 55) == doctest::Approx(0.3));
  CHECK(learning_rate(train, 100) == doctest::Approx(0.1).epsilon(1e-12));
  for (std::int64_t step = 11; step <= 100; ++step) {
    const double share = before[static_cast<std::size_t>(step - 1)] / 0.5;
    CHECK(learning_rate(train, step) == doctest::Approx(0.1 + 0.4 * share));
  }
  TrainObserver silent;
  const TrainResult result =
      recollect::train(tiny_cell("schedule: cosine, min_learning_rate: 0.005"), 1, silent);
  CHECK(result.history.back().learning_rate == doctest::Approx(0.005).epsilon(1e-9));
}

TEST_CASE("train options: decay_all reaches tensors of one dimension, and only with it") {
  for (const bool all : {false, true}) {
    CAPTURE(all);
    const Cell cell = tiny_cell(fmt::format("weight_decay: 0.5, decay_all: {}", all));
    SequenceModel<float> model = build_model(cell);
    std::ranges::fill(model.parameters(), 2.0F);
    Adam<float> optimizer(model.layout(), cell.train);
    std::vector<float> gradient(model.parameters().size(), 0.0F);
    (void)optimizer.update(1, 0.1, std::span<float>(gradient), model.parameters());
    int vectors = 0;
    for (const ParameterInfo& info : model.layout().all()) {
      CAPTURE(info.name);
      const bool decays = all || !info.one_dimensional;
      vectors += info.one_dimensional ? 1 : 0;
      for (const float weight : info.tensor.elements(model.parameters().data())) {
        REQUIRE(weight == (decays ? 2.0F * static_cast<float>(1.0 - 0.1 * 0.5) : 2.0F));
      }
    }
    CHECK(vectors > 0);
  }
  TrainObserver silent;
  const auto weights = [&](const char* how) {
    return train(tiny_cell(how), 1, silent).final_weights;
  };
  CHECK(weights("weight_decay: 0.5, decay_all: true") != weights("weight_decay: 0.5"));
}

TEST_CASE("train options: where they make no sense they are refused in one line") {
  CHECK(refusal("loss: next-token", "name: group-words") ==
        "tiny.yaml:5: train.loss = next-token adds nothing to task group-words, which scores every "
        "position; leave it out or set it to answers");
  CHECK(refusal("decay_all: true") ==
        "tiny.yaml:5: train.decay_all = true has no effect with train.weight_decay = 0; leave it "
        "out or give a weight_decay");
  CHECK(
      refusal("min_learning_rate: 1e-5") ==
      "tiny.yaml:5: train.min_learning_rate = 1e-05 has no effect with train.schedule = constant, "
      "which never falls; leave it out or set schedule to cosine");
  CHECK(refusal("schedule: cosine, min_learning_rate: 0.1") ==
        "tiny.yaml:5: train.min_learning_rate = 0.1 is more than train.learning_rate = 0.02, from "
        "which the schedule falls; lower it");
  CHECK(refusal("schedule: cosine, min_learning_rate: -1").find("train.min_learning_rate = -1") !=
        std::string::npos);
  CHECK(refusal("loss: next-tokens").find("did you mean 'next-token'?") != std::string::npos);
}

TEST_CASE("train options: what is not given is written nowhere, and what is given comes back") {
  const Experiment plain = tiny("examples: 40");
  const Experiment given =
      tiny("examples: 40, loss: answers, min_learning_rate: 0, decay_all: false");
  CHECK(given.resolved == plain.resolved);
  CHECK(given.cells[0].hash() == plain.cells[0].hash());
  CHECK(given.cells[0].yaml("tiny") == plain.cells[0].yaml("tiny"));
  for (const char* option : {"loss", "min_learning_rate", "decay_all"}) {
    CHECK(plain.resolved.find(option) == std::string::npos);
  }
  const Experiment other = tiny(
      "examples: 40, loss: next-token, schedule: cosine, min_learning_rate: 0.001, "
      "weight_decay: 0.1, decay_all: true");
  const std::string identity = other.cells[0].identity();
  for (const char* line : {"train.decay_all: true\n", "train.loss: next-token\n",
                           "train.min_learning_rate: 0.001\n"}) {
    CHECK(identity.find(line) != std::string::npos);
  }
  CHECK(parse_experiment(other.resolved, "y.yaml").cells[0].hash() == other.cells[0].hash());
  CHECK(parse_experiment(other.cells[0].yaml("y"), "y.yaml").cells[0].hash() ==
        other.cells[0].hash());
}

}  // namespace
}  // namespace recollect
