#pragma once

#include <cstdint>
#include <string>

#include "harness/store/state.hpp"
#include "harness/sweep/cell_run.hpp"
#include "harness/sweep/plan.hpp"

namespace recollect {

/// Receives the progress of a run. Calls never overlap, whatever the thread they come from.
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
  /// A validation of an earlier run, before on_resume() tells that training goes on after it.
  virtual void on_earlier_evaluation(const PlannedCell& cell, const HistoryRow& row) {
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

}  // namespace recollect
