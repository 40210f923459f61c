#pragma once

#include <cstddef>
#include <vector>

#include "harness/plot/study.hpp"

namespace recollect::plot {

// In which order seeds and rows are shown.

/// Places of the seeds of a row, those of lower accuracy first. A score that is no number comes
/// first of all.
[[nodiscard]] std::vector<std::size_t> by_accuracy(const GroupResult& group);

/// Rows with the largest share of solved seeds first; of equals the one that was sooner, then the
/// one that is better.
[[nodiscard]] std::vector<const StudyRow*> by_success(const StudySection& section);

/// A row of each name, in the order of the sections.
[[nodiscard]] std::vector<const StudyRow*> names_of(const Study& study);

}  // namespace recollect::plot
