#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/store/cell_folder.hpp"
#include "harness/store/csv.hpp"
#include "harness/store/experiment_file.hpp"
#include "harness/store/record.hpp"

namespace recollect {

/// RUNS/experiments/*.yaml in the order of names, or that of the experiment which is named.
/// @throws IoError where there is none
[[nodiscard]] std::vector<std::filesystem::path> experiment_files(
    const std::filesystem::path& runs, const std::string& experiment = "");

/// What a results folder holds, as a tidy table: one row per (cell, weights, split, eval length).
struct CellTable {
  CsvTable table;
  std::vector<std::string> warnings;  ///< e.g. cells that are not done yet, or cannot be read
};

/// Reads the experiments of a results folder, or the one that is named. Columns: experiment, cell
/// (its folder), config_hash (of the experiment's resolved configuration), code_version, compiler,
/// build, status, reason, task and its settings (task_*: every option of any task in the table,
/// empty where a task has none), variant, label, model_*, train_*, seed, data_seed, train_length,
/// steps, solved_step, parameters, training_flops, state_floats, state_floats_peak, those of
/// scores.csv, then numerics_version. A cell that failed or diverged is one row with empty scores.
/// Only the scores that an experiment's configuration asks for are its rows, though the cell may
/// hold more for another experiment. A cell whose files cannot be read is left out, and a warning
/// names it.
/// @throws IoError where there are no such cells, or an experiment's own file cannot be read
[[nodiscard]] CellTable read_cells(const std::filesystem::path& runs,
                                   const std::string& experiment = "");

/// What a table shows of a cell.
struct StoredCell {
  CellStatus status;
  std::vector<ScoreRow> scores;  ///< of a finished one
};
/// The cell of that hash; none where it is not done, IoError where it cannot be read.
using FindCell = std::function<std::optional<StoredCell>(const std::string& hash)>;

/// The same for one experiment, wherever its cells are kept.
/// @param place  stands for that in messages @throws IoError where there are no cells
[[nodiscard]] CellTable tabulate_cells(const ExperimentFile& file, const FindCell& find,
                                       const std::filesystem::path& place);

}  // namespace recollect
