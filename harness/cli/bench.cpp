#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "harness/bench/cases.hpp"
#include "harness/bench/export.hpp"
#include "harness/cli/commands.hpp"
#include "models/mixers/registry.hpp"

namespace recollect::cli {
namespace {

struct Options {
  BenchShape shape;
  bool no_savings = false;
  std::string export_to;
};

void check_variants(const std::vector<std::string>& variants) {
  const std::vector<std::string> known = mixer_names();
  for (const std::string& variant : variants) {
    if (std::find(known.begin(), known.end(), variant) != known.end()) continue;
    const std::string near = nearest_name(variant, known);
    throw UsageError(fmt::format("--variant {} is unknown; choose among {}{}", variant,
                                 fmt::join(known, ", "),
                                 near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  }
}

ExitStatus bench(const Options& options) {
  export_batch(bench_cells(options.shape).front(), options.export_to);
  print(options.export_to + "\n");
  return ExitStatus::kDone;
}

}  // namespace

void add_bench(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("bench", "Measure the speed of training steps");
  BenchShape& shape = options->shape;
  command->add_option("--variant", shape.variants, "Variants, one or several")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME,...");
  command->add_option("--length", shape.lengths, "Tokens of a sequence")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(std::int64_t{1}, kMaxLength).description(""))
      ->type_name("T,...");
  command->add_option("--batch", shape.batch, "Sequences of a step")
      ->check(CLI::Range(1, 1 << 20).description(""))
      ->type_name("B")
      ->capture_default_str();
  command->add_option("--pairs", shape.pairs, "Scored positions of a sequence (MQAR)")
      ->check(CLI::Range(1, 1 << 20).description(""))
      ->type_name("K")
      ->capture_default_str();
  command->add_option("--set", shape.overrides, "An option of the model: --set model.width=128")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  command->add_flag("--no-savings", options->no_savings,
                    "Without the exact algebraic savings of docs/architecture.md");
  command
      ->add_option("--export", options->export_to,
                   "Write one batch, its loss and its gradient as safetensors, and stop")
      ->type_name("FILE")
      ->required();
  command->callback([options, &action] {
    expect_given(options->export_to, "--export", "the path of a file");
    check_variants(options->shape.variants);
    if (options->shape.variants.empty()) options->shape.variants = mixer_names();
    if (options->shape.lengths.empty()) options->shape.lengths = {64, 128, 256, 1024};
    options->shape.savings = !options->no_savings;
    action = [options] { return bench(*options); };
  });
}

}  // namespace recollect::cli
