#pragma once

#include <optional>
#include <string>

#include "harness/live/sweep_state.hpp"

namespace recollect::live {

/// "80 cells: 46 to train, 34 done; 2 jobs with 1 thread each; results in results/runs"
[[nodiscard]] std::string plan_sentence(const SweepState& state, const RunPlan& plan,
                                        const std::string& out);

/// "[cell 3 of 46] fixed-decay mqar seed 2: solved at step 4,100; accuracy 0.995, 6,000 steps,
/// 175.0 s"
[[nodiscard]] std::string ended_sentence(const EndedCell& cell);

/// "fixed-decay mqar seed 4 stopped: saved at step 3,150 of 6,000"
[[nodiscard]] std::string stopped_sentence(const RunningCell& cell);
/// "saved at step 3,150 of 6,000"
[[nodiscard]] std::string saved_text(const RunningCell& cell);

/// "sweep: 37 of 80 cells done, 31 solved, 0 failed; 2 running; 24m10s so far, about 31m left if
/// the load stays that of the last minute"
[[nodiscard]] std::string sweep_sentence(const SweepState& state, double now);

/// "37 of 80 cells done, 31 solved, 0 failed; took 55m12s"
[[nodiscard]] std::string last_sentence(const SweepState& state, double now);

/// "about 31m left", "at most 31m left", or "" as long as there is nothing to estimate from.
[[nodiscard]] std::string left_text(const std::optional<TimeLeft::Estimate>& estimate);

}  // namespace recollect::live
