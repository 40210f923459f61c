// Examples as arrays: they are what the trainer and the scorer see, under a digest.
#include "harness/exchange/example_set.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "harness/config/load.hpp"
#include "harness/config/task_parts.hpp"
#include "harness/train/batch_order.hpp"
#include "harness/train/cell_model.hpp"
#include "tests/support/config_errors.hpp"

namespace recollect {
namespace {

const std::string kPlain = R"(experiment: e
task: {name: mqar, length: 32, pairs: 3, vocab: 24}
model: {width: 8, layers: 1}
variants: [fixed-decay]
train: {examples: 40, validation_examples: 20, batch: 6, steps: 20, eval_every: 10}
eval: {lengths: [32, 64], examples: 10}
seeds: [4]
)";

const std::string kMixture = R"(experiment: e
task: {name: mqar, vocab: 24}
model: {width: 8, layers: 1}
variants: [fixed-decay]
train:
  mixture: [{length: 32, pairs: 3, examples: 20}, {length: 64, pairs: 5, examples: 15}]
  epochs: 3
  batch: 6
  eval_every: epoch
eval: {examples: 10}
seeds: [4]
)";

const std::string kCopying = R"(experiment: e
task: {name: in-context-recall, length: 32, vocab: 12}
model: {width: 8, layers: 1}
variants: [fixed-decay]
train: {examples: online, validation_examples: 20, batch: 6, steps: 20, eval_every: 10}
seeds: [4]
)";

Cell cell_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse_experiment(text, "x.yaml", overrides).cells.front();
}

/// The row of an array, without its padding.
std::vector<std::int32_t> row_of(const std::vector<std::int32_t>& array, std::int64_t columns,
                                 std::int64_t row) {
  std::vector<std::int32_t> numbers(array.begin() + row * columns,
                                    array.begin() + (row + 1) * columns);
  while (!numbers.empty() && numbers.back() == kPadding) numbers.pop_back();
  CHECK(std::count(numbers.begin(), numbers.end(), kPadding) == 0);
  return numbers;
}

void check_is(const ExampleSet& set, std::int64_t row, const Task& task, const Draw& draw) {
  Example example;
  GeneratorScratch scratch;
  task.example(draw, example, scratch);
  CHECK(row_of(set.ids, set.length, row) == example.ids);
  CHECK(row_of(set.positions, set.scored, row) == example.positions);
  CHECK(row_of(set.labels, set.scored, row) == example.labels);
  for (std::size_t tag = 0; tag < set.tags.size(); ++tag) {
    const std::vector<std::int32_t> values = row_of(set.tags[tag].values, set.scored, row);
    REQUIRE(values.size() == example.positions.size());
    for (std::size_t r = 0; r < values.size(); ++r) CHECK(values[r] == example.tags_of(r)[tag]);
  }
}

std::string refusal_of(const Cell& cell, const ExampleRequest& request) {
  try {
    (void)make_examples(cell, "e", request, 1);
  } catch (const Error& error) {
    CHECK(error.status() == ExitStatus::kUsage);
    return error.what();
  }
  return "";
}

TEST_CASE("example set: every split is what its task gives, whatever the threads") {
  const Cell cell = cell_of(kPlain);
  const auto seed = static_cast<std::uint64_t>(cell.data_seed);
  for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
    for (const std::int64_t length : {32, 64, 128}) {
      if (split == Split::kTrain && length != 32) continue;
      const ExampleSet set = make_examples(cell, "e", {.split = split, .length = length}, 2);
      const std::unique_ptr<Task> task = at_length(*cell.task, length)->make();
      CHECK(set.examples == (split == Split::kTrain ? 40 : split == Split::kValidation ? 20 : 10));
      CHECK(set.length == length);
      CHECK(set.vocab == 24);
      REQUIRE(set.tags.size() == cell.task->tags().size());
      for (std::int64_t i = 0; i < set.examples; ++i) {
        check_is(set, i, *task, {seed, split, static_cast<std::uint64_t>(i)});
      }
      CHECK(make_examples(cell, "e", {.split = split, .length = length}, 3).digest == set.digest);
    }
  }
}

TEST_CASE("example set: the digest is XXH3-128 of ids, positions and labels, joined") {
  const ExampleSet set = make_examples(cell_of(kPlain), "e", {.split = Split::kTest}, 1);
  std::vector<std::int32_t> joined = set.ids;
  joined.insert(joined.end(), set.positions.begin(), set.positions.end());
  joined.insert(joined.end(), set.labels.begin(), set.labels.end());
  const Digest digest = digest_bytes(std::as_bytes(std::span(joined)));
  CHECK(set.digest == hex(digest.high) + hex(digest.low));
  CHECK(contains(set.settings, "# digest " + set.digest));
  // As xxHash prints it: XXH3_128bits("").
  CHECK(hex(digest_bytes({})) == "99aa06d3014798d86001c324468d497f");
  CHECK(cell_of(set.settings).hash() == cell_of(kPlain).hash());
}

