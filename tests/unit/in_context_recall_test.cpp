// In-context recall against a brute-force twin, the laws of what is drawn, and the ceilings.
#include "tasks/in_context_recall.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/support/task_checks.hpp"
#include "tests/support/task_errors.hpp"

namespace recollect {
namespace {

using testing::drawn;

InContextRecallSettings settings_of(std::int64_t length, std::int64_t vocab,
                                    std::int64_t noise_ids = 0, double noise = 0.0) {
  InContextRecallSettings settings;
  settings.length = length;
  settings.vocab = vocab;
  settings.noise_ids = noise_ids;
  settings.noise = noise;
  return settings;
}

/// What is wrong with an example; "" if nothing. Reads it pair by pair, from the ids alone.
std::string fault(const InContextRecallSettings& settings, const Example& example) {
  if (std::ssize(example.ids) != settings.length) return "another length";
  const auto first_noise = static_cast<std::int32_t>(settings.vocab - settings.noise_ids);
  const std::int32_t first_value = first_noise / 2;
  std::map<std::int32_t, std::vector<std::int32_t>> places;  // of each key
  std::vector<std::int32_t> order;
  Example expected;
  std::string marks;
  std::vector<std::vector<std::int32_t>> answers;
  for (std::int32_t t = 0; t < settings.length; t += 2) {
    const std::int32_t key = example.ids[static_cast<std::size_t>(t)];
    const std::int32_t value = example.ids[static_cast<std::size_t>(t + 1)];
    if (std::min(key, value) < 0 || std::max(key, value) >= settings.vocab) return "out of range";
    const bool last = t + 2 == settings.length;
    if (last && places.empty()) return "all but the last pair are noise";
    if (key >= first_noise && value >= first_noise && !last) {
      if (settings.noise == 0.0) return "noise without noise";
      marks += "..";
      continue;
    }
    if (key >= first_value) return "no key";
    if (value < first_value || value >= first_noise) return "no value";
    std::vector<std::int32_t>& before = places[key];
    if (before.empty()) {
      if (last) return "the last key was not shown";
      order.push_back(key);
      marks += "kv";
    } else {
      const std::int32_t source = before.back() + 1;
      if (example.ids[static_cast<std::size_t>(source)] != value) return "another value";
      expected.positions.push_back(t);
      expected.labels.push_back(value);
      const auto number = std::ranges::find(order, key) - order.begin();
      for (const std::int32_t tag :
           {t - source, testing::level_by_halving(t, source), static_cast<std::int32_t>(number)}) {
        expected.tags.push_back(tag);
      }
      answers.push_back({example.ids[static_cast<std::size_t>(before.front() + 1)], value});
      marks += "qv";
    }
    before.push_back(t);
  }
  const auto task = settings.make();
  if (example.positions != expected.positions) return "other positions";
  if (example.labels != expected.labels) return "other labels";
  if (example.tags != expected.tags) return "other tags";
  if (testing::answers_of(settings, *task, example) != answers) return "the rules answer otherwise";
  if (testing::marks_of(settings, *task, example) != marks) return "other kinds";
  std::vector<std::int64_t> right(2);
  task->count_right(example, right);
  if (right != std::vector<std::int64_t>(2, std::ssize(example.positions)))
    return "no ceiling of 1";
  return "";
}

}  // namespace

TEST_CASE("in-context recall: settings are refused, or their examples agree with the twin") {
  int made = 0;
  for (std::int64_t length = 1; length < 30; ++length) {
    for (std::int64_t vocab = 1; vocab < 12; ++vocab) {
      for (const std::int64_t noise_ids : {0, 1, 2, 5}) {
        for (const double noise : {0.0, 0.3, 1.0}) {
          const auto settings = settings_of(length, vocab, noise_ids, noise);
          const bool fits = length >= 4 && length % 2 == 0 && vocab - noise_ids >= 2 &&
                            (noise == 0.0 || noise_ids > 0);
          CAPTURE(length);
          CAPTURE(vocab);
          CAPTURE(noise_ids);
          REQUIRE(message_of(settings).empty() == fits);
          if (!fits) continue;
          ++made;
          const std::int64_t ids = vocab - noise_ids;
          CHECK(settings.make()->chance() == 1.0 / static_cast<double>(ids - ids / 2));
          for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
            for (const Example& example : drawn(settings, 4, split)) {
              REQUIRE(fault(settings, example) == "");
            }
          }
        }
      }
    }
  }
  CHECK(made > 500);
  for (const auto& settings : {settings_of(128, 16), settings_of(128, 32, 16, 0.2)}) {
    for (const Example& example : drawn(settings, 50)) REQUIRE(fault(settings, example) == "");
  }
}

