#include "harness/compare/compare.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "harness/compare/matching.hpp"
#include "harness/compare/verdicts.hpp"
#include "harness/stats/paired_tests.hpp"

namespace recollect {
namespace {

using Rows = std::vector<std::pair<ResultRow, ResultRow>>;  // of BASE and of NEW

/// Where a metric of a score stands.
double ScoreRow::*member_of(Metric metric) {
  if (metric == Metric::kAccuracy) return &ScoreRow::accuracy;
  return metric == Metric::kExactMatch ? &ScoreRow::exact_match : &ScoreRow::loss;
}

/// Of one seed: the examples that one side alone answers without a mistake. Several seeds are not
/// that many more independent examples: what differs between them is their training.
void count_examples(ComparedGroup& group, const Rows& rows) {
  if (rows.size() != 1) return;
  const auto& before = rows[0].first.set->exact[rows[0].first.index];
  const auto& after = rows[0].second.set->exact[rows[0].second.index];
  if (!before || !after || before->size() != after->size()) return;
  for (std::size_t i = 0; i < before->size(); ++i) {
    group.examples_worse += (*before)[i] && !(*after)[i] ? 1 : 0;
    group.examples_better += (*after)[i] && !(*before)[i] ? 1 : 0;
  }
  group.p_examples = sign_test(group.examples_worse, group.examples_better);
}

bool equal_or_nan(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

/// Whether no figure of a cell differs, as far as both sides tell.
bool is_equal(const SeedCell& base, const SeedCell& now) {
  const CellStatus& before = base.any->status;
  const CellStatus& after = now.any->status;
  if (before.ending != after.ending || before.solved_step != after.solved_step ||
      before.steps != after.steps) {
    return false;
  }
  return std::all_of(base.scores.begin(), base.scores.end(), [&](const auto& entry) {
    const auto other = now.scores.find(entry.first);
    if (other == now.scores.end()) return true;  // a mismatch says so
    const auto& [key, row] = entry;
    for (const Metric metric : kScoreMetrics) {
      const auto member = member_of(metric);
      if (!equal_or_nan((*row->score).*member, (*other->second->score).*member)) return false;
    }
    const auto& exact = row.set->exact[row.index];
    const auto& other_exact = other->second.set->exact[other->second.index];
    return !exact || !other_exact || *exact == *other_exact;
  });
}

std::string seeds_text(const SettingGroup& group) {
  std::vector<std::int64_t> seeds;
  for (const auto& [seed, cell] : group.seeds) seeds.push_back(seed);
  return fmt::format("{}", fmt::join(seeds, " "));
}

const char* presence(bool there) { return there ? "present" : "missing"; }

/// The scores by which a group is judged, of those that both sides have; each once, however many
/// choices name it.
std::vector<ScoreKey> judging_scores(const std::set<ScoreKey, InTextOrder>& scores,
                                     std::int64_t train_length, const CompareRules& rules) {
  if (rules.every_score) return {scores.begin(), scores.end()};
  std::vector<ScoreKey> chosen;
  const auto choose = [&](const ScoreKey& score) {
    if (std::find(chosen.begin(), chosen.end(), score) == chosen.end()) chosen.push_back(score);
  };
  for (const ScoreChoice& choice : rules.scores) {
    const std::int64_t wanted = choice.length.value_or(train_length);
    const ScoreKey* nearest = nullptr;
    for (const ScoreKey& score : scores) {
      if (score.weights != choice.weights || score.split != choice.split) continue;
      if (choice.length && score.eval_length != wanted) continue;
      if (!score.settings.empty()) {  // each setting is a question of its own
        choose(score);
        continue;
      }
      if (nearest == nullptr ||
          std::abs(score.eval_length - wanted) < std::abs(nearest->eval_length - wanted)) {
        nearest = &score;
      }
    }
    if (nearest != nullptr) choose(*nearest);
  }
  return chosen;
}

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
    if (seeds.empty()) return;
    const Scores scores = shared_scores(match, seeds);
    judge(match, seeds, scores);
  }

  /// @param mismatches  found before
  ResultComparison finish(std::vector<Mismatch> mismatches) {
    mismatches.insert(mismatches.end(), mismatches_.begin(), mismatches_.end());
    return {judged(std::move(pending_), rules_), std::move(mismatches)};
  }

 private:
  using Scores = std::set<ScoreKey, InTextOrder>;

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

