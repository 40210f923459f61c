#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "harness/config/load.hpp"
#include "harness/config/model_options.hpp"
#include "harness/train/batch_step.hpp"
#include "harness/train/optimizer.hpp"
#include "harness/train/schedule.hpp"
#include "harness/train/scorer.hpp"
#include "harness/train/trainer.hpp"
#include "models/registry.hpp"
#include "tests/support/golden.hpp"

namespace recollect {
namespace {

TEST_CASE("golden: twenty optimiser steps of an independent implementation") {
  const std::vector<std::string> files = golden_files({"trajectory-"});
  REQUIRE(files.size() == 2);
  for (const std::string& file : files) {
    CAPTURE(file);
    const Golden golden(file);
    const nlohmann::json& json = golden.json();
    TrainSettings settings;
    settings.learning_rate = json.at("learning_rate");
    settings.clip = json.at("clip");
    settings.weight_decay = json.at("weight_decay");
    settings.warmup = json.at("warmup");
    settings.schedule = json.at("schedule") == "cosine" ? Schedule::kCosine : Schedule::kConstant;
    settings.steps = static_cast<std::int64_t>(json.at("steps").size());
    REQUIRE(settings.steps == 20);

    SequenceModel<double> model = golden.model<double>(golden.settings());
    Adam<double> optimizer(model.layout(), settings);
    for (const nlohmann::json& step_json : json.at("steps")) {
      const std::int64_t step = step_json.at("step");
      CAPTURE(step);
      const std::vector<GoldenSequence> sequences = golden_batch(step_json);
      BatchStep<double> batch(model, static_cast<std::int64_t>(sequences.size()),
                              model.gradient_size(), 2);
      model.begin_step({golden.length()});
      const double loss = batch.run(model, [&](int b, Example& example, auto&) {
        const GoldenSequence& sequence = sequences[static_cast<std::size_t>(b)];
        example.ids = sequence.ids;
        example.positions = sequence.positions;
        example.labels = sequence.labels;
      });
      const double rate = learning_rate(settings, step);
      const double norm = optimizer.update(step, rate, batch.gradient(), model.parameters());
      CHECK(std::abs(loss - step_json.at("loss").get<double>()) <= 1e-8);
      CHECK(std::abs(norm - step_json.at("gradient_norm").get<double>()) <= 1e-8);
      CHECK(std::abs(rate - step_json.at("learning_rate").get<double>()) <= 1e-8);
    }
    for (const ParameterInfo& info : model.layout().all()) {
      CAPTURE(info.name);
      const std::vector<double> expected = json.at("final_params").at(info.name).at("data");
      CHECK(largest_difference(expected, model.parameters().data() + info.tensor.offset) <= 1e-8);
    }
  }
}

TEST_CASE("schedule: warm-up, constant and cosine") {
  TrainSettings train;
  train.steps = 100;
  train.learning_rate = 0.5;
  CHECK(learning_rate(train, 1) == 0.5);
  CHECK(learning_rate(train, 100) == 0.5);
  train.warmup = 10;
  CHECK(learning_rate(train, 1) == doctest::Approx(0.05));
  CHECK(learning_rate(train, 10) == doctest::Approx(0.5));
  CHECK(learning_rate(train, 11) == 0.5);
  train.schedule = Schedule::kCosine;
  CHECK(learning_rate(train, 55) == doctest::Approx(0.25));
  CHECK(learning_rate(train, 100) == doctest::Approx(0.0).epsilon(1e-12));
}

Cell tiny_cell(const std::string& variant, const std::string& train = "steps: 30",
               const std::string& examples = "200") {
  const Experiment experiment = parse_experiment(
      fmt::format(
          "task: {{name: mqar, length: 24, pairs: 3, vocab: 16}}\n"
          "model: {{width: 16{}}}\n"
          "variants: [{}]\n"
          "train: {{examples: {}, batch: 20, validation_examples: 50, eval_every: 10, {}}}\n",
          model_option_applies(variant, "chunk") ? ", chunk: 8" : "", variant, examples, train),
      "tiny.yaml");
  return experiment.cells.at(0);
}

TEST_CASE("training: the same bits for any number of threads, for every variant") {
  TrainObserver silent;
  for (const MixerEntry& entry : mixers()) {
    CAPTURE(entry.name);
    const Cell cell = tiny_cell(std::string(entry.name));
    const TrainResult one = train(cell, 1, silent);
    for (const int threads : {2, 3, 8}) {
      CAPTURE(threads);
      const TrainResult many = train(cell, threads, silent);
      CHECK(one.final_weights == many.final_weights);
      CHECK(one.best_weights == many.best_weights);
      REQUIRE(one.history.size() == many.history.size());
      for (std::size_t i = 0; i < one.history.size(); ++i) {
        CHECK(one.history[i].loss == many.history[i].loss);
        CHECK(one.history[i].gradient_norm == many.history[i].gradient_norm);
        CHECK(one.history[i].validation_accuracy == many.history[i].validation_accuracy);
      }
    }
  }
}

TEST_CASE("training: makes exactly the steps asked for and evaluates the last one") {
  struct Counter : TrainObserver {
    std::vector<std::int64_t> steps;
    void on_step(std::int64_t step, std::int64_t) override { steps.push_back(step); }
  } counter;
  const TrainResult result = train(tiny_cell("gated-linear", "steps: 25"), 1, counter);
  CHECK(result.steps == 25);
  CHECK(counter.steps.size() == 25);
  CHECK(counter.steps.front() == 1);
  REQUIRE(result.history.size() == 3);
  CHECK(result.history[0].step == 10);
  CHECK(result.history[1].step == 20);
  CHECK(result.history[2].step == 25);
}

TEST_CASE("training: select_length chooses the best weights and nothing else") {
  TrainObserver silent;
  const TrainResult here = train(tiny_cell("adaptive-decay", "steps: 120"), 1, silent);
  const Cell elsewhere_cell = tiny_cell("adaptive-decay", "steps: 120, select_length: 40");
  const TrainResult elsewhere = train(elsewhere_cell, 1, silent);
  REQUIRE(here.history.size() == elsewhere.history.size());
  for (std::size_t i = 0; i < here.history.size(); ++i) {
    CHECK(here.history[i].validation_accuracy == elsewhere.history[i].validation_accuracy);
  }
  CHECK(here.final_weights == elsewhere.final_weights);
  // No checkpoint does better at the selection length than the one that was selected.
  SequenceModel<float> model = build_model(elsewhere_cell);
  const auto accuracy = [&](const std::vector<float>& weights) {
    std::copy(weights.begin(), weights.end(), model.parameters().begin());
    return score(model, elsewhere_cell, Split::kValidation, 40, 50, 1, false).accuracy;
  };
  CHECK(accuracy(elsewhere.best_weights) >= accuracy(here.best_weights));
  CHECK(accuracy(elsewhere.best_weights) >= accuracy(elsewhere.final_weights));
}

TEST_CASE("training: overfits one batch, and stops where it was told to") {
  TrainObserver silent;
  const TrainResult all =
      train(tiny_cell("full-quadratic", "steps: 400, learning_rate: 0.01", "20"), 1, silent);
  CHECK(all.history.front().loss > 1.0);
  CHECK(all.history.back().loss < 0.1);
  const TrainResult stopped =
      train(tiny_cell("full-quadratic", "steps: 400, stop_at: 0.01"), 1, silent);
  CHECK(stopped.steps == stopped.history.back().step);
  CHECK(stopped.steps < 400);
  CHECK(stopped.history.back().validation_accuracy >= 0.01);
}

TEST_CASE("training: a loss that is not finite ends it with a reason") {
  TrainObserver silent;
  const TrainResult result =
      train(tiny_cell("gated-linear", "steps: 300, learning_rate: 10, weight_decay: 1"), 1, silent);
  CHECK(result.diverged.starts_with("step "));
  CHECK(result.steps < 300);
}

TEST_CASE("training: examples online are fresh, seeds of data and order are apart") {
  TrainObserver silent;
  const std::vector<float> base = train(tiny_cell("gated-linear"), 1, silent).final_weights;
  CHECK(base == train(tiny_cell("gated-linear"), 2, silent).final_weights);
  CHECK(base != train(tiny_cell("gated-linear", "steps: 30", "online"), 1, silent).final_weights);
  CHECK(base !=
        train(tiny_cell("gated-linear", "steps: 30, order_seed: 9"), 1, silent).final_weights);
  CHECK(base ==
        train(tiny_cell("gated-linear", "steps: 30, order_seed: 0"), 1, silent).final_weights);
}

TEST_CASE("scoring: accuracy, slices and ceilings of one set of examples fit together") {
  TrainObserver silent;
  const Cell cell = tiny_cell("adaptive-decay");
  SequenceModel<float> model = build_model(cell);
  const Score one = score(model, cell, Split::kTest, 40, 100, 1, true);
  const Score three = score(model, cell, Split::kTest, 40, 100, 3, true);
  CHECK(one.accuracy == three.accuracy);
  CHECK(one.loss == three.loss);
  CHECK(one.scored == 300);
  CHECK(one.unseen_level);
  CHECK(one.chance == doctest::Approx(1.0 / 3.0));
  REQUIRE(one.rules.size() == 2);
  CHECK(one.rules[0] == RuleAccuracy{"first", 1.0});
  CHECK(one.rules[1].rule == "recent");
  CHECK(one.rules[1].accuracy <= 1.0);
  for (const std::string name : {"lag", "level", "pair"}) {
    CAPTURE(name);
    std::int64_t scored = 0;
    double correct = 0.0;
    for (const Slice& slice : one.slices) {
      if (slice.slice != name) continue;
      scored += slice.scored;
      correct += slice.accuracy * static_cast<double>(slice.scored);
    }
    CHECK(scored == 300);
    CHECK(correct / 300.0 == doctest::Approx(one.accuracy));
  }
  CHECK(one.exact.size() == 100);
  CHECK(one.exact == three.exact);
  const auto exact = std::count(one.exact.begin(), one.exact.end(), true);
  CHECK(static_cast<double>(exact) / 100.0 == one.exact_match);
  CHECK_FALSE(score(model, cell, Split::kTest, 24, 10, 1, false).unseen_level);
}

TEST_CASE("training: the norm of a gradient is that of all its numbers, however many") {
  for (std::size_t size = 0; size <= 130; ++size) {
    std::vector<float> gradient(size);
    double squares = 0.0;
    for (std::size_t i = 0; i < size; ++i) {
      gradient[i] = static_cast<float>(i) - 40.5F;
      squares += (static_cast<double>(i) - 40.5) * (static_cast<double>(i) - 40.5);
    }
    CHECK(global_norm<float>(gradient) == std::sqrt(squares));
    for (float& number : gradient) {
      const float before = std::exchange(number, std::numeric_limits<float>::quiet_NaN());
      CHECK(std::isnan(global_norm<float>(gradient)));
      number = before;
    }
  }
}

}  // namespace
}  // namespace recollect
