#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/text.hpp"
#include "harness/arrays/array_file.hpp"
#include "harness/cli/commands.hpp"
#include "harness/cli/example_choice.hpp"
#include "harness/config/load.hpp"
#include "harness/exchange/example_set.hpp"
#include "math/parallel.hpp"

namespace recollect::cli {
namespace {

struct Options {
  std::string config;
  std::vector<std::string> overrides;
  std::string split;
  std::string steps;
  std::string out;
  std::optional<std::int64_t> cell;
  ExampleRequest request;
};

/// "5..20", or "5" alone. @throws UsageError
StepRange parse_steps(const std::string& text) {
  StepRange steps;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, steps.first);
  bool valid = first.ec == std::errc();
  if (valid && first.ptr == end) {
    steps.last = steps.first;
  } else if (valid) {
    const bool dots = std::string_view(first.ptr, end).starts_with("..");
    const auto last = dots ? std::from_chars(first.ptr + 2, end, steps.last) : first;
    valid = dots && last.ec == std::errc() && last.ptr == end;
  }
  if (valid) return steps;
  throw UsageError(
      fmt::format("--shuffle-steps '{}' is no range of steps A..B, such as 1..50", text));
}

ExampleRequest request_of(const Options& options) {
  ExampleRequest request = options.request;
  if (!options.steps.empty()) request.steps = parse_steps(options.steps);
  if (options.split.empty() && !request.steps) {
    throw UsageError("--split is missing; choose one of train, validation, test");
  }
  if (!options.split.empty()) request.split = split_named(options.split);
  return request;
}

ExitStatus generate(const Options& options) {
  const ExampleRequest request = request_of(options);
  const Experiment experiment = load_experiment(options.config, options.overrides);
  const Cell& cell = experiment.cells[requested_cell(experiment.cells, options.cell, request)];
  check_array_place(options.out);
  const ExampleSet set = make_examples(cell, experiment.name, request, available_cores());
  write_examples(options.out, set);
  print(fmt::format("{}: {} of length {}, digest {}\n", options.out,
                    plural(set.examples, "example"), set.length, set.digest));
  return ExitStatus::kDone;
}

}  // namespace

void add_generate(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "generate",
      "Write examples as arrays, for NumPy, PyTorch and others: what training and "
      "scoring see, number for number");
  command->footer("docs/formats.md lists the arrays.");
  add_config_options(*command, options->config, options->overrides);
  command->add_option("--split", options->split, "Whose examples: train, validation or test")
      ->type_name("SPLIT");
  command
      ->add_option("--cell", options->cell,
                   "Of which cell, from 1 in the order of the dry run: grid, variants, seeds; "
                   "needed where cells differ in their examples")
      ->type_name("N");
  command
      ->add_option("--length", options->request.length,
                   "At which length; without, at the trained one, or at the only one")
      ->type_name("T");
  command
      ->add_option("--part", options->request.part,
                   "Which entry of train.mixture or eval.cells, from 1, where the length leaves a "
                   "choice")
      ->type_name("N");
  command
      ->add_option("--count", options->request.count,
                   "The first N examples; without, all of the split. Needed with train.examples: "
                   "online")
      ->type_name("N");
  command
      ->add_option("--shuffle-steps", options->steps,
                   "In place of these: the very batches of training steps A to B, from 1, in "
                   "their order; an array `step` says which examples are whose")
      ->type_name("A..B");
  command
      ->add_option("--out", options->out,
                   "Where to: a name that ends in .safetensors or .npz; any other is a folder of "
                   ".npy files")
      ->type_name("FILE")
      ->required();
  command->callback([options, &action] {
    expect_given(options->config, "CONFIG", kAConfiguration);
    expect_given(options->out, "--out", "the name of a file or folder");
    action = [options] { return generate(*options); };
  });
}

}  // namespace recollect::cli
