#pragma once

#include <cstddef>
#include <vector>

#include "harness/live/line.hpp"
#include "harness/live/sweep_state.hpp"

namespace recollect::live {

/// Where lines are shown.
struct View {
  std::size_t width = 80;  ///< columns of the terminal; lines are at most one fewer
  std::size_t rows = 24;   ///< of the terminal
  bool utf8 = true;
};

/// A line each for the cells that run, and one for the sweep. Where there are more than rows - 3
/// cells, the rest is a number. What a line tells depends on the width: the settings of a cell from
/// 110 columns on, and fewer things the narrower it is, in columns that are those of all cells of
/// the plan.
[[nodiscard]] std::vector<Line> live_lines(const SweepState& state, const View& view, double now);

/// The line of a cell that has ended, in the same columns. The reason why one failed is whole, even
/// beyond the width.
[[nodiscard]] Line ended_line(const SweepState& state, const EndedCell& cell, const View& view);

/// The line of a cell that was stopped.
[[nodiscard]] Line stopped_line(const SweepState& state, const RunningCell& cell, const View& view);

}  // namespace recollect::live
