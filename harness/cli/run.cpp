#include <fmt/format.h>

#include <memory>
#include <optional>

#include "core/file.hpp"
#include "core/parallel.hpp"
#include "harness/cli/commands.hpp"
#include "harness/cli/dry_run.hpp"
#include "harness/cli/progress.hpp"
#include "harness/cli/signals.hpp"
#include "harness/config/load.hpp"
#include "harness/report/table.hpp"
#include "harness/sweep/experiment_file.hpp"
#include "harness/sweep/runner.hpp"
#include "harness/train/leakage.hpp"

namespace recollect::cli {
namespace {

struct Options {
  std::string config;
  std::vector<std::string> overrides;
  std::string out = "results/runs";
  int jobs = 0;
  bool dry_run = false;
  CheckpointInterval checkpoint;
};

/// The experiment's tables beside its folder; prints where they are.
void write_tables(const Experiment& experiment, const std::filesystem::path& out,
                  const CsvTable& cells) {
  const std::string stem = file_stem(experiment.name);
  const std::filesystem::path cells_path = out / (stem + ".cells.csv");
  const std::filesystem::path groups_path = out / (stem + ".groups.csv");
  write_file_atomically(cells_path, to_csv(cells));
  write_file_atomically(groups_path, to_csv(group_cells(cells)));
  print(fmt::format("{}\n{}\n", cells_path.string(), groups_path.string()));
}

ExitStatus run(const Options& options) {
  const Experiment experiment = load_experiment(options.config, options.overrides);
  for (const std::string& warning : experiment.warnings)
    report(fmt::format("warning: {}", warning));
  const std::string leak = leakage_warning(count_leakage(experiment, available_cores()));
  if (!leak.empty()) report(fmt::format("warning: {}", leak));
  if (options.dry_run) {
    check_place(options.out);
    const RunPlan plan = plan_run(experiment, options.out, options.jobs);
    for (const std::string& note : plan.notes) report(note);
    print(describe_dry_run(plan, options.out));
    return ExitStatus::kDone;
  }
  const RunSummary summary = [&] {
    Progress progress(options.out);
    const StopOnSignals signals;
    return run_experiment(experiment, options.out, options.jobs, progress,
                          {signals.request(), options.checkpoint});
  }();
  for (const std::string& problem : summary.problems) report(problem);
  std::optional<CsvTable> cells;
  try {
    cells = read_cells(options.out, experiment.name).table;
  } catch (const IoError& error) {  // the problems may have left nothing to tabulate
    if (summary.problems.empty()) throw;
    report(fmt::format("warning: no tables: {}", error.what()));
  }
  if (cells) write_tables(experiment, options.out, *cells);
  if (summary.problems.empty()) return ExitStatus::kDone;
  report(fmt::format("recollect: {} of {} cells failed or diverged; the others are done",
                     summary.problems.size(), experiment.cells.size()));
  return ExitStatus::kCellsFailed;
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "run", "Train and score the cells of a configuration; cells that are done are skipped");
  command->footer(
      "SIGINT (Ctrl-C) and SIGTERM save the cells that are being trained and stop; the same "
      "command "
      "goes on from there, with the same results to the byte. So it does after a kill, from what "
      "was saved last.");
  add_config_options(*command, options->config, options->overrides);
  command->add_option("--out", options->out, "Folder of the results")
      ->type_name("DIR")
      ->capture_default_str();
  command
      ->add_option(
          "--jobs", options->jobs,
          "Cells at once; the cores are shared among them (default: one a core). Results do "
          "not depend on it")
      ->check(CLI::Range(1, 4096).description(""))
      ->type_name("N");
  command
      ->add_option("--checkpoint-seconds", options->checkpoint.seconds,
                   "Save the state of a training every so many seconds; 0: not by time")
      ->check(CLI::Range(0.0, 1e9).description(""))
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--checkpoint-steps", options->checkpoint.steps,
                   "Save it every so many steps as well; 0: by time alone")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 40).description(""))
      ->type_name("N")
      ->capture_default_str();
  command->add_flag("--dry-run", options->dry_run,
                    "Print cells, parameters, memory and time, and write nothing");
  command->callback([options, &action] {
    expect_given(options->config, "CONFIG", kAConfiguration);
    expect_given(options->out, "--out", "a folder for the results");
    action = [options] { return run(*options); };
  });
}

}  // namespace recollect::cli
