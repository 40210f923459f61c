#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "harness/cli/display.hpp"
#include "harness/render/json.hpp"

namespace recollect::cli {

/// An object of JSON a line on stdout for each event (harness/live/events.hpp), for scripts.
class JsonDisplay final : public Display {
 public:
  void plan(const State& state, const RunPlan& plan, const std::string& out) override;
  void start(const State& state, const PlannedCell& cell, double now) override;
  void wait(const State& state, const PlannedCell& cell, const std::string& owner,
            double now) override;
  void resume(const State& state, const PlannedCell& cell, std::int64_t step, double now) override;
  void evaluation(const State& state, const PlannedCell& cell, const HistoryRow& row,
                  double now) override;
  void note(const State& state, const std::string& text, double now) override;
  void stop(const State& state, const live::RunningCell& cell, double now) override;
  void end(const State& state, const live::EndedCell& cell, double now) override;
  double tick(const State& state, double now) override;
  [[nodiscard]] std::chrono::milliseconds every() const override;

 private:
  std::map<std::size_t, std::int64_t> told_;  ///< steps, by cell
  double told_sweep_ = 0.0;
};

/// Prints an event at once.
void print_event(const Json& event);

}  // namespace recollect::cli
