#include "harness/compare/compare.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "harness/compare/matching.hpp"
#include "harness/compare/verdicts.hpp"

namespace recollect {
namespace {

using Rows = std::vector<std::pair<ResultRow, ResultRow>>;  // of BASE and of NEW

/// The metrics of a score.
constexpr std::pair<Metric, double ScoreRow::*> kScoreMetrics[] = {
    {Metric::kAccuracy, &ScoreRow::accuracy},
    {Metric::kExactMatch, &ScoreRow::exact_match},
    {Metric::kLoss, &ScoreRow::loss}};

ExampleCounts count_examples(const Rows& rows) {
  ExampleCounts count;
  std::map<std::pair<std::int64_t, std::size_t>, int> net;  // by seed of the data and example
  for (const auto& [base, now] : rows) {
    const auto& before = base.set->exact[base.index];
    const auto& after = now.set->exact[now.index];
    if (!before || !after || before->size() != after->size()) return {};
    for (std::size_t i = 0; i < before->size(); ++i) {
      net[{base->data_seed.value_or(base->seed), i}] += int{(*after)[i]} - int{(*before)[i]};
    }
  }
  count.known = !net.empty();
  count.all = static_cast<std::int64_t>(net.size());
  for (const auto& [example, sum] : net) {
    count.worse += sum < 0 ? 1 : 0;
    count.better += sum > 0 ? 1 : 0;
  }
  return count;
}

std::string seeds_text(const SettingGroup& group) {
  std::vector<std::int64_t> seeds;
  for (const auto& [seed, cell] : group.seeds) seeds.push_back(seed);
  return fmt::format("{}", fmt::join(seeds, " "));
}

const char* presence(bool there) { return there ? "present" : "missing"; }

/// One matched group after another.
class Comparer {
 public:
  explicit Comparer(const CompareRules& rules) : rules_(rules) {}

  void compare_group(const MatchedGroups& match) {
    if (seeds_text(*match.base) != seeds_text(*match.now)) {
      mismatch(match.name, "seeds", seeds_text(*match.base), seeds_text(*match.now));
    }
    std::vector<std::int64_t> seeds;  // that have ended on both sides
    std::set<std::string> reported;
    for (const auto& [seed, base] : match.base->seeds) {
      const auto other = match.now->seeds.find(seed);
      if (other == match.now->seeds.end()) continue;
      const SeedCell& now = other->second;
      if (base.ending() == Ending::kFailed || now.ending() == Ending::kFailed) {
        mismatch(match.name, fmt::format("status of seed {}", seed), name_of(base.ending()),
                 name_of(now.ending()));
        continue;
      }
      if (base.ending() == Ending::kFinished && now.ending() == Ending::kFinished) {
        check_facts(match.name, seed, base.any, now.any,
                    {"parameters", "state_floats", "state_floats_peak"}, reported);
      }
      seeds.push_back(seed);
    }
    if (!seeds.empty()) compare_training(match, seeds);
    compare_scores(match, seeds);
  }

  /// @param mismatches  found before
  ResultComparison finish(std::vector<Mismatch> mismatches) {
    mismatches.insert(mismatches.end(), mismatches_.begin(), mismatches_.end());
    return {judged(std::move(pending_), rules_), std::move(mismatches)};
  }

 private:
  void mismatch(std::string where, std::string key, std::string base, std::string now) {
    mismatches_.push_back({std::move(where), std::move(key), std::move(base), std::move(now)});
  }

  /// Facts that settings and data decide alone. The first seed that differs is named.
  void check_facts(const std::string& where, std::int64_t seed, const ResultRow& base,
                   const ResultRow& now, std::initializer_list<const char*> columns,
                   std::set<std::string>& reported) {
    for (const char* column : columns) {
      const std::string before = base.text(column);
      const std::string after = now.text(column);
      if (before == after || !reported.insert(column).second) continue;
      mismatch(where, fmt::format("{} of seed {}", column, seed), before, after);
    }
  }

  void add_metric(PendingGroup& group, Metric metric, Pairs pairs,
                  const ExampleCounts& examples = {}) {
    group.metrics.push_back(measured(metric, std::move(pairs), examples, rules_));
  }

