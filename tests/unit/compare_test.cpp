#include "harness/compare/compare.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fields.hpp"
#include "harness/compare/comparison_text.hpp"
#include "harness/stats/paired_tests.hpp"

namespace recollect {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// A row of a table of cells, with defaults for all that a test does not speak of.
struct Line {
  int seed = 0;
  double accuracy = 0.5;
  std::string label = "adaptive-decay";
  double exact_match = 0.25;
  double loss = 1.0;
  std::string solved_step = "";
  std::string status = "finished";
  std::vector<std::pair<std::string, std::string>> other = {};  ///< columns that are not as below
  std::vector<bool> exact = {};
};

ResultSet side_of(const std::vector<Line>& lines) {
  using Values = std::vector<std::pair<std::string, std::string>>;
  CsvTable table;
  std::vector<std::optional<std::vector<bool>>> exact;
  for (const Line& line : lines) {
    const bool scored = line.status == "finished";
    const std::string seed = std::to_string(line.seed);
    const auto score = [&](const std::string& text) { return scored ? text : std::string(); };
    Values values = {{"experiment", "x"},
                     {"code_version", "abc"},
                     {"compiler", "GNU 12"},
                     {"build", "Release"},
                     {"status", line.status},
                     {"task", "mqar"},
                     {"task_length", "64"},
                     {"task_pairs", "8"},
                     {"variant", "adaptive-decay"},
                     {"label", line.label},
                     {"model_width", "64"},
                     {"model_first_layer", "ids"},
                     {"train_steps", "100"},
                     {"train_order_seed", seed},
                     {"seed", seed},
                     {"data_seed", seed},
                     {"steps", "100"},
                     {"solved_step", line.solved_step},
                     {"parameters", "1234"},
                     {"weights", score("best")},
                     {"split", score("test")},
                     {"eval_length", score("64")},
                     {"accuracy", score(shortest(line.accuracy))},
                     {"exact_match", score(shortest(line.exact_match))},
                     {"loss", score(shortest(line.loss))},
                     {"ceiling_recent", score("0.9")},
                     {"examples", score("100")},
                     {"unseen_levels", ""},
                     {"numerics_version", "2"}};
    for (auto& [column, value] : values) {
      for (const auto& [name, text] : line.other) {
        if (name == column) value = text;
      }
    }
    table.header.clear();
    std::vector<std::string>& row = table.rows.emplace_back();
    for (const auto& [column, value] : values) {
      table.header.push_back(column);
      row.push_back(value);
    }
    exact.push_back(line.exact.empty() ? std::nullopt : std::optional(line.exact));
  }
  ResultSet side = result_set_of(table, "results");
  side.exact = std::move(exact);
  return side;
}

ResultComparison compared(const std::vector<Line>& base, const std::vector<Line>& now,
                          const CompareRules& rules = {}) {
  return compare(side_of(base), side_of(now), rules);
}

/// One seed each.
std::vector<Line> seeds_with(const std::vector<double>& accuracies,
                             const std::string& label = "adaptive-decay") {
  std::vector<Line> lines;
  for (std::size_t i = 0; i < accuracies.size(); ++i) {
    lines.push_back({static_cast<int>(i), accuracies[i], label});
  }
  return lines;
}

TEST_CASE("compare: results are equal to themselves, whatever the order of their rows") {
  std::vector<Line> lines;
  for (const char* label : {"a", "b", "c"}) {
    for (int seed = 0; seed < 12; ++seed) {
      lines.push_back({seed, 0.1 * seed / 1.7, label, 0.03 * seed, 2.0 / (1 + seed),
                       seed % 2 == 0 ? "10" : ""});
    }
  }
  std::vector<Line> shuffled = lines;
  std::mt19937 random(1);
  std::shuffle(shuffled.begin(), shuffled.end(), random);
  const ResultComparison comparison = compared(lines, shuffled);
  CHECK(comparison.mismatches.empty());
  REQUIRE(comparison.groups.size() == 3);
  for (const ComparedGroup& group : comparison.groups) {
    CHECK(group.verdict == Verdict::kEqual);
    CHECK(group.changed == 0);
    CHECK(group.seeds == 12);
    CHECK(group.score == "best, test, length 64");
    CHECK_FALSE(group.p.has_value());
    CHECK(group.others.size() == 5);  // solved, solved_step and the three metrics of the one score
    for (const Described& other : group.others) CHECK(other.difference == 0.0);
  }
}

const ComparedGroup& only(const ResultComparison& comparison) {
  REQUIRE(comparison.groups.size() == 1);
  return comparison.groups.front();
}

/// `count` seeds whose accuracy is that of the base and `shift` more, with a ripple.
std::vector<double> shifted(const std::vector<double>& base, double shift, double ripple = 0.0) {
  std::vector<double> now = base;
  for (std::size_t i = 0; i < now.size(); ++i) now[i] += shift + (i % 2 == 0 ? ripple : -ripple);
  return now;
}

TEST_CASE("compare: fewer than three seeds decide nothing, and fail beyond the tolerance alone") {
  for (const std::size_t seeds : {1, 2}) {
    CAPTURE(seeds);
    const std::vector<double> base(seeds, 0.9);
    const auto judge = [&](double shift) {
      return compared(seeds_with(base), seeds_with(shifted(base, shift)));
    };
    const ResultComparison fallen = judge(-0.02);
    CHECK(only(fallen).verdict == Verdict::kUndecided);
    CHECK(only(fallen).beyond);
    CHECK_FALSE(fallen.worse());
    CHECK(fallen.undecided({}));
    CompareRules rules;
    rules.undecided = Undecided::kPass;
    CHECK_FALSE(fallen.undecided(rules));
    CHECK_FALSE(judge(-0.01).undecided({}));  // 0.9 - 0.01 is the tolerance but for rounding
    CHECK_FALSE(judge(-0.005).undecided({}));
    CHECK_FALSE(judge(0.5).undecided({}));
    rules.undecided = Undecided::kFail;
    CHECK(judge(-0.005).undecided(rules));
  }
}

TEST_CASE("compare: the interval decides: beyond the tolerance, within it, or across") {
  for (const std::size_t seeds : {3, 5, 10, 20}) {
    CAPTURE(seeds);
    std::vector<double> base;
    for (std::size_t i = 0; i < seeds; ++i) base.push_back(0.9 + 0.001 * static_cast<double>(i));
    const auto judge = [&](double shift, double ripple) {
      return only(compared(seeds_with(base), seeds_with(shifted(base, shift, ripple))));
    };
    // A loss of two points in every seed, all else equal, whatever their number.
    CHECK(judge(-0.02, 0.0).verdict == Verdict::kWorse);
    CHECK(judge(-0.02, 0.0005).verdict == Verdict::kWorse);
    CHECK(judge(0.02, 0.0005).verdict == Verdict::kBetter);
    CHECK(judge(-0.002, 0.0005).verdict == Verdict::kSame);
    CHECK(judge(-0.01, 0.0).verdict == Verdict::kSame);
    CHECK(judge(-0.012, 0.05).verdict == Verdict::kUndecided);
    const ComparedGroup fallen = judge(-0.02, 0.0005);
    CHECK(fallen.changed == static_cast<std::int64_t>(seeds));
    CHECK(fallen.interval->high < -0.01);
    CHECK(fallen.interval->contains(fallen.difference));
    CHECK(fallen.why == "the interval lies beyond the tolerance of 0.01");
  }
}

TEST_CASE("compare: the verdict of every group is that of Holm's order of intervals") {
  // Two groups of ten seeds: what one alone would decide, beside another it may not.
  const std::vector<double> base(10, 0.9);
  std::vector<double> fallen = base;
  for (std::size_t i = 0; i < 10; ++i) fallen[i] -= 0.017 + (i % 2 == 0 ? 0.0088 : -0.0088);
  const auto judge = [&](int groups) {
    std::vector<Line> before, after;
    for (int group = 0; group < groups; ++group) {
      for (const Line& line : seeds_with(base, std::to_string(group))) before.push_back(line);
      for (const Line& line : seeds_with(fallen, std::to_string(group))) after.push_back(line);
    }
    return compared(before, after).groups.front();
  };
  const ComparedGroup alone = judge(1);
  CHECK(alone.verdict == Verdict::kWorse);
  CHECK(alone.confidence == doctest::Approx(0.95));
  const ComparedGroup among = judge(4);
  CHECK(*among.p == doctest::Approx(4.0 * *alone.p));
  CHECK(among.verdict == Verdict::kUndecided);
  CHECK(among.confidence == doctest::Approx(1.0 - 0.05 / 4.0));
  CHECK(among.interval->width() > alone.interval->width());
  // Groups that are equal take no part: nothing could go wrong there.
  std::vector<Line> before, after;
  for (const char* label : {"a", "b", "c"}) {
    for (const Line& line : seeds_with(base, label)) before.push_back(line);
    for (const Line& line : seeds_with(*label == 'a' ? fallen : base, label)) after.push_back(line);
  }
  CHECK(compared(before, after).groups.front().verdict == Verdict::kWorse);
}

TEST_CASE("compare: seeds that fall to chance are counted, and never pass unseen") {
  for (const int collapsed : {1, 2, 5, 7}) {
    CAPTURE(collapsed);
    std::vector<Line> before, after;
    for (const char* label : {"a", "b", "c", "d"}) {
      for (int seed = 0; seed < 10; ++seed) {
        before.push_back({seed, 0.99 + 0.0005 * seed, label, 0.9, 0.1, "100"});
        after.push_back(before.back());
        if (*label != 'b' || seed >= collapsed) continue;
        after.back().accuracy = 0.03;
        after.back().solved_step = "";
      }
    }
    const ResultComparison comparison = compared(before, after);
    const ComparedGroup& group = comparison.groups.at(1);
    CHECK(group.changed == collapsed);
    CHECK(group.no_longer_solve == collapsed);
    REQUIRE(group.learned.has_value());
    CHECK(group.learned->base == 10);
    CHECK(group.learned->now == 10 - collapsed);
    CHECK((comparison.worse() || comparison.undecided({})));
    CHECK(comparison.worse() == (collapsed >= 5));  // 2 mid-p of 5 of 5 is 0.031
    const ResultSet side = side_of(before);
    const std::string text = comparison_text(comparison, side, side, {});
    CHECK(text.find(fmt::format("{} of 10 cells changed, {} of them no longer solve", collapsed,
                                collapsed)) != std::string::npos);
    for (const std::size_t other : {0, 2, 3}) {
      CHECK(comparison.groups.at(other).verdict == Verdict::kEqual);
    }
  }
}

TEST_CASE("compare: what is worse one way is better the other way round") {
  std::mt19937 random(5);
  int worse = 0;
  for (int repeat = 0; repeat < 90; ++repeat) {
    std::vector<Line> base, now;
    const int seeds = 1 + static_cast<int>(random() % 11);
    const double shift = static_cast<double>(random() % 3) * 0.04;
    const bool apart = random() % 3 == 0;
    for (int seed = 0; seed < seeds; ++seed) {
      const auto draw = [&] {
        return apart && random() % 2 == 0 ? -0.4 : static_cast<double>(random() % 100) / 2000.0;
      };
      base.push_back({seed, 0.5 + draw(), "a", draw(), 1.0 + draw()});
      now.push_back({seed, 0.5 + draw() + shift, "a", draw(), 1.0 + draw()});
    }
    for (const Metric metric : kScoreMetrics) {
      CompareRules rules;
      rules.metric = metric;
      const ComparedGroup a = only(compared(base, now, rules));
      const ComparedGroup b = only(compared(now, base, rules));
      CHECK(a.difference == doctest::Approx(-b.difference));
      CHECK((a.verdict == Verdict::kWorse) == (b.verdict == Verdict::kBetter));
      CHECK((a.verdict == Verdict::kBetter) == (b.verdict == Verdict::kWorse));
      CHECK((a.verdict == Verdict::kSame) == (b.verdict == Verdict::kSame));
      worse += a.verdict == Verdict::kWorse || b.verdict == Verdict::kWorse ? 1 : 0;
    }
  }
  CHECK(worse > 10);
}

TEST_CASE("compare: the metric and the scores that judge can be chosen") {
  // Exact match falls by 0.012 in each of five seeds, accuracy by nothing.
  std::vector<Line> base, now;
  for (int seed = 0; seed < 5; ++seed) {
    base.push_back({seed, 0.9, "a", 0.5 + 0.01 * seed, 0.3});
    now.push_back({seed, 0.9, "a", 0.488 + 0.01 * seed, 0.3});
  }
  CHECK(only(compared(base, now)).verdict == Verdict::kSame);
  CompareRules rules;
  rules.metric = Metric::kExactMatch;
  CHECK(only(compared(base, now, rules)).verdict == Verdict::kWorse);
  // Loss is better where it is smaller.
  rules.metric = Metric::kLoss;
  std::vector<Line> lossy = base;
  for (Line& line : lossy) line.loss = 0.4;
  CHECK(only(compared(base, lossy, rules)).verdict == Verdict::kWorse);
  CHECK(only(compared(lossy, base, rules)).verdict == Verdict::kBetter);
  rules.tolerances[static_cast<std::size_t>(Metric::kLoss)] = 0.2;
  CHECK(only(compared(base, lossy, rules)).verdict == Verdict::kSame);

  const auto at_length = [](std::vector<Line> lines, const char* length, double fall) {
    for (Line& line : lines) {
      line.other = {{"eval_length", length}};
      line.accuracy -= fall;
    }
    return lines;
  };
  std::vector<Line> before = base, after = base;
  for (const Line& line : at_length(base, "128", 0.0)) before.push_back(line);
  for (const Line& line : at_length(base, "128", 0.3)) after.push_back(line);
  // The training length judges; the other one is shown.
  const ResultComparison shown = compared(before, after);
  CHECK(only(shown).score == "best, test, length 64");
  CHECK(only(shown).verdict == Verdict::kSame);
  CHECK(only(shown).changed == 5);
  CHECK(
      std::any_of(only(shown).others.begin(), only(shown).others.end(), [](const Described& other) {
        return other.score == "best, test, length 128" && other.metric == Metric::kAccuracy &&
               other.difference == doctest::Approx(-0.3);
      }));
  CompareRules longer;
  longer.scores = {{Weights::kBest, Split::kTest, 128}};
  CHECK(only(compared(before, after, longer)).verdict == Verdict::kWorse);
  // One score by two names judges once.
  CompareRules twice;
  twice.scores = {{Weights::kBest, Split::kTest, std::nullopt}, {Weights::kBest, Split::kTest, 64}};
  CHECK(only(compared(base, now, twice)).verdict == Verdict::kSame);
  CompareRules all;
  all.every_score = true;
  CHECK(compared(before, after, all).groups.size() == 2);
  CHECK(compared(before, after, all).worse());
  longer.scores = {{Weights::kFinal, Split::kTest, std::nullopt}};
  CHECK(compared(before, after, longer).mismatches.at(0).key == "score that judges");
}

TEST_CASE("compare: where seeds fall apart by their loss, the lower cluster has learned it") {
  std::vector<Line> base, now;
  for (int seed = 0; seed < 10; ++seed) {
    base.push_back({seed, 0.9, "a", 0.5, 0.02 + 0.001 * seed});
    now.push_back(base.back());
    if (seed < 6) now.back().loss = 3.5;
  }
  CompareRules rules;
  rules.metric = Metric::kLoss;
  const ComparedGroup fallen = only(compared(base, now, rules));
  CHECK(fallen.verdict == Verdict::kWorse);
  CHECK(fallen.learned->base == 10);
  CHECK(fallen.learned->now == 4);
  CHECK(fallen.learned->base_alone == 6);
  CHECK(only(compared(now, base, rules)).verdict == Verdict::kBetter);
}

/// Bits with these examples answered.
std::vector<bool> answering(std::size_t from, std::size_t to) {
  std::vector<bool> bits(100);
  for (std::size_t i = from; i < to; ++i) bits[i] = true;
  return bits;
}

TEST_CASE("compare: the examples of several seeds are not that many observations") {
  // One of five seeds collapses: its hundred examples are one seed.
  std::vector<Line> base, now;
  for (int seed = 0; seed < 5; ++seed) {
    Line line{seed, 0.99, "a", 0.95};
    line.exact = answering(0, 95);
    base.push_back(line);
    if (seed == 0) {
      line.accuracy = 0.03;
      line.exact_match = 0.0;
      line.exact = answering(0, 0);
    }
    now.push_back(line);
  }
  CompareRules rules;
  rules.metric = Metric::kExactMatch;
  for (const ComparedGroup& group : {only(compared(base, now)), only(compared(base, now, rules))}) {
    CHECK(group.verdict == Verdict::kUndecided);
    CHECK(*group.p == doctest::Approx(0.5));  // one seed changed, either way alike: 2 x mid-p 0.25
    CHECK_FALSE(group.p_examples.has_value());
    CHECK(group.beyond);
  }
  // Of a single seed they say that these two models differ.
  const ComparedGroup one = only(compared({base[0]}, {now[0]}));
  CHECK(one.examples_worse == 95);
  CHECK(*one.p_examples < 1e-20);
  CHECK(one.verdict == Verdict::kUndecided);
}

TEST_CASE("compare: a seed without a number in NEW alone is lost, which fails") {
  std::vector<Line> fine;
  for (int seed = 0; seed < 10; ++seed) fine.push_back({seed, 0.9 + 0.001 * seed});
  std::vector<Line> diverged = fine;
  diverged[1].status = "diverged";
  std::vector<Line> none = fine;
  none[1].accuracy = none[1].loss = kNaN;
  for (const std::vector<Line>& lines : {diverged, none}) {
    const ResultComparison lost = compared(fine, lines);
    CHECK(lost.mismatches.empty());
    CHECK(only(lost).lost == 1);
    CHECK(only(lost).changed == 1);
    CHECK(only(lost).verdict == Verdict::kUndecided);
    CHECK(lost.undecided({}));
    const ResultComparison back = compared(lines, fine);
    CHECK(only(back).gained == 1);
    CHECK_FALSE(back.worse());
    CHECK_FALSE(back.undecided({}));
    CHECK(only(compared(lines, lines)).verdict == Verdict::kEqual);
  }
  // Six of ten are no accident.
  for (int seed = 0; seed < 6; ++seed) diverged[static_cast<std::size_t>(seed)].status = "diverged";
  CHECK(compared(fine, diverged).worse());
  // A whole group of them.
  for (Line& line : diverged) line.status = "diverged";
  CHECK(only(compared(diverged, diverged)).verdict == Verdict::kEqual);
  CHECK(compared(diverged, diverged).mismatches.empty());
  CHECK(compared(fine, diverged).worse());
}

TEST_CASE("compare: of two sets with other seeds nothing is called worse by the spread alone") {
  // Seeds that learn the task in seven of ten cases, drawn anew for both sides.
  std::mt19937 random(9);
  int worse = 0;
  constexpr int kComparisons = 300;
  for (int repeat = 0; repeat < kComparisons; ++repeat) {
    std::vector<Line> base, now;
    const int seeds = 1 + repeat % 20;
    for (const char* label : {"a", "b", "c", "d"}) {
      for (int seed = 0; seed < seeds; ++seed) {
        const auto draw = [&] {
          return (random() % 10 < 7 ? 0.98 : 0.03) + static_cast<double>(random() % 100) / 1e4;
        };
        base.push_back({seed, draw(), label});
        now.push_back({seed, draw(), label});
      }
    }
    worse += compared(base, now).worse() ? 1 : 0;
  }
  CHECK(worse <= 0.06 * kComparisons);
}

std::vector<std::string> mismatches_of(const std::vector<Line>& base,
                                       const std::vector<Line>& now) {
  std::vector<std::string> lines;
  for (const Mismatch& mismatch : compared(base, now).mismatches) {
    lines.push_back(
        fmt::format("{}: {}: {} -> {}", mismatch.where, mismatch.key, mismatch.base, mismatch.now));
  }
  return lines;
}

TEST_CASE("compare: what keeps results from being compared is named key by key") {
  using Lines = std::vector<std::string>;
  const auto with = [](std::vector<std::pair<std::string, std::string>> other) {
    Line line{0};
    line.other = std::move(other);
    return line;
  };
  const Line plain{0};
  const std::string where = "mqar, adaptive-decay";
  CHECK(mismatches_of({plain}, {with({{"task_pairs", "16"}, {"train_steps", "200"}})}) ==
        Lines{where + ": task_pairs: 8 -> 16", where + ": train_steps: 100 -> 200"});
  CHECK(mismatches_of({plain}, {with({{"variant", "fixed-decay"}})}) ==
        Lines{where + ": variant: adaptive-decay -> fixed-decay"});
  CHECK(mismatches_of({plain}, {with({{"data_seed", "7"}})}) ==
        Lines{where + ": data_seed: seed -> 7"});
  CHECK(mismatches_of({plain, {0, 0.5, "b"}}, {plain}) ==
        Lines{"mqar, b: group: present -> missing"});
  CHECK(mismatches_of({plain}, {plain, {0, 0.5, "b"}}) ==
        Lines{"mqar, b: group: missing -> present"});
  CHECK(mismatches_of({plain, {1}, {10}}, {plain, {10}, {2}}) ==
        Lines{where + ": seeds: 0 1 10 -> 0 2 10"});
  const std::string score = where + ", best, test, length 64";
  CHECK(mismatches_of({plain}, {with({{"examples", "50"}})}) ==
        Lines{score + ": examples: 100 -> 50"});
  CHECK(mismatches_of({with({{"unseen_levels", "clamp"}})}, {with({{"unseen_levels", "as-is"}})}) ==
        Lines{score + ": unseen_levels: clamp -> as-is"});
  CHECK(mismatches_of({plain}, {plain, with({{"eval_length", "128"}})}) ==
        Lines{where + ", best, test, length 128: score: missing -> present"});
  CHECK(mismatches_of({plain, with({{"split", "validation"}})}, {plain}) ==
        Lines{where + ", best, validation, length 64: score: present -> missing"});
  CHECK(mismatches_of({plain}, {with({{"numerics_version", "3"}})}) ==
        Lines{"all cells: numerics_version: 2 -> 3"});
  CHECK(mismatches_of({plain}, {with({{"ceiling_recent", "0.91"}})}) ==
        Lines{score + ": ceiling_recent of seed 0: 0.9 -> 0.91"});
  CHECK(mismatches_of({plain}, {with({{"parameters", "1235"}})}) ==
        Lines{where + ": parameters of seed 0: 1234 -> 1235"});
  Line failed = plain;
  failed.status = "failed";
  CHECK(mismatches_of({plain}, {failed}) ==
        Lines{where + ": status of seed 0: finished -> failed"});
  // Neither the experiment's name nor the build is a setting.
  CHECK(mismatches_of({plain},
                      {with({{"experiment", "y"}, {"code_version", "d"}, {"compiler", "Clang"}})})
            .empty());
}

TEST_CASE("compare: how the first layer is computed is a setting where a side has it both ways") {
  const auto computed = [](const std::string& way) {
    Line line{0};
    line.other = {{"model_first_layer", way}};
    return line;
  };
  const Line rows = computed("rows");
  const Line ids = computed("ids");
  const ResultComparison pairs = compared({rows}, {ids});
  CHECK(pairs.mismatches.empty());
  CHECK_FALSE(pairs.groups.empty());
  const ResultComparison both = compared({rows, ids}, {rows, ids});
  CHECK(both.mismatches.empty());
  CHECK(both.groups.size() == 2 * pairs.groups.size());
  CHECK_FALSE(compared({rows}, {rows, ids}).mismatches.empty());
}

TEST_CASE("compare: settings name a group where task and label do not suffice") {
  Line more{0};
  more.other = {{"task_pairs", "16"}};
  const ResultComparison comparison = compared({{0}, more}, {{0}, more});
  CHECK(comparison.mismatches.empty());
  CHECK(comparison.groups.front().name == "mqar, adaptive-decay, task_pairs 8");
  CHECK(comparison.groups.back().name == "mqar, adaptive-decay, task_pairs 16");
}

TEST_CASE(
    "compare: a cell that two experiments share counts once, and must not contradict itself") {
  Line again{0};
  again.other = {{"experiment", "y"}};
  CHECK(only(compared({{0}, again}, {{0}})).seeds == 1);
  again.accuracy = 0.7;
  CHECK_THROWS_AS((void)compared({{0}, again}, {{0}}), IoError);
  Line wrong{0};
  wrong.other = {{"loss", "much"}};
  CHECK_THROWS_WITH_AS((void)compared({{0}}, {wrong}),
                       "results: row 1, column 'loss': 'much' is not a number", IoError);
}

TEST_CASE("compare: the JUnit report is XML, whatever the names in it") {
  const std::string label = "a<b> & \"c\" 'd' \x01 ]]> \xff";
  const ResultSet base = side_of({{0, 0.9, label}, {0, 0.9, "plain"}});
  const ResultSet now = side_of({{0, 0.2, label}, {0, 0.9, "other"}});
  const ResultComparison comparison = compare(base, now, {});
  std::istringstream stream(comparison_junit(comparison, base, now, {}));
  boost::property_tree::ptree tree;
  boost::property_tree::read_xml(stream, tree);
  const auto& suite = tree.get_child("testsuites.testsuite");
  int cases = 0, failures = 0, errors = 0;
  bool named = false;
  for (const auto& [name, each] : suite) {
    if (name != "testcase") continue;
    ++cases;
    failures += each.count("failure") > 0 ? 1 : 0;
    errors += static_cast<int>(each.count("error"));
    named = named || each.get<std::string>("<xmlattr>.classname").find("a<b> & \"c\" 'd'") !=
                         std::string::npos;
  }
  CHECK(named);
  CHECK(failures == 1);  // undecided, and beyond the tolerance
  CHECK(errors == 2);    // plain is missing, other is new
  CHECK(cases == suite.get<int>("<xmlattr>.tests"));
  CHECK(failures == suite.get<int>("<xmlattr>.failures"));
  CHECK(errors == suite.get<int>("<xmlattr>.errors"));
}

TEST_CASE("compare: the text tells what differs, Markdown all figures") {
  const ResultSet base = side_of({{0, 0.9, "a"}, {0, 0.75, "b"}});
  const ResultSet now = side_of({{0, 0.5, "a"}, {0, 0.75, "b"}});
  const ResultComparison comparison = compare(base, now, {});
  const std::string text = comparison_text(comparison, base, now, {});
  CHECK(text.find("undecided: mqar, a, best, test, length 64: accuracy 0.9 -> 0.5 (-0.4); 1 of 1 "
                  "cell changed; 1 seed cannot decide; 3 can\n") != std::string::npos);
  CHECK(text.find("2 groups: 1 equal, 0 same, 0 worse, 0 better, 1 undecided; 0 mismatches\n") !=
        std::string::npos);
  CHECK(text.find("0.75") == std::string::npos);
  const std::string markdown = comparison_markdown(comparison, base, now, {});
  CHECK(markdown.find("| mqar, b | best, test, length 64 | accuracy") != std::string::npos);
  CHECK(comparison_text(compare(base, base, {}), base, base, {}).find("|") == std::string::npos);
}

}  // namespace
}  // namespace recollect