TEST_CASE("in-context recall: keys, values and the last key are uniform") {
  // V 9: keys 0..3, values 4..8.
  std::vector<double> pairs(4 * 5);                     // the first one
  std::vector<double> next(4 * 4);                      // the two keys after it
  std::map<std::int32_t, std::vector<double>> last_of;  // by how many keys were shown
  for (const Example& example : drawn(settings_of(14, 9), 8000)) {
    const std::vector<std::int32_t>& ids = example.ids;
    pairs[static_cast<std::size_t>(ids[0] * 5 + ids[1] - 4)] += 1.0;
    next[static_cast<std::size_t>(ids[2] * 4 + ids[4])] += 1.0;
    std::vector<std::int32_t> shown;
    for (std::size_t t = 0; t < 12; t += 2) {
      if (std::ranges::find(shown, ids[t]) == shown.end()) shown.push_back(ids[t]);
    }
    std::vector<double>& counts = last_of[static_cast<std::int32_t>(shown.size())];
    counts.resize(shown.size());
    counts[static_cast<std::size_t>(std::ranges::find(shown, ids[12]) - shown.begin())] += 1.0;
  }
  CHECK(testing::misfit(pairs) == "");
  CHECK(testing::misfit(next) == "");
  for (const std::int32_t keys : {2, 3, 4}) CHECK(testing::misfit(last_of.at(keys)) == "");
}

TEST_CASE("in-context recall: noise has its probability, but for one pair, drawn uniformly") {
  // Ten pairs and the last; of the ten one is never noise, nine are binomial.
  std::vector<double> counts(10);
  std::vector<double> at(10);
  std::vector<double> ids(9);  // pairs of three noise ids
  const auto is_noise = [](const Example& example, std::size_t pair) {
    return example.ids[2 * pair] >= 6;
  };
  for (const Example& example : drawn(settings_of(22, 9, 3, 0.4), 12000)) {
    std::size_t noisy = 0;
    for (std::size_t pair = 0; pair < 10; ++pair) {
      if (!is_noise(example, pair)) continue;
      ++noisy;
      if (noisy == 1) {
        ids[static_cast<std::size_t>(3 * (example.ids[2 * pair] - 6) + example.ids[2 * pair + 1] -
                                     6)] += 1.0;
      }
    }
    counts.at(noisy) += 1.0;
  }
  std::vector<double> weights;
  double choose = 1.0;
  for (int k = 0; k <= 9; ++k) {
    weights.push_back(choose * std::pow(0.4, k) * std::pow(0.6, 9 - k));
    choose = choose * (9 - k) / (k + 1);
  }
  weights[8] += weights[9];  // too rare for a cell of its own
  counts[8] += counts[9];
  weights.pop_back();
  counts.pop_back();
  CHECK(testing::misfit(counts, weights) == "");
  CHECK(testing::misfit(ids) == "");
  for (const Example& example : drawn(settings_of(22, 9, 3, 1.0), 3000)) {
    REQUIRE(example.positions == std::vector<std::int32_t>{20});
    for (std::size_t pair = 0; pair < 10; ++pair) at[pair] += is_noise(example, pair) ? 0.0 : 1.0;
  }
  CHECK(testing::misfit(at) == "");
}

TEST_CASE("in-context recall: every error names values, bound and remedy") {
  const auto error = [](const std::function<void(InContextRecallSettings&)>& change) {
    InContextRecallSettings settings;
    change(settings);
    return message_of(settings);
  };
  CHECK(error([](auto&) {}) == "");
  CHECK(error([](auto& s) { s.length = 2; }) ==
        "length = 2 is not in 4..16777216; raise it to 4 at least");
  CHECK(error([](auto& s) { s.length = 127; }) ==
        "length = 127 must be even, since keys and values stand in pairs; use 126 or 128");
  CHECK(error([](auto& s) { s.vocab = 1; }) ==
        "vocab = 1 is not in 2..2097152; raise it to 2 at least");
  CHECK(error([](auto& s) { s.noise_ids = -1; }) ==
        "noise_ids = -1 is not in 0..2097150; raise it to 0 at least");
  CHECK(error([](auto& s) { s.noise_ids = 15; }) ==
        "noise_ids = 15 leaves fewer than the 2 ids of vocab 16 that a key and a value need; lower "
        "it to 14 or raise vocab to 17");
  CHECK(error([](auto& s) { s.noise = 0.2; }) ==
        "noise = 0.2 needs ids to draw noise from, but noise_ids is 0; raise noise_ids to 1 at "
        "least or set noise to 0");
  CHECK(error([](auto& s) { s.noise = 1.5; }) == "noise = 1.5 is not in 0..1; it is a probability");
  CHECK(error([](auto& s) { s.noise = std::nan(""); }) ==
        "noise = nan is not in 0..1; it is a probability");
}

}  // namespace recollect
