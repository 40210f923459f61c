#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/sweep/cell_run.hpp"
#include "harness/sweep/observer.hpp"
#include "harness/sweep/plan.hpp"

namespace recollect {

/// What became of the experiment's cells, those of earlier runs included.
struct RunSummary {
  std::size_t finished = 0;
  std::vector<std::string> problems;  ///< one line for each failed or diverged cell
  bool read_only = false;             ///< all was done before, in a folder that can only be read
};

/// Runs what plan_run() finds. Writes OUT/experiments/NAME.yaml first, then each cell's folder. The
/// files, provenance apart, are the same bytes for any `jobs`. A cell that diverges or fails
/// becomes a status with its reason, and the others go on; so does a finished cell whose weights
/// cannot be read though scores are missing, but its own files stay as they are; and one whose
/// folder cannot be written, which gets no status there.
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
