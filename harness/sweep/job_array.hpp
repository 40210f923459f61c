#pragma once

#include <vector>

namespace recollect {

/// Seconds until all cells are done, when `jobs` workers take the longest first.
[[nodiscard]] double packed_seconds(std::vector<double> cells, int jobs);

/// An experiment dealt to the tasks of a job array: task i has shard i of `tasks`.
struct JobArray {
  int tasks = 1;
  double seconds = 0.0;  ///< of the longest task
};

/// @param cells  seconds of each cell on one core, in the experiment's order; 0 where there is
///               nothing to do
/// @param cpus   cores of a task, which take a cell each
[[nodiscard]] JobArray dealt_to(int tasks, const std::vector<double>& cells, int cpus);

/// The fewest tasks of which none takes more than `seconds`, unless a single cell does; at most
/// `most`, which may then take longer.
[[nodiscard]] JobArray dealt_within(double seconds, int most, const std::vector<double>& cells,
                                    int cpus);

}  // namespace recollect
