#pragma once

#include <filesystem>
#include <string>

namespace recollect {

/// How many processor cores this process should keep busy.
struct CoreBudget {
  int cores = 1;
  std::string limited_by;  ///< what allows fewer cores than the machine has; "" where nothing does
};

/// The least of: the machine's cores; those of the process's affinity (taskset, a scheduler); the
/// CPU quota of the control groups around it (version 2 or 1), in whole cores, at least one; the
/// environment's OMP_NUM_THREADS.
/// @param root  where /proc and /sys are found
[[nodiscard]] CoreBudget core_budget(const std::filesystem::path& root = "/");

}  // namespace recollect
