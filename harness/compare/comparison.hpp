#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/stats/statistics.hpp"
#include "harness/store/record.hpp"

namespace recollect {

/// What is compared of a group. The first three belong to its scores, the others to its training.
enum class Metric { kAccuracy, kExactMatch, kLoss, kSolved, kSolvedStep };
inline constexpr std::array kScoreMetrics{Metric::kAccuracy, Metric::kExactMatch, Metric::kLoss};
[[nodiscard]] std::string_view name_of(Metric metric);

/// What `undecided` means for the exit status.
enum class Undecided {
  kAuto,  ///< it fails where a seed was lost or the mean is worse by more than the tolerance
  kFail,
  kPass,
};

/// A score by which groups are judged.
struct ScoreChoice {
  Weights weights = Weights::kBest;
  Split split = Split::kTest;
  std::optional<std::int64_t> length;  ///< none: that of training, or the nearest to it
};

struct CompareRules {
  double alpha = 0.05;  ///< probability of a wrong verdict among all groups, at most
  Metric metric = Metric::kAccuracy;
  /// How much worse, in the metric's own unit, is still the same. Of accuracy, exact match, loss.
  std::array<double, kScoreMetrics.size()> tolerances{0.01, 0.01, 0.05};
  std::vector<ScoreChoice> scores{ScoreChoice{}};
  bool every_score = false;  ///< each score of a group is judged, in the place of `scores`
  Undecided undecided = Undecided::kAuto;
  [[nodiscard]] double tolerance() const { return tolerances[static_cast<std::size_t>(metric)]; }
};

enum class Verdict {
  kEqual,      ///< no figure differs
  kSame,       ///< the interval of the difference lies within the tolerance
  kUndecided,  ///< it does neither, or there are too few seeds to say
  kBetter,
  kWorse,  ///< the interval lies beyond the tolerance, or significantly fewer seeds learned it
};
[[nodiscard]] std::string_view name_of(Verdict verdict);

/// A mean over the seeds that both sides have, which decides nothing.
struct Described {
  std::string score;  ///< "final, test, length 64", or "training"
  Metric metric = Metric::kAccuracy;
  std::int64_t seeds = 0;
  double base = 0.0;
  double now = 0.0;
  double difference = 0.0;           ///< now - base
  std::optional<Interval> interval;  ///< 95 %, of this difference alone
};

/// How many seeds learned the task, where these fall apart (learned_of()).
struct Learned {
  std::optional<double> threshold;  ///< between the two clusters; none where there are none
  std::int64_t base = 0;
  std::int64_t now = 0;
  std::int64_t base_alone = 0;  ///< seeds that learned it in BASE alone
  std::int64_t now_alone = 0;
};

/// The cells of both sides that differ in their seeds alone, and the score that judges them.
struct ComparedGroup {
  std::string name;   ///< task, label, and settings where these are not enough
  std::string score;  ///< "best, test, length 64"
  std::int64_t seeds = 0;
  std::int64_t changed = 0;          ///< of them, seeds with any figure that differs
  std::int64_t no_longer_solve = 0;  ///< solved in BASE alone
  std::int64_t newly_solve = 0;      ///< in NEW alone
  std::int64_t lost = 0;             ///< diverged, or gave no number, in NEW alone
  std::int64_t gained = 0;           ///< in BASE alone
  std::int64_t pairs = 0;            ///< seeds with a value on both sides, of which are
  double base = 0.0;                 ///< means
  double now = 0.0;
  double difference = 0.0;
  std::optional<Interval> interval;  ///< of the difference, at `confidence`; none where it does not
                                     ///< decide
  double confidence = 0.95;          ///< by Holm's correction over the groups
  std::optional<Learned> learned;
  std::optional<double> p;  ///< that decides, corrected after Holm; none: nothing could
  bool beyond = false;      ///< a seed was lost, or the mean is worse by more than the tolerance
  /// With one seed: examples that one side alone answers without a mistake, and the sign test of
  /// these very models.
  std::int64_t examples_worse = 0;
  std::int64_t examples_better = 0;
  std::optional<double> p_examples;
  Verdict verdict = Verdict::kEqual;
  std::string why;                ///< what decided
  std::vector<Described> others;  ///< every other score and metric
};

/// Whether an undecided group fails under these rules.
[[nodiscard]] bool undecided_fails(const ComparedGroup& group, const CompareRules& rules);

/// Something that must be the same for a comparison to mean anything, and is not.
struct Mismatch {
  std::string where;
  std::string key;
  std::string base;
  std::string now;
};

/// BASE and NEW, group by group.
struct ResultComparison {
  std::vector<ComparedGroup> groups;
  std::vector<Mismatch> mismatches;
  [[nodiscard]] bool worse() const;
  /// Whether what is undecided fails under these rules.
  [[nodiscard]] bool undecided(const CompareRules& rules) const;
};

}  // namespace recollect
