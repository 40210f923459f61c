#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/interrupt.hpp"
#include "harness/results/cell_result.hpp"
#include "harness/store/archive.hpp"

namespace recollect {

/// RUNS/experiments/*.yaml in the order of names, or that of the experiment which is named.
/// @throws IoError if no experiment is found
[[nodiscard]] std::vector<std::filesystem::path> experiment_files(
    const std::filesystem::path& runs, const std::string& experiment = "");

/// The files of experiments that a results folder holds.
struct ResultFiles {
  std::vector<std::filesystem::path> trained;  ///< of runs: experiment_files()
  std::vector<std::filesystem::path> outside;  ///< of other programs' models: outside_files()
};

/// Of one experiment, or of all. @throws IoError where there is neither
[[nodiscard]] ResultFiles result_files(const std::filesystem::path& runs,
                                       const std::string& experiment = "");

/// What a results folder holds: one row per (cell, weights, split, eval length).
struct CellResults {
  std::vector<CellResult> rows;
  std::vector<std::string> warnings;  ///< e.g. cells that are not done yet, or cannot be read
};

/// Reads the experiments of a results folder, or the one that is named. A cell that failed or
/// diverged is one row without a score. Only the scores that an experiment's configuration asks for
/// are its rows, though the cell may hold more for another experiment. A cell whose files cannot be
/// read is left out, and a warning names it.
/// @throws IoError where there are no such cells, or an experiment's own file cannot be read;
/// Interrupted
[[nodiscard]] CellResults read_cells(const std::filesystem::path& runs,
                                     const std::string& experiment = "",
                                     const StopRequest& stop = StopRequest::never());

/// The same of an archive. @throws IoError where it holds no cells
[[nodiscard]] std::vector<CellResult> archived_cells(const Archive& archive);

}  // namespace recollect
