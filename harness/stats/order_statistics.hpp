#pragma once

#include <cstddef>
#include <optional>

namespace recollect {

/// An interval of the median between two values of a sorted sample: value number `low` to value
/// number `high`, both from 0. It holds whatever the distribution is.
struct MedianInterval {
  std::size_t low = 0;
  std::size_t high = 0;
  double coverage = 0.0;  ///< at least this often the true median lies in it
};

/// The narrowest one that is symmetric and covers the median in 95 % of samples or more, by the
/// binomial distribution of how many values lie below it (David and Nagaraja, Order Statistics, 3rd
/// edition, section 7.1). None for fewer than six values, of which not even the whole range does.
[[nodiscard]] std::optional<MedianInterval> median_interval(std::size_t values);

}  // namespace recollect
