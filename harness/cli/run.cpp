#include <fmt/format.h>

#include <charconv>
#include <exception>
#include <memory>
#include <string_view>
#include <system_error>

#include "base/text.hpp"
#include "harness/cli/commands.hpp"
#include "harness/cli/dry_run.hpp"
#include "harness/cli/failure.hpp"
#include "harness/cli/json_display.hpp"
#include "harness/cli/progress.hpp"
#include "harness/cli/signals.hpp"
#include "harness/config/initial_weights.hpp"
#include "harness/config/load.hpp"
#include "harness/live/events.hpp"
#include "harness/results/write_tables.hpp"
#include "harness/store/archive_shelf.hpp"
#include "harness/sweep/runner.hpp"
#include "harness/sweep/verify.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/leakage.hpp"
#include "math/parallel.hpp"

namespace recollect::cli {
namespace {

struct Options {
  std::string config;
  std::vector<std::string> overrides;
  std::string out = "results/runs";
  std::vector<std::string> reuse;
  int jobs = 0;
  int threads = 0;
  std::string shard;
  std::string init;
  bool init_partial = false;
  bool dry_run = false;
  bool verify = false;
  bool no_tables = false;
  bool quiet = false;
  bool json_lines = false;
  CheckpointInterval checkpoint;

  [[nodiscard]] Telling telling() const {
    return json_lines ? Telling::kJsonLines : quiet ? Telling::kQuiet : Telling::kForPeople;
  }
};

/// What is no error, but should be known before the run begins.
void warn(const Options& options, const std::string& text) {
  if (options.json_lines) {
    print_event(live::text_event("warning", text, 0.0));
  } else if (!options.quiet) {
    report(fmt::format("warning: {}", text));
  }
}

/// "2/8": the second of eight parts. @throws UsageError
Shard parse_shard(const std::string& text) {
  constexpr int kMost = 1000000;
  Shard shard;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, shard.index);
  if (first.ec == std::errc() && first.ptr != end && *first.ptr == '/') {
    const auto second = std::from_chars(first.ptr + 1, end, shard.count);
    if (second.ec == std::errc() && second.ptr == end && shard.count <= kMost && shard.index >= 1 &&
        shard.index <= shard.count) {
      return shard;
    }
  }
  throw UsageError(
      fmt::format("--shard '{}' is not a part i/n with 1 <= i <= n, such as 2/8", text));
}

/// The experiment's tables beside its folder. @returns their paths
std::vector<std::string> tables_of(const Experiment& experiment, const std::string& out,
                                   const RunSummary& summary) {
  WrittenTables tables = write_tables(out, experiment.name);
  if (tables.none) {  // problems, or an empty shard, may leave nothing to tabulate
    if (summary.problems.empty() && summary.finished > 0) throw IoError(*tables.none);
    report(fmt::format("warning: no tables: {}", tables.none->what()));
  }
  return tables.paths;
}

/// Live lines tell it themselves, where they stand.
bool says_stop_at_once(const Options& options) {
  return options.telling() == Telling::kForPeople && !Terminal().is_live();
}

/// Runs cells again; says how many gave the same bytes, and which cannot be compared.
ExitStatus verify(const Experiment& experiment, const Options& options, const RunOptions& how,
                  Verified which) {
  const VerifySummary summary = [&] {
    const StopOnSignals signals(says_stop_at_once(options));
    Progress progress(options.out, options.telling(), signals.request(),
                      Progress::Of::kVerification);
    return verify_experiment(experiment, options.out, how, progress, signals.request(), which);
  }();
  for (const std::string& line : summary.incomparable) report(line);
  if (which == Verified::kDamaged && summary.incomparable.empty()) return ExitStatus::kDone;
  const auto cells = [](std::size_t count) { return plural(count, "cell"); };
  const auto among = [](std::size_t count, std::string_view what) {
    return count > 0 ? fmt::format(", {} {}", count, what) : "";
  };
  const std::string same =
      fmt::format("{} gave the same bytes again{}{}", cells(summary.same),
                  among(summary.other_build, "of another build among them"),
                  among(summary.weightless, "without weights to compare, as from an archive"));
  if (summary.incomparable.empty()) {
    if (!options.json_lines) report(fmt::format("verified: {}", same));
    return ExitStatus::kDone;
  }
  report(fmt::format("recollect: {} cannot be compared; {}", cells(summary.incomparable.size()),
                     same));
  return ExitStatus::kCannotCompare;
}

/// The configuration, with what --init says of it.
Experiment experiment_of(const Options& options) {
  std::vector<std::string> overrides = options.overrides;
  if (!options.init.empty()) {
    const std::vector<std::string> init = overrides_of_init(options.init, options.init_partial);
    overrides.insert(overrides.end(), init.begin(), init.end());
  }
  Experiment experiment = load_experiment(options.config, overrides);
  check_initial_weights(experiment);
  return experiment;
}

/// @param end  filled with what a summary says, as far as it came to that
ExitStatus run(const Options& options, live::RunEnd& end) {
  RunOptions how{.jobs = options.jobs,
                 .threads = options.threads,
                 .shard = options.shard.empty() ? Shard{} : parse_shard(options.shard)};
  const Experiment experiment = experiment_of(options);
  for (const std::string& warning : experiment.warnings) warn(options, warning);
  const std::string leak =
      leakage_warning(count_leakage(cells_of(experiment, how.shard), available_cores()));
  if (!leak.empty()) warn(options, leak);
  const ArchiveShelf archives({options.reuse.begin(), options.reuse.end()});
  how.reuse = &archives;
  if (options.dry_run) {
    const RunPlan plan = plan_run(experiment, options.out, how);
    for (const std::string& note : plan.notes) report(note);
    try {
      check_place(options.out);
    } catch (const IoError& error) {  // with nothing to do, a folder may be one to read
      if (plan.count(Work::kNone) < plan.cells.size()) throw;
      report(fmt::format("warning: {}", error.what()));
    }
    if (!plan.refusal.empty()) throw ConfigError(plan.refusal);
    print(describe_dry_run(plan, options.out));
    return ExitStatus::kDone;
  }
  // A run would recompute damaged cells, and the damage would never be reported.
  if (options.verify) {
    const ExitStatus damaged = verify(experiment, options, how, Verified::kDamaged);
    if (damaged != ExitStatus::kDone) return damaged;
  }
  const RunSummary summary = [&] {
    const StopOnSignals signals(says_stop_at_once(options));
    Progress progress(options.out, options.telling(), signals.request());
    const auto close = [&] {
      progress.close();
      end.counts = progress.counts();
      end.seconds = progress.elapsed();
    };
    try {
      RunSummary result = run_experiment(experiment, options.out, how, progress,
                                         {signals.request(), options.checkpoint});
      close();
      if (!options.json_lines) report(progress.last_sentence());
      return result;
    } catch (...) {
      close();
      throw;
    }
  }();
  for (const std::string& problem : summary.problems) {
    if (!options.json_lines) report(problem);
  }
  end.problems = summary.problems;
  if (!summary.read_only && !options.no_tables) {
    end.tables = tables_of(experiment, options.out, summary);
  }
  if (!options.json_lines) {
    for (const std::string& path : end.tables) print(path + "\n");
  }
  ExitStatus status = ExitStatus::kDone;
  if (!summary.problems.empty()) {
    status = ExitStatus::kCellsFailed;
    report(fmt::format("recollect: {} of {} cells failed or diverged; the others are done",
                       summary.problems.size(), summary.problems.size() + summary.finished));
  }
  if (options.verify) {
    const ExitStatus verified = verify(experiment, options, how, Verified::kEnded);
    if (verified != ExitStatus::kDone) return verified;
  }
  return status;
}

/// The same; with --json-lines a last event reports how the run ended, errors included.
ExitStatus run_and_sum_up(const Options& options) {
  live::RunEnd end;
  if (!options.json_lines) return run(options, end);
  try {
    const ExitStatus status = run(options, end);
    end.status = static_cast<int>(status);
    print_event(live::summary_event(end));
    return status;
  } catch (...) {
    const Failure failure = failure_of(std::current_exception());
    end.status = failure.status;
    end.error = failure.line;
    print_event(live::summary_event(end));
    throw;
  }
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "run", "Train and score the cells of a configuration; cells that are done are skipped");
  command->footer(
      "SIGINT (Ctrl-C), SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 save the cells that are being trained "
      "and stop; the same "
      "command "
      "goes on from there, with the same results to the byte. So it does after a kill, from what "
      "was saved last.");
  add_config_options(*command, options->config, options->overrides);
  command->add_option("--out", options->out, "Folder of the results")
      ->type_name("DIR")
      ->capture_default_str();
  command
      ->add_option("--reuse", options->reuse,
                   "Take finished cells from the archives in this folder instead of training them, "
                   "e.g. results/reference; may be given several times")
      ->type_name("DIR")
      ->allow_extra_args(false);
  command
      ->add_option(
          "--jobs", options->jobs,
          "Cells at once; the cores are shared among them (default: one a core). Results do "
          "not depend on it")
      ->check(CLI::Range(1, 4096).description(""))
      ->type_name("N");
  command
      ->add_option(
          "--threads", options->threads,
          "Threads of each cell (default: the cores shared among the jobs). Cores are those "
          "that affinity, the CPU quota of the control group and OMP_NUM_THREADS leave; "
          "where one of them decides, the run says so. Results do not depend on it")
      ->check(CLI::Range(1, 4096).description(""))
      ->type_name("N");
  command
      ->add_option("--checkpoint-seconds", options->checkpoint.seconds,
                   "Save the state of a training every so many seconds; 0: not by time")
      ->check(within(0.0, 1e9))
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--checkpoint-steps", options->checkpoint.steps,
                   "Save it every so many steps as well; 0: by time alone")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 40).description(""))
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--shard", options->shard,
                   "The i-th of n parts of the cells, i from 1 to n: every n-th cell. For machines "
                   "that share no folder; processes on one folder share the cells by themselves")
      ->type_name("i/n");
  command->add_flag("--no-tables", options->no_tables,
                    "Leave the experiment's tables alone, as one of many processes on a folder: "
                    "each would read all cells. `table` makes them afterwards");
  CLI::Option* const init =
      command
          ->add_option("--init", options->init,
                       "Start from the tensors of this file (weights of a cell, or others with "
                       "these names and shapes) instead of drawing them; their digest makes other "
                       "cells. The same as train.init")
          ->type_name("FILE");
  command
      ->add_flag("--init-partial", options->init_partial,
                 "With --init: draw the tensors that it lacks, pass over those of no use")
      ->needs(init);
  CLI::Option* const dry_run = command->add_flag(
      "--dry-run", options->dry_run, "Print cells, parameters, memory and time, and write nothing");
  CLI::Option* const quiet = command->add_flag(
      "--quiet", options->quiet, "Tell on stderr nothing but errors and, at the end, one line");
  command
      ->add_flag("--json-lines", options->json_lines,
                 "Print an object of JSON a line on stdout for each event, for scripts; the last "
                 "one is the summary. docs/command_line.md lists their members")
      ->excludes(quiet)
      ->excludes(dry_run);
  command
      ->add_flag("--verify", options->verify,
                 "Then run every finished cell again, with another number of threads and in a "
                 "temporary folder, and compare all files byte by byte: status 1 at the first "
                 "difference, 2 where cells of another build differ. Costs as much as the run")
      ->excludes(dry_run);
  command->callback([options, init, &action] {
    expect_given(options->config, "CONFIG", kAConfiguration);
    expect_given(options->out, "--out", "a folder for the results");
    if (init->count() > 0) expect_given(options->init, "--init", "the path of a file");
    for (const std::string& folder : options->reuse) {
      expect_given(folder, "--reuse", "a folder of archives");
    }
    action = [options] { return run_and_sum_up(*options); };
  });
}

}  // namespace recollect::cli
