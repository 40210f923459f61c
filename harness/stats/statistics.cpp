#include "harness/stats/statistics.hpp"

#include <algorithm>
#include <array>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <stdexcept>

#include "math/rng.hpp"

namespace recollect {
namespace {

double normal_quantile(double probability) {
  return boost::math::quantile(boost::math::normal(), probability);
}

/// How many standard errors an interval of Student's t reaches to either side.
double student_reach(double degrees, double tail) {
  return boost::math::quantile(boost::math::complement(boost::math::students_t(degrees), tail));
}

/// Between order statistics, linearly: type 7 of Hyndman and Fan. Values change places.
double quantile(std::vector<double>& values, double probability) {
  const double place = probability * static_cast<double>(values.size() - 1);
  const auto whole = static_cast<std::ptrdiff_t>(place);
  const auto below = values.begin() + whole;
  std::nth_element(values.begin(), below, values.end());
  const auto above = below + 1 == values.end() ? below : std::min_element(below + 1, values.end());
  return *below + (place - static_cast<double>(whole)) * (*above - *below);
}

double squares_around_mean(std::span<const double> values) {
  const double centre = mean(values);
  double squares = 0.0;
  for (const double value : values) squares += (value - centre) * (value - centre);
  return squares;
}

constexpr std::size_t kResamples = 10000;
constexpr std::size_t kMostKept = 512;  // values whose draws are kept: ten megabytes

/// Draws resample after resample, so many values each, and gives the place of each.
template <class Take>
void draw(std::size_t values, Take&& take) {
  for (std::size_t resample = 0; resample < kResamples; ++resample) {
    Rng rng(0, Stream::kBootstrap, resample);
    for (std::size_t i = 0; i < values; ++i) {
      take(resample, rng.below(static_cast<std::uint32_t>(values)));
    }
  }
}

/// The same draws serve all samples of a size. Tables have thousands of these, most of one size,
/// and to draw takes longer than to add.
const std::vector<std::uint16_t>& kept_draws(std::size_t values) {
  thread_local std::size_t size = 0;
  thread_local std::vector<std::uint16_t> places;
  if (size != values) {
    places.clear();
    draw(values, [&](std::size_t, std::uint32_t place) {
      places.push_back(static_cast<std::uint16_t>(place));
    });
    size = values;
  }
  return places;
}

/// The sum of each resample, its values added in the order in which they were drawn.
std::vector<double> resampled_sums(const std::vector<double>& values) {
  std::vector<double> sums(kResamples);
  if (values.size() > kMostKept) {
    draw(values.size(),
         [&](std::size_t resample, std::uint32_t place) { sums[resample] += values[place]; });
    return sums;
  }
  const std::uint16_t* place = kept_draws(values.size()).data();
  for (double& sum : sums) {
    for (std::size_t i = 0; i < values.size(); ++i) sum += values[*place++];
  }
  return sums;
}

}  // namespace

double mean(std::span<const double> values) {
  if (values.empty()) throw std::logic_error("the mean of no values");
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<double> standard_deviation(std::span<const double> values) {
  if (values.size() < 2) return std::nullopt;
  return std::sqrt(squares_around_mean(values) / static_cast<double>(values.size() - 1));
}

double median(std::span<const double> values) {
  if (values.empty()) throw std::logic_error("the median of no values");
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2.0;
}

std::optional<Interval> bootstrap_mean_interval(std::span<const double> values) {
  if (values.size() < 4) return std::nullopt;
  // The order of the seeds must not matter.
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  if (sorted.front() == sorted.back()) return Interval{sorted.front(), sorted.front()};
  const auto n = static_cast<double>(sorted.size());
  const double reach = std::sqrt(n / (n - 1.0)) * student_reach(n - 1.0, kTail95);
  const double tail = boost::math::cdf(boost::math::normal(), -reach);

  std::vector<double> means = resampled_sums(sorted);
  for (double& sum : means) sum /= n;
  const double low = quantile(means, tail);
  return Interval{low, quantile(means, 1.0 - tail)};
}

Summary summarise(std::span<const double> values) {
  Summary summary;
  summary.mean = mean(values);
  summary.sd = standard_deviation(values);
  summary.median = median(values);
  summary.min = *std::min_element(values.begin(), values.end());
  summary.max = *std::max_element(values.begin(), values.end());
  summary.interval = bootstrap_mean_interval(values);
  return summary;
}

Interval wilson_interval(std::int64_t count, std::int64_t total, double tail) {
  if (total < 1 || count < 0 || count > total) throw std::logic_error("not a share");
  const double z = -normal_quantile(tail);
  const auto n = static_cast<double>(total);
  const double share = static_cast<double>(count) / n;
  const double scale = 1.0 + z * z / n;
  const double centre = (share + z * z / (2.0 * n)) / scale;
  const double half = z / scale * std::sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n));
  // Exactly 0 and 1 at the ends, where rounding would leave a trace.
  return Interval{count == 0 ? 0.0 : centre - half, count == total ? 1.0 : centre + half};
}

