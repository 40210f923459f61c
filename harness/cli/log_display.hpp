#pragma once

#include "harness/cli/display.hpp"

namespace recollect::cli {

/// Lines on stderr, for files, pipes and terminals that cannot write over a line: one for each cell
/// that ends, and one for the sweep every minute.
class LogDisplay : public Display {
 public:
  void plan(const State& state, const RunPlan& plan, const std::string& out) override;
  void wait(const State& state, const PlannedCell& cell, const std::string& owner,
            double now) override;
  void resume(const State& state, const PlannedCell& cell, std::int64_t step, double now) override;
  void note(const State& state, const std::string& text, double now) override;
  void stop(const State& state, const live::RunningCell& cell, double now) override;
  void end(const State& state, const live::EndedCell& cell, double now) override;
  double tick(const State& state, double now) override;
  [[nodiscard]] std::chrono::milliseconds every() const override;
  void close(const State& state, double now) override;

 protected:
  /// A line that stays.
  virtual void say(const State& state, const std::string& line, double now);
};

}  // namespace recollect::cli
