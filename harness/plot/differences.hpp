#pragma once

#include <optional>
#include <vector>

#include "harness/results/published.hpp"

namespace recollect::plot {

// Ours beside published figures, as pictures show them.

/// Ours less theirs, as a share.
struct Difference {
  std::optional<double> value;
  std::optional<Interval> interval;
  bool decides = false;  ///< the verdict rests on it
};

/// Of the mean accuracies.
[[nodiscard]] Difference means_of(const PublishedComparison& row);
/// Of the shares of seeds that solved the task; none where the source does not count them.
[[nodiscard]] Difference shares_of(const PublishedComparison& row);

/// Those that are compared, with the rows of a source together.
[[nodiscard]] std::vector<const PublishedComparison*> by_source(
    const std::vector<PublishedComparison>& rows);

}  // namespace recollect::plot
