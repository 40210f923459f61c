#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/interrupt.hpp"
#include "harness/config/settings.hpp"
#include "harness/store/checkpoint.hpp"
#include "harness/store/state.hpp"
#include "harness/train/cell_model.hpp"

namespace recollect {

/// What training a cell gave.
struct TrainResult {
  std::vector<HistoryRow> history;
  std::int64_t steps = 0;  ///< updates that were made
  std::optional<std::int64_t>
      solved_step;             ///< first evaluation with validation accuracy >= train.solve_at
  std::int64_t best_step = 0;  ///< evaluation that train.metric selects, the first of equals
  std::vector<float> final_weights;  ///< laid out as SequenceModel::parameters()
  std::vector<float> best_weights;
  /// Why training stopped at a loss, a gradient norm or a weight that is not finite; empty: it did
  /// not.
  std::string diverged;
};

/// Receives the progress of training. Called from the training thread, between steps.
class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  virtual void on_step(std::int64_t step, std::int64_t steps) { (void)step, (void)steps; }
  virtual void on_evaluation(const HistoryRow& row) { (void)row; }
  /// A validation of an earlier run; before on_resume().
  virtual void on_earlier_evaluation(const HistoryRow& row) { (void)row; }
  /// Training goes on from a state that an earlier run left after update `step`.
  virtual void on_resume(std::int64_t step) { (void)step; }
  /// Something that people should know, e.g. of a damaged state file; one line.
  virtual void on_note(const std::string& note) { (void)note; }
};

/// How training may be stopped and resumed. By default it is not.
struct TrainControl {
  const StopRequest& stop = StopRequest::never();  ///< looked at between sequences
  Checkpoints* checkpoints = nullptr;              ///< where the state is read from and kept
};

/// Trains a cell. The result depends on the cell alone, never on `threads`, nor on how often it was
/// interrupted. With checkpoints it goes on from the state that it finds there; it writes its own
/// when that is due, when it is stopped, and at the end, so that scoring can be stopped as well.
/// A training that diverges leaves none of its end.
/// @throws Interrupted once the state of the last complete update has been written; IoError
[[nodiscard]] TrainResult train(const Cell& cell, int threads, TrainObserver& observer,
                                const TrainControl& control = {});

}  // namespace recollect
