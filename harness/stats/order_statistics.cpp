#include "harness/stats/order_statistics.hpp"

#include <boost/math/distributions/binomial.hpp>

namespace recollect {

std::optional<MedianInterval> median_interval(std::size_t values) {
  constexpr double kConfidence = 0.95;
  std::optional<MedianInterval> narrowest;
  const boost::math::binomial below(static_cast<double>(values), 0.5);
  for (std::size_t low = 0; 2 * low + 1 < values; ++low) {
    // It misses the median where no more than `low` values lie on one side of it.
    const double coverage = 1.0 - 2.0 * boost::math::cdf(below, static_cast<double>(low));
    if (coverage < kConfidence) break;
    narrowest = MedianInterval{low, values - 1 - low, coverage};
  }
  return narrowest;
}

}  // namespace recollect
