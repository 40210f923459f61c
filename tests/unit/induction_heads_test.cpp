// Induction heads against a brute-force twin, the laws of what is drawn, and the ceilings.
#include "tasks/induction_heads.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/task_checks.hpp"
#include "tests/support/task_errors.hpp"

namespace recollect {
namespace {

using testing::answers_of;
using testing::drawn;

InductionHeadsSettings settings_of(std::int64_t length, std::int64_t vocab, bool all) {
  InductionHeadsSettings settings;
  settings.length = length;
  settings.vocab = vocab;
  settings.all = all;
  return settings;
}

/// What is wrong with an example; "" if nothing.
std::string fault(const InductionHeadsSettings& settings, const Example& example) {
  const auto last = static_cast<std::int32_t>(settings.length) - 1;
  const auto half = static_cast<std::int32_t>(settings.vocab / 2);
  const auto id = [&](std::int32_t p) { return example.ids.at(static_cast<std::size_t>(p)); };
  if (std::ssize(example.ids) != settings.length) return "another length";
  const std::int32_t trigger = id(1);
  const std::int32_t pattern = id(2);
  if (trigger < 1 || trigger >= half) return "no trigger at 1";
  if (pattern < half || pattern >= 2 * half) return "no pattern at 2";
  if (id(last - 1) != trigger) return "the trigger does not stand at T-2";
  Example expected;
  std::string marks(example.ids.size(), '.');
  marks[1] = 't';
  marks[2] = 'p';
  std::vector<std::vector<std::int32_t>> answers;
  for (std::int32_t p = 0; p <= last; ++p) {
    if (id(p) < 1 || id(p) >= 2 * half) return "an id out of range";
    if (id(p) != trigger || p < 3 || (!settings.all && p != last - 1)) continue;
    expected.positions.push_back(p);
    expected.labels.push_back(pattern);
    for (const std::int32_t tag : {p - 2, testing::level_by_halving(p, 2)}) {
      expected.tags.push_back(tag);
    }
    marks[static_cast<std::size_t>(p)] = 'q';
    std::vector<std::int32_t> bound;
    for (std::int32_t s = 0; s <= p - 2; ++s) {
      if (id(s) == trigger && id(s + 1) >= half) bound.push_back(id(s + 1));
    }
    if (bound.front() != pattern) return "the first binding is another one";
    answers.push_back({bound.front(), bound.back()});
  }
  const auto task = settings.make();
  if (example.positions != expected.positions) return "other positions";
  if (example.labels != expected.labels) return "other labels";
  if (example.tags != expected.tags) return "other tags";
  if (answers_of(settings, *task, example) != answers) return "the rules answer otherwise";
  if (testing::marks_of(settings, *task, example) != marks) return "other kinds";
  return "";
}

}  // namespace

TEST_CASE("induction heads: settings are refused, or their examples agree with the twin") {
  int made = 0;
  for (std::int64_t length = 1; length < 40; ++length) {
    for (std::int64_t vocab = 2; vocab < 20; ++vocab) {
      for (const bool all : {false, true}) {
        const auto settings = settings_of(length, vocab, all);
        const bool fits = length >= 5 && vocab >= 4 && vocab % 2 == 0;
        CAPTURE(length);
        CAPTURE(vocab);
        REQUIRE(message_of(settings).empty() == fits);
        if (!fits) continue;
        ++made;
        CHECK(settings.make()->chance() == 2.0 / static_cast<double>(vocab));
        for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
          for (const Example& example : drawn(settings, 4, split)) {
            REQUIRE(fault(settings, example) == "");
          }
        }
      }
    }
  }
  CHECK(made > 500);
  for (const Example& example : drawn(settings_of(256, 64, true), 50)) {
    REQUIRE(fault(settings_of(256, 64, true), example) == "");
  }
}

TEST_CASE("induction heads: `all` scores more of the same ids") {
  const auto one = drawn(settings_of(100, 16, false), 100);
  const auto all = drawn(settings_of(100, 16, true), 100);
  double scored = 0.0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    REQUIRE(one[i].ids == all[i].ids);
    REQUIRE(one[i].positions == std::vector<std::int32_t>{98});
    scored += static_cast<double>(all[i].positions.size());
  }
  // Positions 3..97 and 99 are triggers with probability 1/15: 7.4 and a standard error of 0.25.
  CHECK(std::abs(scored / 100.0 - 7.4) < 1.0);
}

TEST_CASE("induction heads: triggers, patterns and filler are uniform and independent") {
  std::vector<double> pairs(5 * 6);
  std::vector<double> neighbours(11 * 11);
  std::vector<double> ends(11 * 11);
  for (const Example& example : drawn(settings_of(8, 12, false), 6000)) {
    const std::vector<std::int32_t>& ids = example.ids;
    const auto add = [](std::vector<double>& counts, std::int32_t a, std::int32_t b,
                        std::int32_t width) {
      counts.at(static_cast<std::size_t>(a * width + b)) += 1.0;
    };
    add(pairs, ids[1] - 1, ids[2] - 6, 6);
    add(neighbours, ids[4] - 1, ids[5] - 1, 11);
    add(ends, ids[0] - 1, ids[7] - 1, 11);
  }
  CHECK(testing::misfit(pairs) == "");
  CHECK(testing::misfit(neighbours) == "");
  CHECK(testing::misfit(ends) == "");
}

TEST_CASE("induction heads: the ceiling of the latest binding is the computed one") {
  // P(the latest binding is the pattern's): one token after another, from 3 to T-3, each of which
  // binds where the one before was the trigger.
  const double once = 1.0 / 63.0;  // of one id
  double right = 1.0;              // and the token before is not the trigger
  double right_behind = 0.0;       // and it is
  double wrong = 0.0;
  double wrong_behind = 0.0;
  for (int p = 3; p <= 253; ++p) {
    const double behind = right_behind + wrong_behind;
    const double other = 30.0 * once;  // neither the trigger nor a value
    const double now_right = right * (1.0 - once) + right_behind * other + behind * once;
    const double now_wrong = wrong * (1.0 - once) + wrong_behind * other + behind * 31.0 * once;
    right_behind = (right + right_behind) * once;
    wrong_behind = (wrong + wrong_behind) * once;
    right = now_right;
    wrong = now_wrong;
  }
  const double expected = right + right_behind;
  CHECK(expected + wrong + wrong_behind == doctest::Approx(1.0));
  const auto settings = settings_of(256, 64, false);
  const auto task = settings.make();
  double recent = 0.0;
  for (const Example& example : drawn(settings, 5000, Split::kTest)) {
    std::vector<std::int64_t> counts(2);
    task->count_right(example, counts);
    REQUIRE(counts[0] == 1);
    recent += static_cast<double>(counts[1]) / 5000.0;
  }
  CHECK(std::abs(recent - expected) < 4.1 * std::sqrt(expected * (1.0 - expected) / 5000.0));
}

TEST_CASE("induction heads: every error names values, bound and remedy") {
  const auto error = [](const std::function<void(InductionHeadsSettings&)>& change) {
    InductionHeadsSettings settings;
    change(settings);
    return message_of(settings);
  };
  CHECK(error([](auto&) {}) == "");
  CHECK(error([](auto& s) { s.length = 4; }) ==
        "length = 4 is not in 5..16777216; raise it to 5 at least");
  CHECK(error([](auto& s) { s.vocab = 2; }) ==
        "vocab = 2 is not in 4..2097152; raise it to 4 at least");
  CHECK(error([](auto& s) { s.vocab = 63; }) ==
        "vocab = 63 must be even, since half of the ids are patterns; use 62 or 64");
}

}  // namespace recollect
