#include "harness/stats/paired_tests.hpp"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/hypergeometric.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

namespace recollect {
namespace {

// A mean that is the bound but for rounding is neither below nor above it.
constexpr double kRounding = 1e-12;

double standard_error(std::span<const double> differences) {
  return *standard_deviation(differences) / std::sqrt(static_cast<double>(differences.size()));
}

}  // namespace

double p_mean_below(std::span<const double> differences, double bound) {
  if (differences.size() < 2) return 1.0;
  const double error = standard_error(differences);
  const double distance = mean(differences) - bound;
  double scale = std::abs(bound);
  for (const double difference : differences) scale = std::max(scale, std::abs(difference));
  if (error <= kRounding * scale) return distance < -kRounding * scale ? 0.0 : 1.0;
  const boost::math::students_t student(static_cast<double>(differences.size() - 1));
  return boost::math::cdf(student, distance / error);
}

double p_mean_above(std::span<const double> differences, double bound) {
  std::vector<double> turned(differences.begin(), differences.end());
  for (double& difference : turned) difference = -difference;
  return p_mean_below(turned, -bound);
}

std::optional<Interval> paired_mean_interval(std::span<const double> differences,
                                             double confidence) {
  if (differences.size() < 2) return std::nullopt;
  const boost::math::students_t student(static_cast<double>(differences.size() - 1));
  const double reach =
      boost::math::quantile(boost::math::complement(student, (1.0 - confidence) / 2.0)) *
      standard_error(differences);
  const double centre = mean(differences);
  return Interval{centre - reach, centre + reach};
}

double mcnemar_mid_p(std::int64_t worse, std::int64_t better) {
  if (worse == 0) return 1.0;
  const boost::math::binomial even(static_cast<double>(worse + better), 0.5);
  const auto seen = static_cast<double>(worse);
  return boost::math::cdf(boost::math::complement(even, seen)) + 0.5 * boost::math::pdf(even, seen);
}

double mcnemar_test(std::int64_t worse, std::int64_t better) {
  return std::min(1.0, 2.0 * std::min(mcnemar_mid_p(worse, better), mcnemar_mid_p(better, worse)));
}

double sign_test(std::int64_t worse, std::int64_t better) {
  const std::int64_t pairs = worse + better;
  if (pairs == 0) return 1.0;
  const boost::math::binomial even(static_cast<double>(pairs), 0.5);
  const double tail = boost::math::cdf(even, static_cast<double>(std::min(worse, better)));
  return std::min(1.0, 2.0 * tail);
}

double fisher_exact_test(std::int64_t count_a, std::int64_t total_a, std::int64_t count_b,
                         std::int64_t total_b) {
  const std::int64_t all = total_a + total_b;
  const std::int64_t successes = count_a + count_b;
  const boost::math::hypergeometric_distribution<double> tables(
      static_cast<unsigned>(successes), static_cast<unsigned>(total_a), static_cast<unsigned>(all));
  const auto likelihood = [&](std::int64_t count) {
    return boost::math::pdf(tables, static_cast<double>(count));
  };
  const double seen = likelihood(count_a);
  double p = 0.0;
  for (std::int64_t count = std::max<std::int64_t>(0, successes - total_b);
       count <= std::min(successes, total_a); ++count) {
    const double each = likelihood(count);
    if (each <= seen * (1.0 + 1e-9)) p += each;
  }
  return std::min(1.0, p);
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

}  // namespace recollect
