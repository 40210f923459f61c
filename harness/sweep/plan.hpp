#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/config/settings.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/archive_shelf.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/sweep/cell_cost.hpp"
#include "harness/sweep/memory.hpp"

namespace recollect {

/// What is left to do for a cell.
enum class Work {
  kNone,     ///< finished with every row that is asked for, or diverged
  kRestore,  ///< unfinished, but an archive holds it with every row that is asked for
  kScore,    ///< finished, but rows or files are missing that need no training: made again from
             ///< its weights
  /// Unfinished, failed or damaged beyond that, or rows are missing and so are the weights:
  /// trained, from its state where it has one.
  kTrain,
};

/// One of several parts of an experiment, for machines that share no folder: the cells at places
/// index, index + count, index + 2 count, ... of the experiment's order.
struct Shard {
  int index = 1;  ///< 1..count
  int count = 1;
};

/// The cells of a shard, in the experiment's order; they are the experiment's.
[[nodiscard]] std::vector<const Cell*> cells_of(const Experiment& experiment, const Shard& shard);

/// How to run.
struct RunOptions {
  int jobs = 0;     ///< cells at once; 0: as many as there are cells left, at most one a core
  int threads = 0;  ///< of each; 0: the cores shared among the jobs
  Shard shard = {};
  const ArchiveShelf* reuse = nullptr;  ///< where finished cells may be taken from
};

struct PlannedCell {
  const Cell* cell = nullptr;  ///< of the experiment
  std::size_t index = 0;       ///< its place in the experiment, from 0
  std::string hash;
  Work work = Work::kTrain;
  bool damaged = false;  ///< a file of its folder is missing, or not what it was
  /// What its folder said before the run, or the archive; none if damaged beyond scoring.
  std::optional<CellStatus> status;
  const Archive* archive = nullptr;        ///< that has the cell which is to be restored
  const ArchivedCell* archived = nullptr;  ///< that cell
  /// When that was written; none where it was not.
  std::optional<std::filesystem::file_time_type> status_time;
  /// Nominal multiply-adds of all training steps; an upper bound. 0 if there is nothing to train.
  double cost = 0.0;
  CellCost costs;     ///< of a cell that is trained or scored
  CellMemory memory;  ///< 0 if there is nothing to do
};

/// What a run would do. Making one reads the folders and writes nothing.
struct RunPlan {
  std::vector<PlannedCell> cells;  ///< of the shard, in the experiment's order
  int jobs = 1;                    ///< cells at once: no more than memory allows
  int threads = 1;                 ///< of each
  double bytes = 0.0;              ///< of memory that the largest `jobs` cells take at once
  std::vector<std::string> notes;  ///< e.g. cells of another build that are reused
  /// Why the run would be refused: one line about the largest cell that finds no memory on this
  /// machine, or "".
  std::string refusal;

  [[nodiscard]] std::size_t count(Work work) const noexcept;
};

/// Fails as run_experiment() would where `out` is no place to write to; makes nothing.
/// @throws IoError
void check_place(const std::filesystem::path& out);

/// Every file of a cell that has ended is looked at (harness/store/cell_damage.hpp). What is
/// missing, or is not what the cell's status says, is to be made, restored or trained again, and a
/// note says so; so is a cell that lacks scores and has no weights.
[[nodiscard]] RunPlan plan_run(const Experiment& experiment, const std::filesystem::path& out,
                               const RunOptions& options = {});

/// Looks into the cell's folder again, once it is claimed: another process may have done it since
/// the plan was made. One that has failed since then is done: this run has tried it.
void plan_again(PlannedCell& planned, const std::filesystem::path& out,
                const RunOptions& options = {});

/// The cells on which there is work, in the order in which jobs take them: what only has to be
/// copied; then one of each shape, which tells how long the others take; then the longest first, so
/// that no long cell is left to run alone at the end.
[[nodiscard]] std::vector<PlannedCell*> in_working_order(RunPlan& plan);

/// True where this very program made the cell, as far as can be known.
[[nodiscard]] bool same_build(const CellStatus& status);

}  // namespace recollect
