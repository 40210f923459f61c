#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/text.hpp"
#include "harness/cli/commands.hpp"
#include "harness/cli/example_choice.hpp"
#include "harness/config/load.hpp"
#include "harness/exchange/predictions.hpp"
#include "math/parallel.hpp"

namespace recollect::cli {
namespace {

struct Options {
  std::string config;
  std::vector<std::string> overrides;
  std::string predictions;
  std::string checkpoint;
  std::string label;
  std::int64_t seed = 0;
  std::string out;
  std::string split = "test";
  std::optional<std::int64_t> cell;
  ExampleRequest request;
};

/// The cell whose examples were answered: of those with the seed, where there are any.
const Cell& answered_cell(const Experiment& experiment, const Options& options,
                          const ExampleRequest& request) {
  const std::vector<Cell>& cells = experiment.cells;
  if (options.cell) return cells[requested_cell(cells, options.cell, request)];
  std::vector<Cell> of_seed;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].seed != options.seed) continue;
    of_seed.push_back(cells[i]);
    places.push_back(i);
  }
  if (of_seed.empty()) return cells[requested_cell(cells, {}, request)];
  return cells[places[requested_cell(of_seed, {}, request)]];
}

void expect_new_label(const Experiment& experiment, const std::string& label) {
  const auto found = std::find_if(experiment.cells.begin(), experiment.cells.end(),
                                  [&](const Cell& cell) { return cell.variant.label == label; });
  if (found == experiment.cells.end()) return;
  throw UsageError(fmt::format(
      "--label '{}' is the label of a variant of this configuration; take another", label));
}

ExitStatus score(const Options& options) {
  ExampleRequest request = options.request;
  request.split = split_named(options.split);
  const Experiment experiment = load_experiment(options.config, options.overrides);
  expect_new_label(experiment, options.label);
  const Cell& of = answered_cell(experiment, options, request);
  const Cell cell = outside_cell(of, experiment.name, options.label, options.seed);
  const int threads = available_cores();
  const OutsideScore scored =
      options.predictions.empty()
          ? score_checkpoint(of, experiment.name, request, options.checkpoint, threads)
          : score_predictions(cell, request, options.predictions, threads);
  const std::filesystem::path folder =
      add_outside_score(options.out, experiment.name, cell, scored);
  print(fmt::format("{}: accuracy {:.4f}, exact match {:.4f} on {} of length {}\n", folder.string(),
                    scored.score.accuracy, scored.score.exact_match,
                    plural(scored.score.examples, fmt::format("{} example", name_of(scored.split))),
                    scored.part.task->length));
  return ExitStatus::kDone;
}

}  // namespace

void add_score(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "score", "Score the predictions of another program's model, as a cell beside ours");
  command->footer(
      "The predictions are of the examples that `recollect generate` writes with the same split, "
      "cell and length. docs/formats.md lists the arrays.");
  add_config_options(*command, options->config, options->overrides);
  CLI::Option* const predictions =
      command
          ->add_option("--predictions", options->predictions,
                       "A .safetensors or .npz file, or a folder of .npy files, with the arrays "
                       "`predictions` or `logits`, and `digest`")
          ->type_name("FILE");
  CLI::Option* const checkpoint =
      command
          ->add_option("--checkpoint", options->checkpoint,
                       "In place of predictions: weights of this program, of the chosen cell")
          ->type_name("FILE")
          ->excludes(predictions);
  command->add_option("--label", options->label, "What tables call the model")
      ->type_name("NAME")
      ->required();
  command->add_option("--seed", options->seed, "Which of its seeds this is")
      ->type_name("S")
      ->required();
  command->add_option("--out", options->out, "The folder of runs to put it in")
      ->type_name("DIR")
      ->required();
  command->add_option("--split", options->split, "Whose examples: validation or test")
      ->type_name("SPLIT")
      ->capture_default_str();
  command
      ->add_option("--cell", options->cell,
                   "Whose examples, from 1 in the order of the dry run; without, those of the "
                   "cells with the seed")
      ->type_name("N");
  command
      ->add_option("--length", options->request.length,
                   "At which length; without, at the trained one, or at the only one")
      ->type_name("T");
  command
      ->add_option("--part", options->request.part,
                   "Which entry of eval.cells, from 1, where the length leaves a choice")
      ->type_name("N");
  command
      ->add_option("--count", options->request.count,
                   "Of the first N examples; without, of all of the split")
      ->type_name("N");
  command->callback([options, predictions, checkpoint, &action] {
    expect_given(options->config, "CONFIG", kAConfiguration);
    expect_given(options->label, "--label", "a name");
    expect_given(options->out, "--out", "a folder for the results");
    if (predictions->count() + checkpoint->count() == 0) {
      throw UsageError("--predictions is missing; give the file of predictions, or --checkpoint");
    }
    if (predictions->count() > 0) {
      expect_given(options->predictions, "--predictions", "the path of a file");
    } else {
      expect_given(options->checkpoint, "--checkpoint", "the path of a file");
    }
    action = [options] { return score(*options); };
  });
}

}  // namespace recollect::cli
