#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "harness/stats/statistics.hpp"

namespace recollect {

// How long runs wait for an event (solving a task), where some are censored: all that is known of
// them is that they waited longer.

/// The mean waiting time up to `limit`, a run that waits longer counting as `limit`: the area below
/// Kaplan and Meier's curve (Royston and Parmar, BMC Medical Research Methodology 13, 2013).
/// Without censoring before the limit, the mean of the times so cut.
[[nodiscard]] double restricted_mean(std::span<const Waiting> runs, double limit);

/// Two-sided p of the log-rank test that two groups wait equally long: at each event, the number in
/// the first group against what its share of those still waiting predicts (Mantel, Cancer
/// Chemotherapy Reports 50, 1966). 1 without events.
[[nodiscard]] double log_rank_test(std::span<const Waiting> a, std::span<const Waiting> b);

/// A resample of `count` things with replacement: how often each is drawn. The same for the same
/// number of the draw, everywhere.
[[nodiscard]] std::vector<std::int64_t> resampled(std::size_t count, std::uint64_t draw);

}  // namespace recollect