  void compare_training(const MatchedGroups& match, const std::vector<std::int64_t>& seeds) {
    Pairs solved, steps;
    for (const std::int64_t seed : seeds) {
      const auto before = match.base->seeds.at(seed).any->status.solved_step;
      const auto after = match.now->seeds.at(seed).any->status.solved_step;
      solved.add(before ? 1.0 : 0.0, after ? 1.0 : 0.0);
      if (before && after) steps.add(static_cast<double>(*before), static_cast<double>(*after));
    }
    PendingGroup& group = pending_.emplace_back(PendingGroup{match.name, "training", {}});
    add_metric(group, Metric::kSolved, std::move(solved));
    if (steps.count() > 0) add_metric(group, Metric::kSolvedStep, std::move(steps));
  }

  void compare_scores(const MatchedGroups& match, const std::vector<std::int64_t>& seeds) {
    using Scores = std::set<ScoreKey, InTextOrder>;
    Scores base, now;
    for (const std::int64_t seed : seeds) {
      for (const auto& [score, row] : match.base->seeds.at(seed).scores) base.insert(score);
      for (const auto& [score, row] : match.now->seeds.at(seed).scores) now.insert(score);
    }
    Scores left_now = now;
    for (const ScoreKey& score : base) {
      if (left_now.erase(score) > 0) compare_score(match, score, seeds);
    }
    for (const ScoreKey& score : base) {
      if (now.contains(score)) continue;
      const auto other = std::find_if(left_now.begin(), left_now.end(), [&](const ScoreKey& s) {
        return score_text(s) == score_text(score);
      });
      const std::string at = fmt::format("{}, {}", match.name, score_text(score));
      if (other == left_now.end()) {
        // A side on which every seed diverged has no scores, and training says so.
        if (!now.empty()) mismatch(at, "score", "present", "missing");
        continue;
      }
      if (score.examples != other->examples) {
        mismatch(at, "examples", std::to_string(score.examples), std::to_string(other->examples));
      }
      if (score.unseen_levels != other->unseen_levels) {
        mismatch(at, "unseen_levels", score.unseen_levels, other->unseen_levels);
      }
      left_now.erase(other);
    }
    for (const ScoreKey& score : left_now) {
      if (!base.empty()) {
        mismatch(fmt::format("{}, {}", match.name, score_text(score)), "score", "missing",
                 "present");
      }
    }
  }

  void compare_score(const MatchedGroups& match, const ScoreKey& score,
                     const std::vector<std::int64_t>& seeds) {
    PendingGroup group{match.name, score_text(score), {}};
    const std::string at = fmt::format("{}, {}", match.name, group.score);
    std::map<Metric, Pairs> pairs;
    Rows rows;
    std::set<std::string> reported;
    for (const std::int64_t seed : seeds) {
      const SeedCell& base = match.base->seeds.at(seed);
      const SeedCell& now = match.now->seeds.at(seed);
      const auto before = base.scores.find(score);
      const auto after = now.scores.find(score);
      const bool has_base = before != base.scores.end();
      const bool has_now = after != now.scores.end();
      if (has_base && has_now) {
        check_facts(at, seed, before->second, after->second,
                    {"scored", "chance", "ceiling_first", "ceiling_recent", "unseen_level",
                     "foreign_selection"},
                    reported);
        for (const auto& [metric, member] : kScoreMetrics) {
          pairs[metric].add((*before->second->score).*member, (*after->second->score).*member);
        }
        rows.emplace_back(before->second, after->second);
      } else if (base.ending() == Ending::kFinished && now.ending() == Ending::kFinished) {
        mismatch(at, fmt::format("score of seed {}", seed), presence(has_base), presence(has_now));
      } else if (has_base != has_now) {  // one side diverged
        for (const auto& [metric, member] : kScoreMetrics)
          ++(has_base ? pairs[metric].lost : pairs[metric].gained);
      }
    }
    const ExampleCounts examples = count_examples(rows);
    for (const auto& [metric, member] : kScoreMetrics) {
      add_metric(group, metric, std::move(pairs[metric]),
                 metric == Metric::kExactMatch ? examples : ExampleCounts{});
    }
    pending_.push_back(std::move(group));
  }

  const CompareRules& rules_;
  std::vector<PendingGroup> pending_;
  std::vector<Mismatch> mismatches_;
};

}  // namespace

ResultComparison compare(const ResultSet& base, const ResultSet& now, const CompareRules& rules) {
  const Matching matching(base, now);
  Comparer comparer(rules);
  for (const MatchedGroups& match : matching.groups()) comparer.compare_group(match);
  return comparer.finish(matching.mismatches());
}

}  // namespace recollect
