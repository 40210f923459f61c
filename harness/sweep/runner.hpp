#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/sweep/cell_run.hpp"
#include "harness/sweep/plan.hpp"

namespace recollect {

/// Told how a run goes. Calls never overlap, whatever the thread they come from.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void on_plan(const RunPlan& plan) { (void)plan; }
  virtual void on_start(const PlannedCell& cell) { (void)cell; }
  /// All that is left is claimed by other processes; `owner` has this cell.
  virtual void on_wait(const PlannedCell& cell, const std::string& owner) {
    (void)cell, (void)owner;
  }
  /// Another process has done the cell since the plan was made; its folder says how it ended.
  virtual void on_done_elsewhere(const PlannedCell& cell) { (void)cell; }
  virtual void on_step(const PlannedCell& cell, std::int64_t step) { (void)cell, (void)step; }
  virtual void on_evaluation(const PlannedCell& cell, const HistoryRow& row) {
    (void)cell, (void)row;
  }
  /// Training goes on from the state of an earlier run, after update `step`.
  virtual void on_resume(const PlannedCell& cell, std::int64_t step) { (void)cell, (void)step; }
  virtual void on_note(const PlannedCell& cell, const std::string& note) { (void)cell, (void)note; }
  /// The run is being stopped, and what there is of the cell has been saved.
  virtual void on_stop(const PlannedCell& cell) { (void)cell; }
  virtual void on_end(const PlannedCell& cell, const CellOutcome& outcome) {
    (void)cell, (void)outcome;
  }
  /// Verification (harness/sweep/verify.hpp) has run the cell again; `same`: with the same bytes.
  virtual void on_verified(const PlannedCell& cell, bool same, double seconds) {
    (void)cell, (void)same, (void)seconds;
  }
};

/// What became of the experiment's cells, those of earlier runs included.
struct RunSummary {
  std::size_t finished = 0;
  std::vector<std::string> problems;  ///< one line for each failed or diverged cell
};

/// Runs what plan_run() finds. Writes OUT/experiments/NAME.yaml first, then each cell's folder. The
/// files, provenance apart, are the same bytes for any `jobs`. A cell that diverges or fails
/// becomes a status with its reason, and the others go on; so does a finished cell whose weights
/// cannot be read though scores are missing, but its own files stay as they are.
///
/// Any number of processes may run on one folder. Each claims a cell before it works on it (see
/// Claim), passes over those that are claimed, and in the end waits for these: until they are done,
/// or until their owner died, when it does them itself.
/// @throws ConfigError for a cell that finds no memory; nothing was written
/// @throws IoError for files that cannot be written; cells that are done by then stay done
/// @throws Interrupted where a stop was asked for before all was done: no further cell is begun,
/// those that run are saved (run_cell())
RunSummary run_experiment(const Experiment& experiment, const std::filesystem::path& out,
                          const RunOptions& options, RunObserver& observer,
                          const RunControl& control = {});

}  // namespace recollect
