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

/// The share of runs that have waited no longer than `time`.
struct EventShare {
  double time = 0.0;
  double share = 0.0;     ///< after Kaplan and Meier
  Interval interval;      ///< 95 %
  std::int64_t left = 0;  ///< runs that wait for longer, as far as is known
};

/// After every event, the earliest first. The interval is Wilson's up to the first censoring, from
/// when on the share is no plain one; from then on Greenwood's on the scale log(-log), which never
/// leaves 0..1 (Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data, section
/// 1.4).
[[nodiscard]] std::vector<EventShare> event_shares(std::span<const Waiting> runs);

/// A resample of `count` things with replacement: how often each is drawn. The same for the same
/// number of the draw, everywhere.
[[nodiscard]] std::vector<std::int64_t> resampled(std::size_t count, std::uint64_t draw);

}  // namespace recollect
