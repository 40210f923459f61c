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

const MetricResult& result_of(const ResultComparison& comparison, Metric metric,
                              std::size_t group = 0) {
  std::size_t seen = 0;
  for (const ComparedGroup& each : comparison.groups) {
    for (const MetricResult& result : each.metrics) {
      if (result.metric == metric && seen++ == group) return result;
    }
  }
  throw std::logic_error("no such metric");
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

TEST_CASE("compare: results are the same as themselves, whatever the order of their rows") {
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
  CHECK(comparison.groups.size() == 3 * 2);
  for (const ComparedGroup& group : comparison.groups) {
    CHECK(group.verdict == Verdict::kSame);
    for (const MetricResult& result : group.metrics) {
      CHECK(result.difference == 0.0);
      CHECK(result.seeds == (result.metric == Metric::kSolvedStep ? 6 : 12));
      CHECK(*result.p_seeds == 1.0);
    }
  }
}

TEST_CASE("compare: with one seed the tolerance alone decides, and its own value is within") {
  const auto verdict = [](double base, double now) {
    return result_of(compared({{0, base}}, {{0, now}}), Metric::kAccuracy).verdict;
  };
  CHECK(verdict(0.99, 0.98) == Verdict::kSame);  // 0.010000000000000009
  CHECK(verdict(0.99, 0.9799) == Verdict::kWorse);
  CHECK(verdict(0.98, 0.9901) == Verdict::kBetter);
  CHECK(verdict(0.98, 0.98) == Verdict::kSame);
  // Loss is better where it is smaller.
  const ResultComparison worse = compared({{0, 0.5, "a", 0.2, 1.0}}, {{0, 0.5, "a", 0.2, 1.06}});
  CHECK(result_of(worse, Metric::kLoss).verdict == Verdict::kWorse);
  CHECK(worse.worse());
  CompareRules rules;
  rules.tolerances[static_cast<std::size_t>(Metric::kLoss)] = 0.1;
  CHECK_FALSE(compared({{0, 0.5, "a", 0.2, 1.0}}, {{0, 0.5, "a", 0.2, 1.06}}, rules).worse());
  rules.tolerances[static_cast<std::size_t>(Metric::kLoss)].reset();
  CHECK_FALSE(compared({{0, 0.5, "a", 0.2, 1.0}}, {{0, 0.5, "a", 0.2, 9.0}}, rules).worse());
}

TEST_CASE("compare: where every seed is worse by more than the tolerance, the group is worse") {
  // However few the seeds, and however many the groups among which it is one.
  for (int seeds = 1; seeds <= 14; ++seeds) {
    for (const int groups : {1, 2, 7, 40}) {
      std::vector<Line> base, now;
      for (int group = 0; group < groups; ++group) {
        for (int seed = 0; seed < seeds; ++seed) {
          const double fall = group == 0 ? 0.02 + 0.01 * seed : 0.0;
          base.push_back({seed, 0.9, fmt::format("label {}", group)});
          now.push_back({seed, 0.9 - fall, fmt::format("label {}", group)});
        }
      }
      const ResultComparison comparison = compared(base, now);
      CAPTURE(seeds);
      CAPTURE(groups);
      const MetricResult& fallen = result_of(comparison, Metric::kAccuracy);
      CHECK(fallen.verdict == Verdict::kWorse);
      // A test decides exactly where it can come out significant among so many.
      CHECK(fallen.p_holm.has_value() == (smallest_p(seeds) * groups <= 0.05));
      for (int group = 1; group < groups; ++group) {
        CHECK(result_of(comparison, Metric::kAccuracy, static_cast<std::size_t>(group)).verdict ==
              Verdict::kSame);
      }
    }
  }
}

TEST_CASE("compare: with enough seeds a difference within their noise is unclear") {
  std::vector<double> base(10, 0.5), now(10, 0.5);
  for (std::size_t i = 0; i < 10; ++i) now[i] += i < 4 ? 0.1 : -0.1;  // 6 of 10 fell
  const MetricResult noise =
      result_of(compared(seeds_with(base), seeds_with(now)), Metric::kAccuracy);
  CHECK(noise.difference == doctest::Approx(-0.02));
  CHECK(noise.verdict == Verdict::kUnclear);
  CHECK(*noise.p_holm == doctest::Approx(sign_test(6, 4)));
  CHECK(*noise.detectable > 0.05);
  CHECK_FALSE(compared(seeds_with(base), seeds_with(now)).worse());
  // Among the same differences a larger alpha would call it.
  CompareRules rules;
  rules.alpha = 0.8;
  CHECK(compared(seeds_with(base), seeds_with(now), rules).worse());
  // Holm: one group of two halves its alpha.
  std::vector<double> fell = base;
  for (std::size_t i = 0; i < 6; ++i) fell[i] -= 0.1;
  for (std::size_t i = 6; i < 10; ++i) fell[i] = base[i];
  const auto p = [&](int groups) {
    std::vector<Line> before, after;
    for (int group = 0; group < groups; ++group) {
      for (const Line& line : seeds_with(base, std::to_string(group))) before.push_back(line);
      for (const Line& line : seeds_with(group == 0 ? fell : base, std::to_string(group))) {
        after.push_back(line);
      }
    }
    return *result_of(compared(before, after), Metric::kAccuracy).p_holm;
  };
  CHECK(p(1) == doctest::Approx(sign_test(6, 0)));
  CHECK(p(3) == doctest::Approx(3.0 * sign_test(6, 0)));
}

TEST_CASE("compare: what is worse one way is better the other way round") {
  std::mt19937 random(5);
  int worse = 0;
  for (int repeat = 0; repeat < 60; ++repeat) {
    std::vector<Line> base, now;
    const int seeds = 1 + static_cast<int>(random() % 11);
    const double shift = static_cast<double>(random() % 3) * 0.02;
    for (int seed = 0; seed < seeds; ++seed) {
      const auto draw = [&] { return static_cast<double>(random() % 100) / 1000.0; };
      const auto solved = [&] { return random() % 2 == 0 ? "10" : ""; };
      base.push_back({seed, 0.5 + draw(), "a", draw(), 1.0 + draw(), solved()});
      now.push_back({seed, 0.5 + draw() + shift, "a", draw(), 1.0 + draw(), solved()});
    }
    const ResultComparison one = compared(base, now);
    const ResultComparison other = compared(now, base);
    for (const Metric metric :
         {Metric::kAccuracy, Metric::kExactMatch, Metric::kLoss, Metric::kSolved}) {
      const MetricResult& a = result_of(one, metric);
      const MetricResult& b = result_of(other, metric);
      CHECK(a.difference == doctest::Approx(-b.difference));
      CHECK((a.verdict == Verdict::kWorse) == (b.verdict == Verdict::kBetter));
      CHECK((a.verdict == Verdict::kBetter) == (b.verdict == Verdict::kWorse));
      CHECK((a.verdict == Verdict::kUnclear) == (b.verdict == Verdict::kUnclear));
      worse += a.verdict == Verdict::kWorse ? 1 : 0;
    }
  }
  CHECK(worse > 10);
}

/// Bits with these examples answered.
std::vector<bool> answering(std::size_t from, std::size_t to) {
  std::vector<bool> bits(100);
  for (std::size_t i = from; i < to; ++i) bits[i] = true;
  return bits;
}

TEST_CASE("compare: with one seed, exact match is tested over the examples where they are known") {
  const auto verdict = [](std::size_t base_to, std::size_t from, std::size_t to, bool known) {
    Line base{0}, now{0};
    base.exact_match = static_cast<double>(base_to) / 100.0;
    now.exact_match = static_cast<double>(to - from) / 100.0;
    if (known) {
      base.exact = answering(0, base_to);
      now.exact = answering(from, to);
    }
    return result_of(compared({base}, {now}), Metric::kExactMatch);
  };
  // 10 lost, 7 won: three points worse, and no more than chance.
  CHECK(verdict(50, 10, 57, true).verdict == Verdict::kUnclear);
  CHECK(verdict(50, 10, 57, true).examples_worse == 10);
  CHECK(verdict(50, 10, 57, true).examples_better == 7);
  CHECK(*verdict(50, 10, 57, true).p_holm == doctest::Approx(sign_test(10, 7)));
  CHECK(verdict(50, 10, 57, false).verdict == Verdict::kWorse);
  CHECK(verdict(50, 10, 50, true).verdict == Verdict::kWorse);
  CHECK(verdict(50, 0, 50, true).verdict == Verdict::kSame);
}

TEST_CASE("compare: examples that the seeds share are counted once") {
  const auto count = [](bool shared) {
    std::vector<Line> base, now;
    for (int seed = 0; seed < 3; ++seed) {
      Line before{seed}, after{seed};
      if (shared) before.other = after.other = {{"data_seed", "7"}};
      before.exact = answering(0, 40);
      after.exact = seed < 2 ? answering(0, 30) : answering(0, 41);
      base.push_back(before);
      now.push_back(after);
    }
    return result_of(compared(base, now), Metric::kExactMatch);
  };
  CHECK(count(false).examples_worse == 20);
  CHECK(count(false).examples_better == 1);
  CHECK(count(true).examples_worse == 10);
  CHECK(count(true).examples_better == 1);
}

TEST_CASE("compare: a seed that diverged in NEW alone is worse, and so is a score that is none") {
  const std::vector<Line> fine = {{0, 0.9}, {1, 0.9}};
  std::vector<Line> diverged = fine;
  diverged[1].status = "diverged";
  CHECK(compared(fine, diverged).worse());
  CHECK(compared(fine, diverged).mismatches.empty());
  const ResultComparison back = compared(diverged, fine);
  CHECK_FALSE(back.worse());
  CHECK(result_of(back, Metric::kAccuracy).verdict == Verdict::kBetter);
  CHECK_FALSE(compared(diverged, diverged).worse());
  std::vector<Line> none = fine;
  none[0].accuracy = kNaN;
  CHECK(compared(fine, none).worse());
  CHECK_FALSE(compared(none, none).worse());
  // A whole group of them.
  diverged[0].status = "diverged";
  CHECK(compared(diverged, diverged).mismatches.empty());
}

TEST_CASE("compare: seeds that are solved no more are worse, within a tolerance not") {
  const std::vector<Line> base = {{0, 0.99, "a", 0.9, 0.1, "10"}, {1, 0.99, "a", 0.9, 0.1, "20"}};
  std::vector<Line> now = base;
  now[1].solved_step = "";
  CHECK(compared(base, now).worse());
  CompareRules rules;
  rules.tolerances[static_cast<std::size_t>(Metric::kSolved)] = 0.5;
  CHECK_FALSE(compared(base, now, rules).worse());
  // Steps are shown, and decide where they are given a tolerance.
  now[1].solved_step = "90";
  CHECK_FALSE(compared(base, now).worse());
  CHECK(result_of(compared(base, now), Metric::kSolvedStep).difference == 35.0);
  rules.tolerances[static_cast<std::size_t>(Metric::kSolvedStep)] = 30.0;
  CHECK(compared(base, now, rules).worse());
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
  CHECK(result_of(compared({{0}, again}, {{0}}), Metric::kAccuracy).seeds == 1);
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
  CHECK(failures == 1);
  CHECK(errors == 2);  // plain is missing, other is new
  CHECK(cases == suite.get<int>("<xmlattr>.tests"));
  CHECK(failures == suite.get<int>("<xmlattr>.failures"));
  CHECK(errors == suite.get<int>("<xmlattr>.errors"));
}

TEST_CASE("compare: the text tells what differs, Markdown all values") {
  const ResultSet base = side_of({{0, 0.9, "a"}, {0, 0.75, "b"}});
  const ResultSet now = side_of({{0, 0.5, "a"}, {0, 0.75, "b"}});
  const ResultComparison comparison = compare(base, now, {});
  const std::string text = comparison_text(comparison, base, now, {});
  CHECK(text.find("worse: mqar, a, best, test, length 64: accuracy 0.9 -> 0.5 (-0.4): ") !=
        std::string::npos);
  CHECK(text.find("4 groups of scores: 3 same, 1 worse, 0 better, 0 unclear") != std::string::npos);
  CHECK(text.find("0.75") == std::string::npos);
  const std::string markdown = comparison_markdown(comparison, base, now, {});
  CHECK(markdown.find("| mqar, b | best, test, length 64 | accuracy") != std::string::npos);
  CHECK(comparison_text(compare(base, base, {}), base, base, {}).find("|") == std::string::npos);
}

}  // namespace
}  // namespace recollect
