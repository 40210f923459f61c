#pragma once

#include <optional>
#include <span>

namespace recollect {

/// Of one or more values; the order does not matter for median, minimum and maximum.
[[nodiscard]] double mean(std::span<const double> values);
/// Sample standard deviation, dividing by n - 1; none for fewer than two values.
[[nodiscard]] std::optional<double> standard_deviation(std::span<const double> values);
/// The middle value, or the mean of the two in the middle.
[[nodiscard]] double median(std::span<const double> values);

/// What a grouped row says of a measure.
struct Summary {
  double mean = 0.0;
  std::optional<double> sd;
  double median = 0.0;
  double min = 0.0;
  double max = 0.0;
};

/// @throws std::logic_error for no values
[[nodiscard]] Summary summarise(std::span<const double> values);

}  // namespace recollect