TEST_CASE("example set: steps give the very batches of the order") {
  for (const std::string& text : {kPlain, kMixture, kCopying}) {
    const Cell cell = cell_of(text);
    const ExampleSet set = make_examples(cell, "e", {.steps = StepRange{3, 11}}, 2);
    const std::vector<TaskPart> parts = training_parts(cell);
    BatchOrder order(cell);
    std::int64_t row = 0;
    for (std::int64_t step = 3; step <= 11; ++step) {
      order.begin(step);
      const std::unique_ptr<Task> task = training_task(cell, *parts[order.component()].task);
      for (int b = 0; b < order.size(); ++b, ++row) {
        CHECK(set.steps[static_cast<std::size_t>(row)] == step);
        check_is(set, row, *task,
                 {static_cast<std::uint64_t>(cell.data_seed), Split::kTrain, order[b]});
      }
    }
    CHECK(row == set.examples);
  }
}

TEST_CASE("example set: training examples have the labels that training learns") {
  const Cell cell = cell_of(kPlain, {"train.loss=next-token"});
  const ExampleSet train = make_examples(cell, "e", {.split = Split::kTrain}, 1);
  CHECK(train.tags.empty());
  CHECK(row_of(train.positions, train.scored, 0).size() == 31);
  const ExampleSet test = make_examples(cell, "e", {.split = Split::kTest}, 1);
  CHECK(test.tags.size() == cell.task->tags().size());
  CHECK(row_of(test.positions, test.scored, 0).size() == 3);
}

TEST_CASE("example set: what leaves a choice is refused, and the line says what there is") {
  const Cell mixture = cell_of(kMixture);
  const std::string several = refusal_of(mixture, {.split = Split::kTest});
  CHECK(contains(several, "1 (length 32, pairs 3), 2 (length 64, pairs 5)"));
  CHECK(make_examples(mixture, "e", {.split = Split::kTest, .part = 2}, 1).length == 64);
  CHECK(make_examples(mixture, "e", {.split = Split::kTrain, .length = 32}, 1).examples == 20);
  CHECK(make_examples(mixture, "e", {.split = Split::kValidation, .length = 64}, 1).scored == 5);
  CHECK(contains(refusal_of(mixture, {.split = Split::kTest, .part = 3}), "part 3 is not in 1..2"));

  const Cell plain = cell_of(kPlain);
  CHECK(contains(refusal_of(plain, {.split = Split::kTest, .length = 3}), "length 3"));
  CHECK(contains(refusal_of(plain, {.split = Split::kTest, .count = 0}), "count 0"));
  CHECK(contains(refusal_of(plain, {.split = Split::kTest, .steps = StepRange{1, 2}}), "training"));
  CHECK(contains(refusal_of(plain, {.steps = StepRange{2, 1}}), "1 <= A <= B <= 20"));
  CHECK(contains(refusal_of(plain, {.steps = StepRange{1, 21}}), "1 <= A <= B <= 20"));
  CHECK(contains(refusal_of(plain, {.count = 4, .steps = StepRange{1, 2}}), "leave out"));
  CHECK(contains(refusal_of(cell_of(kCopying), {}), "give a count"));
}

TEST_CASE("example set: a cell must be named where cells differ in the examples asked for") {
  const auto place = [](const std::string& text, const std::vector<std::string>& overrides,
                        const ExampleRequest& request, std::optional<std::int64_t> number) {
    const Experiment experiment = parse_experiment(text, "x.yaml", overrides);
    try {
      return std::to_string(requested_cell(experiment.cells, number, request));
    } catch (const Error& error) {
      CHECK(error.status() == ExitStatus::kUsage);
      return std::string(error.what());
    }
  };
  const std::vector<std::string> variants = {"variants=[fixed-decay, full-quadratic]"};
  CHECK(place(kPlain, variants, {}, {}) == "0");
  CHECK(place(kPlain, variants, {}, 2) == "1");
  CHECK(contains(place(kPlain, variants, {}, 3), "cell 3 is not in 1..2"));
  CHECK(contains(place(kPlain, {"seeds=[1, 2]"}, {}, {}), "differ in their examples"));
  const std::vector<std::string> one_data = {"seeds=[1, 2]", "task.data_seed=7"};
  CHECK(place(kPlain, one_data, {}, {}) == "0");
  CHECK(contains(place(kPlain, one_data, {.steps = StepRange{1, 2}}, {}), "differ"));
  CHECK(place(kCopying, one_data, {.steps = StepRange{1, 2}}, {}) == "0");
}

}  // namespace
}  // namespace recollect
