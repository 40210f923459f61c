#pragma once

#include <optional>

#include "base/interrupt.hpp"
#include "harness/cli/job_control.hpp"
#include "harness/cli/log_display.hpp"
#include "harness/cli/terminal.hpp"
#include "harness/live/frame.hpp"

namespace recollect::cli {

/// Lines at the bottom of a terminal that are written over five times a second: one for each cell
/// that runs, and one for the sweep. Cells that have ended, and messages, scroll up above them.
class LiveDisplay final : public LogDisplay {
 public:
  LiveDisplay(const Terminal& terminal, const StopRequest& stop);

  void plan(const State& state, const RunPlan& plan, const std::string& out) override;
  void start(const State& state, const PlannedCell& cell, double now) override;
  void stop(const State& state, const live::RunningCell& cell, double now) override;
  void end(const State& state, const live::EndedCell& cell, double now) override;
  double tick(const State& state, double now) override;
  [[nodiscard]] std::chrono::milliseconds every() const override;
  void close(const State& state, double now) override;

 protected:
  void say(const State& state, const std::string& line, double now) override;

 private:
  /// Writes `above` where it stays, and the present lines below it.
  void draw(const State& state, const std::vector<live::Line>& above, double now);
  double pause(const State& state, double now);

  const Terminal& terminal_;
  const StopRequest& stop_;
  std::optional<JobControl> job_control_;
  live::Frame frame_;
  bool told_stop_ = false;
};

}  // namespace recollect::cli
