#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/compare/comparison.hpp"

namespace recollect {

/// The values of a score for the seeds that have one on both sides.
struct Pairs {
  std::vector<double> base;
  std::vector<double> now;
  std::int64_t lost = 0;    ///< seeds with a value in BASE alone
  std::int64_t gained = 0;  ///< in NEW alone

  /// A value that is no number counts as missing.
  void add(double before, double after);
  [[nodiscard]] std::int64_t count() const noexcept;
  [[nodiscard]] std::vector<double> differences() const;
};

/// Which seeds learned the task, where the values of both sides together fall into two clusters or
/// a seed has a value on one side alone; none where neither is so. A seed without a value has not.
/// @param smaller_is_better  true of a loss: the lower cluster has learned it
[[nodiscard]] std::optional<Learned> learned_of(const Pairs& pairs, bool smaller_is_better = false);

/// A group whose seeds have been counted, before all groups are judged together.
struct PendingGroup {
  ComparedGroup group;
  Pairs pairs;
};

/// What a pair of sides says of one metric, without a verdict.
[[nodiscard]] Described described(std::string score, Metric metric, const Pairs& pairs);

/// Gives every group its verdict. A group in which no figure differs is equal. Of the others each
/// has two-sided p values against "not worse", "not better" and "not the same":
///   where the values of both sides together fall into two clusters (two_clusters()) or a seed was
///   lost, and any seed changed sides: McNemar's test on the seeds that did;
///   else, from three seeds on, Student's t on the paired differences against the tolerance;
///   else 1: nothing can decide.
/// The smallest of a group is corrected after Holm over all groups that differ, and decides where
/// it is at most alpha; so any wrong verdict among all groups has a probability of alpha at most.
[[nodiscard]] std::vector<ComparedGroup> judged(std::vector<PendingGroup> pending,
                                                const CompareRules& rules);

}  // namespace recollect
