#pragma once

#include <vector>

#include "harness/report/text_table.hpp"
#include "harness/store/csv.hpp"

namespace recollect {

/// For each variant and setting whose cells cross seeds of the data with seeds of the first
/// weights: which share of the spread between runs the data explain, and which the first weights
/// (split_variance()). Measures: accuracy of the best weights on test examples at the training
/// length; solved, 0 or 1; solved_step, where a run that was not solved counts as its last step. Of
/// an incomplete design, seeds are left out until it is complete.
/// @param cells  of read_cells()
[[nodiscard]] std::vector<TextTable> readable_variance(const CsvTable& cells);

}  // namespace recollect
