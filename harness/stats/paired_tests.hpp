#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace recollect {

// Tests on paired values. Every p is two-sided: the probability, were there no difference, of one
// at least as large as was seen, in either direction.

/// Student's paired t test that the mean of the differences is 0. None for fewer than two. p is 1
/// where all differences are 0, and 0 where they are equal and not 0.
[[nodiscard]] std::optional<double> paired_t_test(std::span<const double> differences);

/// Fisher's randomisation test on the mean: the share of all 2^n ways to turn the signs of the
/// differences whose mean is at least as far from 0. It takes the pairs to be exchangeable under
/// the hypothesis and nothing else, so it holds for seeds that fall into two clusters too. Up to
/// 20 differences exact; beyond, 100,000 drawn ways with the program's own random numbers, counting
/// the observed one as one more. 1 for no differences.
[[nodiscard]] double sign_flip_test(std::span<const double> differences);

/// The sign test of `better` against `worse` pairs, ties left out, which is McNemar's exact test
/// where a pair is an example that one of two models answered: twice the smaller binomial tail, at
/// most 1.
[[nodiscard]] double sign_test(std::int64_t worse, std::int64_t better);

/// The smallest p that the sign-flip or the sign test of so many pairs can give: 2^(1-n).
[[nodiscard]] double smallest_p(std::int64_t pairs);

/// Holm's step-down correction: each p as large as it must be for the set of all tests with a
/// corrected p below alpha to hold a false one with a probability of alpha at most. In the order of
/// `p`. (Scandinavian Journal of Statistics 6, 1979.)
[[nodiscard]] std::vector<double> holm(const std::vector<double>& p);

/// The mean difference, in either direction, that the paired t test finds with a probability of
/// 80 % at level `alpha`, were the standard deviation of the differences the one that was seen.
/// None for fewer than two; 0 where they are all equal.
[[nodiscard]] std::optional<double> detectable_difference(std::span<const double> differences,
                                                          double alpha);

/// The same for the sign test on `pairs` examples, of which `discordant` were answered by one model
/// alone, as a share of all: by the normal approximation, and never fewer than the examples that
/// the test needs if all of them speak the same way. None for no pairs, or too few to find any.
[[nodiscard]] std::optional<double> detectable_share(std::int64_t discordant, std::int64_t pairs,
                                                     double alpha);

}  // namespace recollect
