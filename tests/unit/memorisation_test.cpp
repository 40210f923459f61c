// Memorisation against a brute-force twin, the law of its map, what training tells, and leakage.
#include "tasks/memorisation.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/config/load.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/leakage.hpp"
#include "harness/train/scorer.hpp"
#include "tests/support/task_checks.hpp"
#include "tests/support/task_errors.hpp"

namespace recollect {
namespace {

using testing::drawn;
using Map = std::map<std::int32_t, std::int32_t>;

constexpr Split kSplits[] = {Split::kTrain, Split::kValidation, Split::kTest};

MemorisationSettings settings_of(std::int64_t length, std::int64_t vocab) {
  MemorisationSettings settings;
  settings.length = length;
  settings.vocab = vocab;
  return settings;
}

/// What is wrong with an example; "" if nothing. Learns the map as it goes.
std::string fault(const MemorisationSettings& settings, const Example& example, Map& map) {
  if (std::ssize(example.ids) != settings.length) return "another length";
  const auto insert = static_cast<std::int32_t>(settings.vocab - 1);
  const std::int32_t m = insert / 2;
  Example expected;
  std::string marks;
  for (std::int32_t t = 0; t < settings.length; t += 2) {
    const std::int32_t key = example.ids[static_cast<std::size_t>(t)];
    if (key < 0 || key >= m) return "no key";
    if (example.ids[static_cast<std::size_t>(t + 1)] != insert) return "no insert token";
    const std::int32_t label = example.labels.at(static_cast<std::size_t>(t / 2));
    if (label < m || label >= insert) return "no value";
    expected.positions.push_back(t + 1);
    expected.labels.push_back(map.emplace(key, label).first->second);
    expected.tags.push_back(key);
    marks += "ki";
  }
  if (example.positions != expected.positions) return "other positions";
  if (example.labels != expected.labels) return "another value than before";
  if (example.tags != expected.tags) return "other tags";
  if (testing::marks_of(settings, *settings.make(), example) != marks) return "other kinds";
  return "";
}

std::set<std::int32_t> keys_of(const std::vector<Example>& examples) {
  std::set<std::int32_t> keys;
  for (const Example& example : examples) {
    for (std::size_t t = 0; t < example.ids.size(); t += 2) keys.insert(example.ids[t]);
  }
  return keys;
}

/// The whole map of a data seed.
Map map_of(const MemorisationSettings& settings, std::uint64_t seed) {
  Map map;
  for (const Example& example : drawn(settings, 40, Split::kTrain, seed)) {
    for (std::size_t r = 0; r < example.labels.size(); ++r) {
      map[example.ids[2 * r]] = example.labels[r];
    }
  }
  return map;
}

double seen_by_rule(const TaskSettings& settings, const std::vector<Example>& examples) {
  const auto task = settings.make();
  double right = 0.0;
  double scored = 0.0;
  for (const Example& example : examples) {
    std::vector<std::int64_t> counts(1, -1);
    task->count_right(example, counts);
    right += static_cast<double>(counts[0]);
    scored += static_cast<double>(example.positions.size());
  }
  return right / scored;
}

double seen_by_hand(const std::vector<Example>& training, const std::vector<Example>& examples) {
  const std::set<std::int32_t> known = keys_of(training);
  double right = 0.0;
  double scored = 0.0;
  for (const Example& example : examples) {
    for (std::size_t t = 0; t < example.ids.size(); t += 2) {
      right += known.contains(example.ids[t]) ? 1.0 : 0.0;
      scored += 1.0;
    }
  }
  return right / scored;
}

}  // namespace

TEST_CASE("memorisation: settings are refused, or their examples agree with the twin") {
  int made = 0;
  for (std::int64_t length = 1; length < 20; ++length) {
    for (std::int64_t vocab = 2; vocab < 20; ++vocab) {
      const auto settings = settings_of(length, vocab);
      const bool fits = length >= 2 && length % 2 == 0 && vocab >= 3;
      CAPTURE(length);
      CAPTURE(vocab);
      REQUIRE(message_of(settings).empty() == fits);
      if (!fits) continue;
      ++made;
      const std::int64_t m = (vocab - 1) / 2;
      CHECK(settings.make()->chance() == 1.0 / static_cast<double>(vocab - 1 - m));
      Map map;  // of all splits
      for (const Split split : kSplits) {
        for (const Example& example : drawn(settings, 30, split)) {
          REQUIRE(fault(settings, example, map) == "");
        }
      }
      std::set<std::int32_t> values;
      for (const auto& entry : map) values.insert(entry.second);
      REQUIRE(values.size() == map.size());
    }
  }
  CHECK(made > 150);
}

TEST_CASE("memorisation: all lengths share the map, data seeds do not") {
  const Map map = map_of(settings_of(64, 256), 7);
  REQUIRE(map.size() == 127);
  CHECK(map_of(settings_of(70, 256), 7) == map);
  CHECK(map_of(settings_of(64, 256), 8) != map);
  // One scratch for two seeds and two vocabularies.
  const auto task = settings_of(64, 256).make();
  const auto other = settings_of(64, 128).make();
  GeneratorScratch scratch;
  Example example;
  for (int i = 0; i < 3; ++i) {
    other->example({7, Split::kTrain, 0}, example, scratch);
    task->example({8, Split::kTrain, 0}, example, scratch);
    task->example({7, Split::kTrain, 0}, example, scratch);
    for (std::size_t r = 0; r < example.labels.size(); ++r) {
      REQUIRE(example.labels[r] == map.at(example.ids[2 * r]));
    }
  }
}

TEST_CASE("memorisation: keys are uniform and independent, maps equally likely") {
  std::vector<double> neighbours(49);
  for (const Example& example : drawn(settings_of(8, 16), 4000)) {
    for (const std::size_t t : {0U, 4U}) {
      neighbours[static_cast<std::size_t>(7 * example.ids[t] + example.ids[t + 2])] += 1.0;
    }
  }
  CHECK(testing::misfit(neighbours) == "");
  // V 8: three keys, four values, 24 injections.
  std::map<std::vector<std::int32_t>, double> maps;
  for (std::uint64_t seed = 0; seed < 2400; ++seed) {
    std::vector<std::int32_t> values;
    for (const auto& entry : map_of(settings_of(8, 8), seed)) values.push_back(entry.second);
    maps[values] += 1.0;
  }
  REQUIRE(maps.size() == 24);
  std::vector<double> counts;
  for (const auto& entry : maps) counts.push_back(entry.second);
  CHECK(testing::misfit(counts) == "");
}

TEST_CASE("memorisation: the ceiling is the share of scored keys that training shows") {
  MemorisationSettings settings = settings_of(8, 256);
  const auto test = drawn(settings, 400, Split::kTest, 5);
  CHECK(seen_by_rule(settings, test) == 0.0);  // nobody said what is trained on
  for (const std::int64_t examples : {1, 20, 60, 3000}) {
    settings.training = {{5, 8, examples}};
    const auto training = drawn(settings, static_cast<std::uint64_t>(examples), Split::kTrain, 5);
    const double seen = seen_by_rule(settings, test);
    CHECK(seen == seen_by_hand(training, test));
    // Each of 4 * examples draws misses a key with probability 126/127.
    CHECK(std::abs(seen - (1.0 - std::pow(126.0 / 127.0, 4.0 * static_cast<double>(examples)))) <
          0.1);
    // At another length it is the same training set.
    MemorisationSettings longer = settings;
    longer.length = 20;
    CHECK(seen_by_rule(longer, drawn(longer, 50, Split::kTest, 5)) ==
          seen_by_hand(training, drawn(longer, 50, Split::kTest, 5)));
  }
  CHECK(seen_by_rule(settings, test) == 1.0);
}

TEST_CASE("memorisation: a cell tells what it trains on, a fixed set or online") {
  const auto seen = [](const std::string& train) {
    const Experiment experiment = parse_experiment(
        "experiment: x\ntask: {name: memorisation, length: 8, data_seed: 5}\n"
        "model: {width: 8}\nvariants: [fixed-decay]\neval: {lengths: [8, 20]}\n"
        "train: " +
            train + "\n",
        "x.yaml");
    const Cell& cell = experiment.cells.at(0);
    SequenceModel<float> model = build_model(cell);
    std::vector<double> ceilings;
    for (const std::int64_t length : {8, 20}) {
      const Score score = recollect::score(model, cell, Split::kTest, length, 100, 2, true);
      REQUIRE(score.rules.size() == 1);
      CHECK(score.rules[0].rule == "seen");
      CHECK(score.rules[0].accuracy ==
            seen_by_hand(drawn(settings_of(8, 256), 30, Split::kTrain, 5),
                         drawn(settings_of(length, 256), 100, Split::kTest, 5)));
      ceilings.push_back(score.rules[0].accuracy);
      CHECK(score.slices.at(0).slice == "pair");
    }
    return ceilings;
  };
  const auto fixed = seen("{examples: 30, batch: 10, steps: 100}");
  CHECK(fixed == seen("{examples: online, batch: 10, steps: 3}"));
  CHECK(fixed[0] > 0.4);
  CHECK(fixed[0] < 0.8);
}

TEST_CASE("memorisation: what splits share is by design, and no warning") {
  const auto leakage_of = [](const std::string& task) {
    const Experiment experiment = parse_experiment(
        "experiment: x\ntask: " + task +
            "\nvariants: [fixed-decay]\n"
            "train: {examples: 100, validation_examples: 20}\neval: {examples: 10}\nseeds: [3]\n",
        "x.yaml");
    const Leakage leakage = count_leakage(experiment, 1);
    CHECK_FALSE(leakage.found());
    CHECK(leakage_warning(leakage).empty());
    return describe(leakage);
  };
  const auto large = leakage_of("{name: memorisation}");
  REQUIRE(large.size() == 2);
  CHECK(large[0] ==
        "examples: 100 training, 20 validation, 10 test in 1 data set (task, length, seed); no "
        "split holds an example of another");
  CHECK(large[1] == "by design: all splits of memorisation share the map from keys to values");
  const auto tiny = leakage_of("{name: memorisation, length: 2, vocab: 5}");
  REQUIRE(tiny.size() == 3);
  CHECK(tiny[0].ends_with("; overlap in 1"));
  CHECK(tiny[2] ==
        "by design: all splits of memorisation share the map from keys to values; memorisation: "
        "length 2, vocab 5, data_seed 3: 10 of 10 test examples (100.0 %) occur in training, 20 of "
        "20 validation examples (100.0 %) occur in training, 10 of 10 test examples (100.0 %) "
        "occur in validation");
}

TEST_CASE("memorisation: every error names values, bound and remedy") {
  const auto error = [](const std::function<void(MemorisationSettings&)>& change) {
    MemorisationSettings settings;
    change(settings);
    return message_of(settings);
  };
  CHECK(error([](auto&) {}) == "");
  CHECK(error([](auto& s) { s.length = 1; }) ==
        "length = 1 is not in 2..16777216; raise it to 2 at least");
  CHECK(error([](auto& s) { s.length = 33; }) ==
        "length = 33 must be even, since every key is followed by the insert token; use 32 or 34");
  CHECK(error([](auto& s) { s.vocab = 2; }) ==
        "vocab = 2 is not in 3..2097152; raise it to 3 at least");
}

}  // namespace recollect
