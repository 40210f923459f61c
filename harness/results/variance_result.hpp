#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "harness/results/cell_result.hpp"
#include "harness/stats/variance.hpp"

namespace recollect {

/// What the spread of one measure comes from.
struct VarianceMeasure {
  std::string name;
  int digits = 0;              ///< that its mean deserves
  std::optional<double> mean;  ///< none for no runs
  /// Rows: seeds of the data; columns: seeds of the initial weights. None where there is no spread,
  /// or too few seeds.
  std::optional<VarianceSplit> split;
};

/// A variant and setting whose cells cross seeds of the data with seeds of the initial weights.
struct VarianceResult {
  std::string experiment;
  std::string label;
  std::size_t data_seeds = 0;
  std::size_t weight_seeds = 0;
  bool orders_differ = false;  ///< the order of the batches goes with the initial weights
  std::size_t left_out = 0;    ///< runs whose seeds were not crossed with all others
  bool censored = false;       ///< some run did not solve the task
  std::vector<VarianceMeasure> measures;
};

/// For each variant and setting whose cells cross seeds: which share of the spread between runs the
/// data explain, and which the initial weights (split_variance()). Measures: accuracy of the best
/// weights on test examples at the training length; solved, 0 or 1; solved_step, where a run that
/// was not solved counts as its last step. Of an incomplete design, seeds are left out until it is
/// complete.
/// @param cells  of read_cells()
[[nodiscard]] std::vector<VarianceResult> split_cells(const std::vector<CellResult>& cells);

}  // namespace recollect
