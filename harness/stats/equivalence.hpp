#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "harness/stats/statistics.hpp"

namespace recollect {

// Whether a difference from a figure that somebody else has published is smaller or larger than a
// margin of no interest, and which truths such a comparison could have told apart at all.

enum class Finding { kInconclusive, kEquivalent, kDiffers };

/// The interval of a difference, by the error probability that is allowed at either end.
using IntervalAt = std::function<Interval(double tail)>;

struct MarginRule {
  double margin = 0.0;  ///< differences up to it are of no interest
  /// Of `differs`, in both directions together: 0.05, or less where several figures are compared.
  double level = 2.0 * kTail95;
};

/// Equivalent: the whole 95 % interval lies within the margin, which is stricter than two one-sided
/// tests at 5 % (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987). Differs:
/// the whole interval of confidence 1 - level lies beyond it, to one side. An end on the margin
/// is within it.
[[nodiscard]] Finding finding_of(const IntervalAt& interval, const MarginRule& rule);

/// The smallest level at which finding_of() says that it differs: p of the test that the difference
/// is no larger than the margin. 1 where the estimate itself is within it; never below 2e-15.
[[nodiscard]] double p_beyond(const IntervalAt& interval, double margin);

/// For each p the level that Holm's correction holds it to, the others being what they are: p is
/// rejected where it is below that level, which is where its holm() is below alpha.
[[nodiscard]] std::vector<double> holm_levels(const std::vector<double>& p, double alpha);

/// How often finding_of() would say what, were something of ours the truth.
struct Chances {
  double below = 0.0;  ///< differs, ours being less
  double above = 0.0;
  double equivalent = 0.0;
};

/// Chances by the truth, 0..1. The published figure is taken as it stands; our seeds are drawn
/// anew.
using ChancesAt = std::function<Chances(double truth)>;

/// Of so many seeds of ours, each of which solves its task with probability `truth`, beside
/// `solved` of `theirs`: exact, over all counts that ours may have.
[[nodiscard]] ChancesAt share_chances(std::int64_t ours, std::int64_t solved, std::int64_t theirs,
                                      const MarginRule& rule);

/// Of the difference of means, where our seeds fall into two groups. `truth` is the probability of
/// the upper one; both groups keep their means, and the values their spread within the groups.
/// Exact, over all sizes that the upper group may have.
[[nodiscard]] ChancesAt two_group_chances(std::span<const double> ours, const TwoClusters& groups,
                                          const Moments& theirs, const MarginRule& rule);

/// Of the difference of means, for normal values of mean `truth` that have the standard deviation
/// of ours: the mean in closed form, the sample's own deviation by integration over its chi-squared
/// distribution. Where ours has no deviation, theirs stands for both.
[[nodiscard]] ChancesAt normal_chances(const Moments& ours, const Moments& theirs,
                                       const MarginRule& rule);

/// What a comparison could have found, over all truths from 0 to 1.
struct Detectable {
  /// It differs in 80 % of cases or more only for truths up to `below` or from `above` on.
  std::optional<double> below, above;
  double most_differs = 0.0;     ///< its largest chance to differ
  double most_equivalent = 0.0;  ///< and to be equivalent
};
[[nodiscard]] Detectable detectable_truths(const ChancesAt& chances);

}  // namespace recollect
