#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "harness/stats/statistics.hpp"

namespace recollect {

/// Values of a crossed design: a row for each level of one factor, a column for each of the other,
/// one value in each place. Row-major.
struct CrossedValues {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<double> values;  ///< rows * columns

  [[nodiscard]] double at(std::size_t row, std::size_t column) const {
    return values[row * columns + column];
  }
};

/// A component of variance: its size, and its share of the sum of all three.
struct VarianceComponent {
  double variance = 0.0;
  double share = 0.0;
  Interval interval;  ///< 95 %, of the share
};

/// y = mean + row effect + column effect + rest, all random and independent: which share of the
/// spread each explains. The rest holds the interaction of both factors and whatever else differs,
/// as a place has one value only.
struct VarianceSplit {
  VarianceComponent rows;
  VarianceComponent columns;
  VarianceComponent rest;
  std::size_t resamples = 0;  ///< that had spread at all, of 10,000
};

/// The components by moments (Henderson's method I, which is ANOVA here), negative ones put to 0,
/// as means over pairs of two different rows and two different columns:
///   rest         mean of (y_ij - y_kj - y_il + y_kl)^2 / 4
///   rows + rest  mean of (y_ij - y_kj)^2 / 2            columns + rest likewise
/// Intervals: percentiles over 10,000 resamples in which rows and columns are drawn anew, each with
/// replacement and independently (Owen, Annals of Applied Statistics 1, 2007), with random numbers
/// of the program's own. Only pairs of different original rows (columns) count in a resample: a row
/// that was drawn twice would otherwise pass for one without a rest of its own. In simulated normal
/// effects, 10 x 10, they held the true share in 90 to 100 % of cases. A factor with few levels is
/// known badly whatever the method; the interval then is wide.
/// None for fewer than two rows or columns, and for values that are all the same.
[[nodiscard]] std::optional<VarianceSplit> split_variance(const CrossedValues& values);

}  // namespace recollect