Interval share_difference_interval(std::int64_t count_a, std::int64_t total_a, std::int64_t count_b,
                                   std::int64_t total_b, double tail) {
  const Interval a = wilson_interval(count_a, total_a, tail);
  const Interval b = wilson_interval(count_b, total_b, tail);
  const double share_a = static_cast<double>(count_a) / static_cast<double>(total_a);
  const double share_b = static_cast<double>(count_b) / static_cast<double>(total_b);
  const double difference = share_a - share_b;
  return Interval{difference - std::hypot(share_a - a.low, b.high - share_b),
                  difference + std::hypot(a.high - share_a, share_b - b.low)};
}

std::optional<Interval> mean_difference_interval(const Moments& a, const Moments& b, double tail) {
  if (!a.sd && !b.sd) return std::nullopt;
  const auto n_a = static_cast<double>(a.n);
  const auto n_b = static_cast<double>(b.n);
  const double error_a = a.sd.value_or(b.sd.value_or(0.0)) / std::sqrt(n_a);
  const double error_b = b.sd.value_or(a.sd.value_or(0.0)) / std::sqrt(n_b);
  const double variance_a = error_a * error_a;
  const double variance_b = error_b * error_b;
  const double error = std::sqrt(variance_a + variance_b);
  const double difference = a.mean - b.mean;
  if (error == 0.0) return Interval{difference, difference};
  double degrees = 0.0;
  if (a.sd && b.sd) {
    degrees = (variance_a + variance_b) * (variance_a + variance_b) /
              (variance_a * variance_a / (n_a - 1.0) + variance_b * variance_b / (n_b - 1.0));
  } else {
    degrees = (a.sd ? n_a : n_b) - 1.0;
  }
  const double reach = student_reach(degrees, tail) * error;
  return Interval{difference - reach, difference + reach};
}

double unimodal_share(std::size_t values) {
  // The 95th percentile of the share of the variance that the best split explains, over the worst
  // of normal, uniform, exponential, beta and t (3) samples, 40,000 each: exponential ones up to 20
  // values, uniform ones beyond. tests/unit/statistics_test.cpp draws them again.
  constexpr std::array<double, 18> kFromThree{0.9997, 0.9939, 0.9830, 0.9710, 0.9570, 0.9455,
                                              0.9345, 0.9240, 0.9140, 0.9042, 0.8970, 0.8895,
                                              0.8835, 0.8790, 0.8745, 0.8700, 0.8655, 0.8620};
  constexpr double kBeyond = 0.86;
  if (values < 3) return 1.0;
  return values - 3 < kFromThree.size() ? kFromThree[values - 3] : kBeyond;
}

std::optional<TwoClusters> two_clusters(std::span<const double> values) {
  constexpr double kApart = 0.2;
  if (values.size() < 3) return std::nullopt;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const std::span<const double> all(sorted);
  const double total = squares_around_mean(all);
  double least = total;
  std::size_t cut = 0;  // values of the lower cluster
  for (std::size_t at = 1; at < all.size(); ++at) {
    if (all[at] == all[at - 1]) continue;
    const double within = squares_around_mean(all.first(at)) + squares_around_mean(all.subspan(at));
    if (within < least) {
      least = within;
      cut = at;
    }
  }
  if (cut == 0 || least > (1.0 - unimodal_share(all.size())) * total) return std::nullopt;
  TwoClusters clusters;
  clusters.threshold = (all[cut - 1] + all[cut]) / 2.0;
  clusters.upper = all.size() - cut;
  clusters.upper_mean = mean(all.subspan(cut));
  clusters.lower_mean = mean(all.first(cut));
  if (clusters.upper_mean - clusters.lower_mean < kApart) return std::nullopt;
  return clusters;
}

std::optional<double> median_waiting(std::vector<Waiting> runs) {
  // Events before censorings of the same time: such a run was still watched then.
  std::sort(runs.begin(), runs.end(), [](const Waiting& a, const Waiting& b) {
    return a.time != b.time ? a.time < b.time : a.censored < b.censored;
  });
  constexpr double kRounding = 1e-9;
  double waiting = 1.0;  // share still waiting
  std::optional<double> half;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].censored) continue;
    if (half && runs[i].time > *half) return (*half + runs[i].time) / 2.0;
    const auto at_risk = static_cast<double>(runs.size() - i);
    waiting *= 1.0 - 1.0 / at_risk;
    if (waiting < 0.5 - kRounding) return runs[i].time;
    if (waiting < 0.5 + kRounding) half = runs[i].time;
  }
  return std::nullopt;
}

}  // namespace recollect
