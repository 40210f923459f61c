#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/live/sweep_state.hpp"
#include "harness/render/json.hpp"

namespace recollect::live {

// The events of a run, an object each; docs/command_line.md lists their members. Every one has
// `event`, its name, and `elapsed`, seconds since the plan. NaN and unknown values are null.

[[nodiscard]] Json plan_event(const SweepState& state, const RunPlan& plan, const std::string& out);
[[nodiscard]] Json start_event(const SweepState& state, const PlannedCell& cell, double now);
[[nodiscard]] Json wait_event(const SweepState& state, const PlannedCell& cell,
                              const std::string& owner, double now);
[[nodiscard]] Json resume_event(const SweepState& state, const PlannedCell& cell, std::int64_t step,
                                double now);
[[nodiscard]] Json step_event(const RunningCell& cell, double now);
[[nodiscard]] Json evaluation_event(const SweepState& state, const PlannedCell& cell,
                                    const HistoryRow& row, double now);
[[nodiscard]] Json stop_event(const RunningCell& cell, double now);
[[nodiscard]] Json end_event(const EndedCell& cell, double now);
[[nodiscard]] Json sweep_event(const SweepState& state, double now);
/// @param kind  "note" or "warning"
[[nodiscard]] Json text_event(std::string_view kind, const std::string& text, double now);

/// How it all ended.
struct RunEnd {
  int status = 0;                     ///< the exit status
  std::string error;                  ///< the line of the error that ended the run; empty: none did
  std::vector<std::string> problems;  ///< a line for each failed or diverged cell
  std::vector<std::string> tables;    ///< paths of the tables that were written
  std::optional<SweepCounts> counts;  ///< none where no run was begun
  double seconds = 0.0;               ///< that it took
};
[[nodiscard]] Json summary_event(const RunEnd& end);

/// The event as one line; bytes that are no UTF-8 are replaced.
[[nodiscard]] std::string event_line(const Json& event);

}  // namespace recollect::live
