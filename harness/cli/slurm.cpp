#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <numeric>

#include "base/cores.hpp"
#include "base/text.hpp"
#include "harness/cli/commands.hpp"
#include "harness/cli/slurm_script.hpp"
#include "harness/cli/step_time.hpp"
#include "harness/config/load.hpp"
#include "harness/live/time_text.hpp"
#include "harness/plot/process.hpp"
#include "harness/sweep/job_array.hpp"
#include "harness/train/cell_model.hpp"

namespace recollect::cli {
namespace {

struct Options {
  std::string config;
  std::vector<std::string> overrides;
  std::string out = "results/runs";
  int cpus = 1;
  double minutes = 60.0;
  int cells = 0;
  int most = 1000;
  int first = 0;
  bool submit = false;
};

constexpr double kMinute = 60.0;

/// Seconds of each cell on one core, a shape measured once; 0 of a cell that is done.
std::vector<double> measured_seconds(const RunPlan& plan) {
  std::map<std::string, double> steps;
  std::vector<double> seconds;
  for (const PlannedCell& planned : plan.cells) {
    if (planned.work != Work::kTrain && planned.work != Work::kScore) {
      seconds.push_back(0.0);
      continue;
    }
    const std::string identity = shape_of(*planned.cell).identity();
    if (!steps.contains(identity)) {
      steps[identity] = measure_step(*planned.cell, plan.threads, plan.jobs);
    }
    seconds.push_back(work_seconds(planned, steps[identity]));
  }
  return seconds;
}

/// What the largest cells take that a task may work on at once.
double bytes_of_task(const RunPlan& plan, int cpus) {
  std::vector<double> bytes;
  for (const PlannedCell& cell : plan.cells) bytes.push_back(cell.memory.bytes(1));
  std::sort(bytes.begin(), bytes.end(), std::greater<>());
  bytes.resize(std::min(bytes.size(), static_cast<std::size_t>(cpus)));
  return std::accumulate(bytes.begin(), bytes.end(), 0.0);
}

/// By --cells, or by what cells cost.
JobArray deal(const Options& options, const RunPlan& plan) {
  if (options.cells > 0) {
    const auto cells = static_cast<std::size_t>(options.cells);
    const auto tasks = static_cast<int>((plan.cells.size() + cells - 1) / cells);
    if (tasks > options.most) {
      throw UsageError(fmt::format("--cells {} makes {} tasks, more than --most {}", options.cells,
                                   tasks, options.most));
    }
    return {tasks, options.minutes * kMinute};
  }
  const std::vector<double> seconds = measured_seconds(plan);
  const JobArray array =
      dealt_within(options.minutes * kMinute, options.most, seconds, options.cpus);
  const double all = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  report(fmt::format("{} of {} to do, {} on one core as measured here: {}, the longest about {}",
                     plan.cells.size() - plan.count(Work::kNone), plural(plan.cells.size(), "cell"),
                     live::rough_duration_text(all),
                     plural(static_cast<std::size_t>(array.tasks), "task"),
                     live::rough_duration_text(array.seconds)));
  return array;
}

void submit(const std::string& script) {
  const plot::ProcessResult result =
      plot::run_process({"sbatch"}, script, plot::ProgramEnvironment::kWhole);
  if (!result.found) {
    throw IoError(
        "sbatch is not installed here, and nothing was submitted; do it where Slurm is, or leave "
        "out --submit and take the script there");
  }
  if (result.status != 0) {
    const std::string first = result.errors.substr(0, result.errors.find('\n'));
    throw IoError(fmt::format("sbatch refused the job: {}", printable(first, 300)));
  }
  print(result.output);
}

ExitStatus write_slurm(const Options& options) {
  const Experiment experiment = load_experiment(options.config, options.overrides);
  check_initial_weights(experiment);
  for (const std::string& warning : experiment.warnings)
    report(fmt::format("warning: {}", warning));
  const int here = std::min(options.cpus, core_budget().cores);
  const RunPlan plan = plan_run(experiment, options.out, {.jobs = here, .threads = 1});
  if (!plan.refusal.empty()) throw ConfigError(plan.refusal);
  if (plan.count(Work::kNone) == plan.cells.size()) {
    report(fmt::format("all {} are done in {}; there is nothing to submit",
                       plural(plan.cells.size(), "cell"), options.out));
    return ExitStatus::kDone;
  }
  const JobArray array = deal(options, plan);
  const std::string script =
      slurm_script({.experiment = experiment.name,
                    .program = std::filesystem::read_symlink("/proc/self/exe").string(),
                    .config = std::filesystem::absolute(options.config).string(),
                    .overrides = options.overrides,
                    .out = std::filesystem::absolute(options.out).string(),
                    .tasks = array.tasks,
                    .first = options.first,
                    .cpus = options.cpus,
                    .seconds = array.seconds,
                    .bytes = bytes_of_task(plan, options.cpus)});
  if (options.submit) {
    submit(script);
  } else {
    print(script);
  }
  return ExitStatus::kDone;
}

}  // namespace

void add_slurm(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "slurm", "Print a job array for Slurm that runs a configuration, for sbatch");
  command->footer(
      "A task runs one shard. It saves its cells a minute before the time limit and is queued "
      "again "
      "until they are done. All tasks share --out, which every node must see under that path; "
      "afterwards `recollect table` reads it.");
  add_config_options(*command, options->config, options->overrides);
  command->add_option("--out", options->out, "Folder of the results")
      ->type_name("DIR")
      ->capture_default_str();
  command->add_option("--cpus", options->cpus, "Cores of a task; it trains as many cells at once")
      ->check(CLI::Range(1, 4096).description(""))
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option(
          "--minutes", options->minutes,
          "How long a task should take. A few steps of each kind of cell are measured here, "
          "and tasks get as many cells as fit")
      ->check(within(1.0, 1e6))
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option(
          "--cells", options->cells,
          "Cells of a task, in place of measuring: --minutes is then what it is taken to need")
      ->check(CLI::Range(1, 1000000).description(""))
      ->type_name("N");
  command
      ->add_option("--most", options->most,
                   "At most so many tasks, which may then take longer; Slurm's own limit, "
                   "MaxArraySize, is 1001 unless a site raised it")
      ->check(CLI::Range(1, 1000000).description(""))
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--first", options->first, "Number of the first task: 0 or 1")
      ->check(CLI::Range(0, 1).description(""))
      ->type_name("N")
      ->capture_default_str();
  command->add_flag("--submit", options->submit, "Hand it to sbatch at once");
  command->callback([options, &action] {
    expect_given(options->config, "CONFIG", kAConfiguration);
    expect_given(options->out, "--out", "a folder for the results");
    action = [options] { return write_slurm(*options); };
  });
}

}  // namespace recollect::cli
