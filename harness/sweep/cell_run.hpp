#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "harness/sweep/plan.hpp"
#include "harness/train/trainer.hpp"

namespace recollect {

/// How a cell ended in this run.
struct CellOutcome {
  CellStatus status;
  std::optional<double>
      accuracy;  ///< best weights, test examples, at the training length if scored
  double seconds = 0.0;
};

/// How a run may be stopped, and how often cells are saved meanwhile.
struct RunControl {
  const StopRequest& stop = StopRequest::never();
  CheckpointInterval checkpoint;
};

/// Does what is left to do for one cell, and writes its folder. A cell that diverges or fails is an
/// outcome with its reason; the files of a finished cell stay as they are.
/// @param experiment  name under which config.yaml is written
/// @throws IoError where a file cannot be written; Interrupted once the state of a training has
/// been written, from which the next run goes on (what was being scored is scored again)
[[nodiscard]] CellOutcome run_cell(const PlannedCell& planned, const std::string& experiment,
                                   const std::filesystem::path& out, int threads,
                                   TrainObserver& observer, const RunControl& control = {});

}  // namespace recollect
