#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/store/csv.hpp"

namespace recollect {

/// One of the two sets of results that are compared.
struct Side {
  std::string name;                   ///< the path as it was given
  CsvTable cells;                     ///< columns of read_cells()
  std::vector<std::string> warnings;  ///< e.g. cells that are not done yet
  /// For each row of `cells`: which of its examples were answered without a mistake; none where
  /// that is not known, as in a table.
  std::vector<std::optional<std::vector<bool>>> exact;
};

/// Reads the --out folder of a run, an archive of one experiment, or a table as `recollect table
/// --rows cells` prints it; of one experiment alone where it is named. @throws IoError where the
/// path is neither, holds no row, or lacks a column that comparing needs
[[nodiscard]] Side read_side(const std::filesystem::path& path, const std::string& experiment = "");

}  // namespace recollect
