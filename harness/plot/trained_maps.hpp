#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "harness/plot/figure.hpp"
#include "harness/results/cell_result.hpp"

namespace recollect::plot {

/// The map of lambda of one trained cell.
struct TrainedMap {
  std::string experiment;
  Named named;
  /// Input-dependence of each head that has levels: "layer 0", or "layer 0, head 1", and 0..1.
  std::vector<std::pair<std::string, double>> indices;
  Figure figure;  ///< lambda-EXPERIMENT-LABEL
};

/// Maps of the weights that results keep: of an archive those beside it, of a runs folder those of
/// the first finished cell of each label. Variants without levels have none, nor has a table.
/// @param cells  the experiments that are shown @param notes  a line for what cannot be read
[[nodiscard]] std::vector<TrainedMap> trained_maps(const std::filesystem::path& results,
                                                   const std::vector<CellResult>& cells,
                                                   std::vector<std::string>& notes);

}  // namespace recollect::plot
