#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "harness/bench/cases.hpp"
#include "harness/bench/export.hpp"
#include "harness/bench/measure.hpp"
#include "harness/bench/report.hpp"
#include "harness/cli/commands.hpp"
#include "math/parallel.hpp"
#include "models/registry.hpp"

namespace recollect::cli {
namespace {

constexpr const char* kWhatIsTimed =
    "What is timed: steps as training makes them, i.e. the forward and backward pass of a batch,\n"
    "clipping and Adam (with learning rate 0, so that every step finds the same weights). "
    "Examples\n"
    "are ready: a step copies them. With --mode score: the forward pass alone; stream:\n"
    "the same, recurrently, keeping nothing but the states, for sequences of any length.\n"
    "A shape is timed only after the fast path has agreed with a slow twin in double on two of "
    "its\n"
    "sequences (at 4096 tokens where there are more; the row says so). Each sample lies between "
    "two\n"
    "probes of the machine's rate; one whose probes differ by more than 5 % from each other or "
    "from\n"
    "the best is taken again, five times at most. `fraction` is the nominal work (docs/model.md) "
    "a\n"
    "second over the rate of a sample's own probes; shortcuts that avoid some of it can make it "
    "exceed 1.\n"
    "Exit status 4: a row disagrees with its twin.\n\n";

struct Options {
  BenchShape shape;
  BenchOrigin origin;
  bool no_shortcuts = false;
  bool json = false;
  bool csv = false;
  std::string export_to;
};

void check_variants(const std::vector<std::string>& variants) {
  const std::vector<std::string> known = mixers().names();
  for (const std::string& variant : variants) {
    if (std::find(known.begin(), known.end(), variant) != known.end()) continue;
    const std::string near = nearest_name(variant, known);
    throw UsageError(fmt::format("--variant {} is unknown; choose among {}{}", variant,
                                 fmt::join(known, ", "),
                                 near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  }
}

ExitStatus bench(Options& options) {
  BenchShape& shape = options.shape;
  shape.shortcuts = !options.no_shortcuts;
  const std::vector<BenchGroup> groups = suite_groups(options.origin.suite, shape);
  if (!options.export_to.empty()) {
    export_batch(groups.front().cases.front().cell, options.export_to);
    print(options.export_to + "\n");
    return ExitStatus::kDone;
  }
  options.origin.threads = shape.threads;
  const BenchReport results = run_bench(groups, options.origin.settings, dense_twin, report);
  if (options.json) {
    print(bench_json(results, options.origin));
  } else if (options.csv) {
    print(to_csv(bench_csv(results)));
  } else {
    print(bench_text(results, options.origin));
  }
  const auto wrong =
      std::count_if(results.rows.begin(), results.rows.end(),
                    [](const BenchRow& row) { return row.status == RowStatus::kDisagrees; });
  if (wrong == 0) return ExitStatus::kDone;
  report(
      fmt::format("recollect: {} of {} rows disagree with their twins in double and have no "
                  "figures",
                  wrong, results.rows.size()));
  return ExitStatus::kCellsFailed;
}

/// Names on the command line, in the order of the enumerators from 0.
template <class E>
CLI::Option* add_choice(CLI::App& command, const std::string& name, E& member,
                        const std::vector<std::string>& names, const std::string& help) {
  return command
      .add_option_function<std::string>(
          name,
          [&member, names](const std::string& text) {
            member = static_cast<E>(std::find(names.begin(), names.end(), text) - names.begin());
          },
          help)
      ->check(CLI::IsMember(names).description(""))
      ->type_name("NAME")
      ->default_str(names[static_cast<std::size_t>(member)]);
}

/// The options that say what is measured.
void add_shape(CLI::App& command, BenchShape& shape) {
  command.add_option("--variant", shape.variants, "Variants (default: all, or adaptive-decay)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME");
  command
      .add_option("--length", shape.lengths,
                  "Tokens of a sequence (default: 64,128,256,1024; options and scaling 256; "
                  "growth 256 to 65536)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(std::int64_t{1}, kMaxLength).description(""))
      ->type_name("T");
  command.add_option("--batch", shape.batch, "Sequences of a step (default: 64; growth: threads)")
      ->check(CLI::Range(1, 1 << 20).description(""))
      ->type_name("B");
  command.add_option("--pairs", shape.pairs, "Scored positions of a sequence (the task is mqar)")
      ->check(CLI::Range(1, 1 << 20).description(""))
      ->type_name("K")
      ->capture_default_str();
  command.add_option("--threads", shape.threads, "Threads (default: one a core)")
      ->check(CLI::Range(1, 4096).description(""))
      ->type_name("N");
  command.add_option("--set", shape.overrides, "An option of the model: --set model.width=128")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  add_choice(command, "--mode", shape.mode, {"train", "score", "stream"},
             "train: a training step; score: the forward pass alone; stream: the same in the "
             "memory of the states, for sequences of any length");
}

}  // namespace

void add_bench(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("bench", "Measure the speed of training steps against the machine's");
  command->footer(kWhatIsTimed + command->get_footer());
  BenchShape& shape = options->shape;
  BenchSettings& settings = options->origin.settings;
  shape.threads = available_cores();
  add_choice(*command, "--suite", options->origin.suite, {"steps", "options", "growth", "scaling"},
             "steps: a table of variants and lengths; options: what single options of the model "
             "cost; growth: time and memory against length, shortcuts on and off; scaling: several "
             "cells at once, and several threads");
  add_shape(*command, shape);
  command->add_flag("--no-shortcuts,--no-savings", options->no_shortcuts,
                    "Without the exact shortcuts (docs/architecture.md)");
  command->add_option("--samples", settings.samples, "Undisturbed samples wanted for a row")
      ->check(CLI::Range(1, 1000).description(""))
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--seconds", settings.seconds, "Of a sample")
      ->check(within(1e-4, 3600.0))
      ->type_name("S")
      ->capture_default_str();
  CLI::Option* json =
      command->add_flag("--json", options->json, "Print JSON, with every sample and probe");
  command->add_flag("--csv", options->csv, "Print CSV")->excludes(json);
  command
      ->add_option(
          "--export", options->export_to,
          "Write one batch, its loss and its gradient as safetensors (of the first variant "
          "and length), and stop")
      ->type_name("FILE");
  command->callback([options, command, &action] {
    if (command->count("--export") > 0) {
      expect_given(options->export_to, "--export", "the path of a file");
    }
    check_variants(options->shape.variants);
    action = [options] { return bench(*options); };
  });
}

}  // namespace recollect::cli