  /// The scores that both sides have of some seed; what one side lacks is a mismatch.
  Scores shared_scores(const MatchedGroups& match, const std::vector<std::int64_t>& seeds) {
    Scores base, now;
    for (const std::int64_t seed : seeds) {
      for (const auto& [score, row] : match.base->seeds.at(seed).scores) base.insert(score);
      for (const auto& [score, row] : match.now->seeds.at(seed).scores) now.insert(score);
    }
    // A side on which every seed diverged has none, and lost seeds say so.
    if (base.empty()) return now;
    if (now.empty()) return base;
    Scores shared;
    Scores left_now = now;
    for (const ScoreKey& score : base) {
      if (left_now.erase(score) > 0) shared.insert(score);
    }
    for (const ScoreKey& score : base) {
      if (now.contains(score)) continue;
      const auto other = std::find_if(left_now.begin(), left_now.end(), [&](const ScoreKey& s) {
        return score_text(s) == score_text(score);
      });
      const std::string at = fmt::format("{}, {}", match.name, score_text(score));
      if (other == left_now.end()) {
        mismatch(at, "score", "present", "missing");
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
      mismatch(fmt::format("{}, {}", match.name, score_text(score)), "score", "missing", "present");
    }
    return shared;
  }

  void judge(const MatchedGroups& match, const std::vector<std::int64_t>& seeds,
             const Scores& scores) {
    ComparedGroup counted;
    counted.name = match.name;
    counted.seeds = static_cast<std::int64_t>(seeds.size());
    for (const std::int64_t seed : seeds) {
      const SeedCell& base = match.base->seeds.at(seed);
      const SeedCell& now = match.now->seeds.at(seed);
      counted.changed += is_equal(base, now) ? 0 : 1;
      const bool before = base.any->status.solved_step.has_value();
      const bool after = now.any->status.solved_step.has_value();
      counted.no_longer_solve += before && !after ? 1 : 0;
      counted.newly_solve += after && !before ? 1 : 0;
    }
    std::vector<Described> others = describe_training(match, seeds);
    std::map<ScoreKey, std::map<Metric, Pairs>, InTextOrder> values;
    std::map<ScoreKey, Rows, InTextOrder> rows;
    for (const ScoreKey& score : scores) {
      values[score] = pairs_of(match, score, seeds, rows[score]);
      for (const Metric metric : kScoreMetrics) {
        others.push_back(described(score_text(score), metric, values[score][metric]));
      }
    }
    const std::int64_t train_length = match.base->seeds.at(seeds.front()).any->train_length;
    std::vector<ScoreKey> judging = judging_scores(scores, train_length, rules_);
    for (const ScoreKey& score : judging) {
      PendingGroup pending{counted, std::move(values[score][rules_.metric])};
      pending.group.score = score_text(score);
      count_examples(pending.group, rows[score]);
      if (&score == &judging.front()) pending.group.others = std::move(others);
      pending_.push_back(std::move(pending));
    }
    if (!judging.empty()) return;
    // Every seed diverged on both sides, or nobody has the score that is asked for.
    if (!scores.empty()) mismatch(match.name, "score that judges", "missing", "missing");
    counted.score = "training";
    counted.others = std::move(others);
    pending_.push_back({std::move(counted), {}});
  }

  static std::vector<Described> describe_training(const MatchedGroups& match,
                                                  const std::vector<std::int64_t>& seeds) {
    Pairs solved, steps;
    for (const std::int64_t seed : seeds) {
      const auto before = match.base->seeds.at(seed).any->status.solved_step;
      const auto after = match.now->seeds.at(seed).any->status.solved_step;
      solved.add(before ? 1.0 : 0.0, after ? 1.0 : 0.0);
      if (before && after) steps.add(static_cast<double>(*before), static_cast<double>(*after));
    }
    std::vector<Described> training = {described("training", Metric::kSolved, solved)};
    if (steps.count() > 0) training.push_back(described("training", Metric::kSolvedStep, steps));
    return training;
  }

  std::map<Metric, Pairs> pairs_of(const MatchedGroups& match, const ScoreKey& score,
                                   const std::vector<std::int64_t>& seeds, Rows& rows) {
    const std::string at = fmt::format("{}, {}", match.name, score_text(score));
    std::map<Metric, Pairs> pairs;
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
        for (const Metric metric : kScoreMetrics) {
          const auto member = member_of(metric);
          pairs[metric].add((*before->second->score).*member, (*after->second->score).*member);
        }
        rows.emplace_back(before->second, after->second);
      } else if (base.ending() == Ending::kFinished && now.ending() == Ending::kFinished) {
        mismatch(at, fmt::format("score of seed {}", seed), presence(has_base), presence(has_now));
      } else if (has_base != has_now) {  // one side diverged
        for (const Metric metric : kScoreMetrics) {
          ++(has_base ? pairs[metric].lost : pairs[metric].gained);
        }
      }
    }
    return pairs;
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
