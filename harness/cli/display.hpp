#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "harness/live/sweep_state.hpp"

namespace recollect::cli {

/// Shows what a sweep does. The state is that after the event. This one shows nothing; errors are
/// told by whoever runs the sweep.
class Display {
 public:
  Display() = default;
  virtual ~Display() = default;
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  using State = live::SweepState;

  virtual void plan(const State& state, const RunPlan& plan, const std::string& out) {
    (void)state, (void)plan, (void)out;
  }
  virtual void start(const State& state, const PlannedCell& cell, double now) {
    (void)state, (void)cell, (void)now;
  }
  virtual void wait(const State& state, const PlannedCell& cell, const std::string& owner,
                    double now) {
    (void)state, (void)cell, (void)owner, (void)now;
  }
  virtual void resume(const State& state, const PlannedCell& cell, std::int64_t step, double now) {
    (void)state, (void)cell, (void)step, (void)now;
  }
  virtual void evaluation(const State& state, const PlannedCell& cell, const HistoryRow& row,
                          double now) {
    (void)state, (void)cell, (void)row, (void)now;
  }
  virtual void note(const State& state, const std::string& text, double now) {
    (void)state, (void)text, (void)now;
  }
  virtual void stop(const State& state, const live::RunningCell& cell, double now) {
    (void)state, (void)cell, (void)now;
  }
  virtual void end(const State& state, const live::EndedCell& cell, double now) {
    (void)state, (void)cell, (void)now;
  }

  /// What goes on, every so often. @returns seconds for which the program was stopped by Ctrl-Z
  virtual double tick(const State& state, double now) {
    (void)state, (void)now;
    return 0.0;
  }
  [[nodiscard]] virtual std::chrono::milliseconds every() const { return std::chrono::hours(1); }

  /// Nothing more will come, and what was shown for a while is to go away.
  virtual void close(const State& state, double now) { (void)state, (void)now; }
};

}  // namespace recollect::cli
