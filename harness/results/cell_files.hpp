#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/interrupt.hpp"
#include "harness/results/cell_result.hpp"
#include "harness/store/record.hpp"
#include "harness/store/state.hpp"

namespace recollect {

/// Which files of cells are asked for beside their scores.
struct CellFiles {
  bool histories = false;
  bool slices = false;
};

/// What these files hold, by CellResult::cell.
struct CellRows {
  std::map<std::string, std::vector<HistoryRow>> histories;
  std::map<std::string, std::vector<SliceRow>> slices;
};

/// The files of these cells, from where read_result_set() found them. A table has none, and what
/// cannot be read is left out: the cells' results are there all the same.
/// @throws IoError where an archive is damaged; Interrupted
[[nodiscard]] CellRows read_cell_files(const std::filesystem::path& path,
                                       const std::vector<CellResult>& cells, const CellFiles& files,
                                       const StopRequest& stop = StopRequest::never());

}  // namespace recollect
