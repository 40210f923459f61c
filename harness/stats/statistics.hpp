#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace recollect {

/// Of one or more values; the order does not matter for median, minimum and maximum.
[[nodiscard]] double mean(std::span<const double> values);
/// Sample standard deviation, dividing by n - 1; none for fewer than two values.
[[nodiscard]] std::optional<double> standard_deviation(std::span<const double> values);
/// The middle value, or the mean of the two in the middle.
[[nodiscard]] double median(std::span<const double> values);

/// Of a two-sided 95 % interval: how often the true value lies beyond either end.
inline constexpr double kTail95 = 0.025;

struct Interval {
  double low = 0.0;
  double high = 0.0;
  [[nodiscard]] bool contains(double value) const noexcept { return low <= value && value <= high; }
  [[nodiscard]] double width() const noexcept { return high - low; }
};

/// 95 % interval of the mean, by 10,000 bootstrap resamples drawn with the program's own random
/// numbers: the same for the same values, everywhere. Expanded percentiles: the quantiles are those
/// at which a percentile interval of normal data has the width of Student's t, since plain ones are
/// too narrow for few values (Hesterberg, The American Statistician 69, 2015, section 5.3). It
/// never leaves min..max. None for fewer than four: of two and three values even min..max holds the
/// mean of normal data in 50 and 75 % of cases only.
[[nodiscard]] std::optional<Interval> bootstrap_mean_interval(std::span<const double> values);

/// What a grouped row says of a measure.
struct Summary {
  double mean = 0.0;
  std::optional<double> sd;
  double median = 0.0;
  double min = 0.0;
  double max = 0.0;
  std::optional<Interval> interval;  ///< bootstrap_mean_interval()
};
/// @throws std::logic_error for no values
[[nodiscard]] Summary summarise(std::span<const double> values);

/// Wilson's score interval of a share, of `count` successes in `total` >= 1 trials.
/// @param tail  error probability at either end
[[nodiscard]] Interval wilson_interval(std::int64_t count, std::int64_t total,
                                       double tail = kTail95);

/// Newcombe's interval of the difference a - b of two independent shares, from Wilson's
/// (Newcombe, Statistics in Medicine 17, 1998, method 10).
[[nodiscard]] Interval share_difference_interval(std::int64_t count_a, std::int64_t total_a,
                                                 std::int64_t count_b, std::int64_t total_b,
                                                 double tail = kTail95);

/// What is left of a sample once it was summed up elsewhere.
struct Moments {
  double mean = 0.0;
  std::optional<double> sd;
  std::int64_t n = 1;
};

/// Interval of the difference a - b of two means, of 95 % unless `tail` says otherwise. Welch's t
/// where both sides have a standard deviation; where one has none, that of the other stands for
/// both (for n = 1 against a sample this is its prediction interval for one more value). None where
/// neither has one. A deviation of 0 on both sides gives an interval of no width.
[[nodiscard]] std::optional<Interval> mean_difference_interval(const Moments& a, const Moments& b,
                                                               double tail = kTail95);

/// Two clusters in a sample of fractions, e.g. seeds that learned a task and seeds at chance: a
/// mean then describes neither.
struct TwoClusters {
  double threshold = 0.0;  ///< values above it are the upper cluster
  std::size_t upper = 0;   ///< how many these are
  double upper_mean = 0.0;
  double lower_mean = 0.0;
};

/// The share of the variance that the best split of so many values of one cluster explains in 95 %
/// of samples or more, be the cluster flat, normal or as skewed as an exponential one: 0.9997 of
/// three values, 0.983 of five, 0.924 of ten, 0.86 of twenty and more.
[[nodiscard]] double unimodal_share(std::size_t values);

/// The split into two parts with the least variance within, where it explains more than
/// unimodal_share() and its means are at least 0.2 apart: a false alarm in at most 5 % of samples
/// of one such cluster. None otherwise, and for fewer than three values.
[[nodiscard]] std::optional<TwoClusters> two_clusters(std::span<const double> values);

/// When a run was solved, or the step at which it was censored.
struct Waiting {
  double time = 0.0;      ///< infinite: it will never be, e.g. as it diverged
  bool censored = false;  ///< not solved up to `time`
};

/// Median of the times to an event after Kaplan and Meier: a censored run counts as later than its
/// time. The mean of both times where exactly half are left between them; none where half or more
/// were still waiting at the end. Without censoring, the median.
[[nodiscard]] std::optional<double> median_waiting(std::vector<Waiting> runs);

}  // namespace recollect
