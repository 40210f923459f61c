#include "harness/cli/slurm_script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "harness/cli/output.hpp"

namespace recollect::cli {
namespace {

constexpr double kMinute = 60.0;
constexpr double kSlower = 1.5;       // nodes may be slower than the machine that measured
constexpr double kMinutesMore = 5.0;  // to start, to save, and for files on a slow network
constexpr double kMebi = 1024.0 * 1024.0;
constexpr double kMoreMebi = 256.0;  // the program itself, its libraries and files

/// "1-02:30:00"
std::string time_limit(double seconds) {
  const auto minutes =
      static_cast<std::int64_t>(std::ceil(kSlower * seconds / kMinute + kMinutesMore));
  const std::int64_t days = minutes / (24 * 60);
  const std::string clock = fmt::format("{:02}:{:02}:00", minutes / 60 % 24, minutes % 60);
  return days > 0 ? fmt::format("{}-{}", days, clock) : clock;
}

std::int64_t memory_limit(double bytes) {
  constexpr double kRound = 64.0;
  return static_cast<std::int64_t>(kRound * std::ceil((1.25 * bytes / kMebi + kMoreMebi) / kRound));
}

/// A job's name, of letters that sbatch takes without quotes.
std::string job_name(std::string name) {
  std::replace_if(
      name.begin(), name.end(),
      [](unsigned char c) {
        return c <= ' ' || c >= 0x7f ||
               std::string_view("\"'\\#%").find(static_cast<char>(c)) != std::string_view::npos;
      },
      '_');
  return name;
}

}  // namespace

std::string slurm_script(const SlurmScript& job) {
  std::string run = fmt::format("\"$program\" run {}", shell_word(job.config));
  for (const std::string& setting : job.overrides) run += " --set " + shell_word(setting);
  run += fmt::format(" --out {} --shard \"$shard\" --no-tables", shell_word(job.out));
  std::string text = fmt::format(
      "#!/bin/bash\n"
      "#SBATCH --job-name={}\n"
      "#SBATCH --array={}-{}\n"
      "#SBATCH --cpus-per-task={}\n"
      "#SBATCH --mem={}M\n"
      "#SBATCH --time={}\n"
      "#SBATCH --signal=B:USR1@60\n"
      "#SBATCH --requeue\n"
      "#SBATCH --open-mode=append\n",
      job_name(job.experiment), job.first, job.first + job.tasks - 1, job.cpus,
      memory_limit(job.bytes), time_limit(job.seconds));
  text += fmt::format(
      "# Written by recollect slurm. What sbatch is given itself comes before these lines:\n"
      "#   sbatch --partition=NAME FILE\n"
      "# When all tasks are done: {} table {}\n\n"
      "program={}\n"
      "shard=$((SLURM_ARRAY_TASK_ID + {}))/{}\n"
      "export OMP_NUM_THREADS={}\n\n",
      shell_word(job.program), shell_word(job.out), shell_word(job.program), 1 - job.first,
      job.tasks, job.cpus);
  text +=
      "# A shell that waits for a program in the foreground hears no signal, so the program runs "
      "beside it.\n" +
      run +
      " &\n"
      "child=$!\n"
      "# A minute before the time limit: save what is trained, then come again.\n"
      "trap 'kill -USR1 \"$child\" 2>/dev/null' USR1\n"
      "# To be cancelled or taken away. The program may have been told as well, and a second TERM "
      "would "
      "not let it\n"
      "# save; USR1 would.\n"
      "cancelled=no\n"
      "trap 'cancelled=yes; sleep 0.5; kill -USR1 \"$child\" 2>/dev/null' TERM\n"
      "wait \"$child\"\n"
      "status=$?\n"
      "while kill -0 \"$child\" 2>/dev/null; do  # it was a signal that ended the wait\n"
      "  wait \"$child\"\n"
      "  status=$?\n"
      "done\n"
      "[ \"$cancelled\" = no ] || exit 143\n\n"
      "# 138: saved because of USR1. The same task goes on from there; one that gets nowhere ends "
      "at "
      "last.\n"
      "if [ \"$status\" -eq 138 ] && [ \"${SLURM_RESTART_COUNT:-0}\" -lt 100 ]; then\n"
      "  exec scontrol requeue \"${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\"\n"
      "fi\n"
      "exit \"$status\"\n";
  return text;
}

}  // namespace recollect::cli
