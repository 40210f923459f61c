#include "harness/stats/paired_tests.hpp"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

#include "harness/stats/statistics.hpp"
#include "math/rng.hpp"

namespace recollect {
namespace {

constexpr double kPower = 0.8;
// Sums of the same numbers in another order are the same sums.
constexpr double kRounding = 1e-12;

/// |mean| / standard error; infinite where the differences are equal and not 0.
double t_of(std::span<const double> differences) {
  const double error =
      *standard_deviation(differences) / std::sqrt(static_cast<double>(differences.size()));
  const double centre = std::abs(mean(differences));
  return centre == 0.0 ? 0.0 : centre / error;
}

double power_of(double shift, double critical, double degrees) {
  const boost::math::non_central_t shifted(degrees, shift);
  return boost::math::cdf(boost::math::complement(shifted, critical)) +
         boost::math::cdf(shifted, -critical);
}

}  // namespace

std::optional<double> paired_t_test(std::span<const double> differences) {
  if (differences.size() < 2) return std::nullopt;
  const double t = t_of(differences);
  if (std::isinf(t)) return 0.0;
  const boost::math::students_t student(static_cast<double>(differences.size() - 1));
  return 2.0 * boost::math::cdf(boost::math::complement(student, t));
}

double sign_flip_test(std::span<const double> differences) {
  constexpr std::size_t kExact = 20;
  constexpr std::uint64_t kDraws = 100000;
  double scale = 0.0;
  for (const double difference : differences) scale += std::abs(difference);
  if (scale == 0.0) return 1.0;
  const double observed =
      std::abs(std::accumulate(differences.begin(), differences.end(), 0.0)) - kRounding * scale;
  const auto flipped_sum = [&](auto&& flips) {
    double sum = 0.0;
    for (std::size_t i = 0; i < differences.size(); ++i) {
      sum += flips(i) ? -differences[i] : differences[i];
    }
    return std::abs(sum);
  };
  std::uint64_t extreme = 0;
  if (differences.size() <= kExact) {
    const std::uint64_t ways = std::uint64_t{1} << differences.size();
    for (std::uint64_t way = 0; way < ways; ++way) {
      const double sum = flipped_sum([&](std::size_t i) { return ((way >> i) & 1) != 0; });
      extreme += sum >= observed ? 1 : 0;
    }
    return static_cast<double>(extreme) / static_cast<double>(ways);
  }
  for (std::uint64_t draw = 0; draw < kDraws; ++draw) {
    Rng rng(1, Stream::kBootstrap, draw);  // the bootstrap itself has seed 0
    const double sum = flipped_sum([&](std::size_t) { return rng.below(2) == 1; });
    extreme += sum >= observed ? 1 : 0;
  }
  return static_cast<double>(extreme + 1) / static_cast<double>(kDraws + 1);
}

double sign_test(std::int64_t worse, std::int64_t better) {
  const std::int64_t pairs = worse + better;
  if (pairs == 0) return 1.0;
  const boost::math::binomial even(static_cast<double>(pairs), 0.5);
  const double tail = boost::math::cdf(even, static_cast<double>(std::min(worse, better)));
  return std::min(1.0, 2.0 * tail);
}

double smallest_p(std::int64_t pairs) {
  return pairs < 1 ? 1.0 : std::exp2(1.0 - static_cast<double>(pairs));
}

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> corrected(p.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto left = static_cast<double>(order.size() - i);
    largest = std::max(largest, std::min(1.0, left * p[order[i]]));
    corrected[order[i]] = largest;
  }
  return corrected;
}

std::optional<double> detectable_difference(std::span<const double> differences, double alpha) {
  if (differences.size() < 2) return std::nullopt;
  const auto n = static_cast<double>(differences.size());
  const double error = *standard_deviation(differences) / std::sqrt(n);
  if (error == 0.0) return 0.0;
  const boost::math::students_t student(n - 1.0);
  const double critical = boost::math::quantile(boost::math::complement(student, alpha / 2.0));
  double low = 0.0;
  double high = 2.0 * critical + 10.0;
  while (power_of(high, critical, n - 1.0) < kPower) high *= 2.0;
  for (int halving = 0; halving < 60; ++halving) {
    const double middle = (low + high) / 2.0;
    (power_of(middle, critical, n - 1.0) < kPower ? low : high) = middle;
  }
  return high * error;
}

std::optional<double> detectable_share(std::int64_t discordant, std::int64_t pairs, double alpha) {
  std::int64_t fewest = 1;
  while (fewest <= pairs && smallest_p(fewest) > alpha) ++fewest;
  if (fewest > pairs) return std::nullopt;
  const boost::math::normal normal;
  const double reach = boost::math::quantile(boost::math::complement(normal, alpha / 2.0)) +
                       boost::math::quantile(normal, kPower);
  const double net = reach * std::sqrt(static_cast<double>(discordant));
  return std::max(static_cast<double>(fewest), net) / static_cast<double>(pairs);
}

}  // namespace recollect
