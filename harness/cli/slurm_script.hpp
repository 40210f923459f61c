#pragma once

#include <string>
#include <vector>

namespace recollect::cli {

/// What a job array is told. Paths are absolute.
struct SlurmScript {
  std::string experiment;
  std::string program;
  std::string config;
  std::vector<std::string> overrides;  ///< KEY=VALUE
  std::string out;
  int tasks = 1;
  int first = 0;  ///< number of the first task, 0 or 1
  int cpus = 1;
  double seconds = 0.0;  ///< that the longest task takes; the time limit is half as much again
  double bytes = 0.0;    ///< of memory that a task takes; the limit leaves room
};

/// The script that `sbatch` takes: a task runs one shard, saves its cells a minute before the time
/// limit, and is queued again.
[[nodiscard]] std::string slurm_script(const SlurmScript& job);

}  // namespace recollect::cli
