#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "harness/stats/statistics.hpp"

namespace recollect {

// Tests and intervals of paired values. Those of a mean are Student's, on the differences, and take
// two of them or more; where all differences are equal, the mean is known.

/// One-sided p of the hypothesis that the mean of the differences is `bound` or more: small where
/// it lies below. 1 for fewer than two differences.
[[nodiscard]] double p_mean_below(std::span<const double> differences, double bound);
/// The same of `bound` or less: small where the mean lies above.
[[nodiscard]] double p_mean_above(std::span<const double> differences, double bound);

/// The interval of the mean that holds it with this confidence. None for fewer than two.
[[nodiscard]] std::optional<Interval> paired_mean_interval(std::span<const double> differences,
                                                           double confidence);

/// McNemar's test, one-sided, with mid-p: of the pairs that changed, `worse` did so for the worse.
/// Conditional on how many changed, each way is equally likely under the hypothesis; an outcome as
/// extreme as the one seen counts half (Fagerland, Lydersen, Laake, BMC Medical Research
/// Methodology 13, 2013: it keeps its level in practice, which the exact test undercuts by far). 1
/// where nothing changed for the worse.
[[nodiscard]] double mcnemar_mid_p(std::int64_t worse, std::int64_t better);

/// The same, two-sided: twice the smaller of both directions, at most 1.
[[nodiscard]] double mcnemar_test(std::int64_t worse, std::int64_t better);

/// The sign test of `better` against `worse` pairs, ties left out, which is McNemar's exact test,
/// two-sided: twice the smaller binomial tail, at most 1.
[[nodiscard]] double sign_test(std::int64_t worse, std::int64_t better);

/// Fisher's exact test, two-sided, of two independent shares: of all tables with the same margins,
/// those no more likely than the one seen.
[[nodiscard]] double fisher_exact_test(std::int64_t count_a, std::int64_t total_a,
                                       std::int64_t count_b, std::int64_t total_b);

/// Holm's step-down correction: each p as large as it must be for the set of all tests with a
/// corrected p below alpha to hold a false one with a probability of alpha at most. In the order of
/// `p`. (Scandinavian Journal of Statistics 6, 1979.)
[[nodiscard]] std::vector<double> holm(const std::vector<double>& p);

}  // namespace recollect
