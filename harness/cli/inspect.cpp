#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/file.hpp"
#include "harness/cli/commands.hpp"
#include "harness/cli/example_choice.hpp"
#include "harness/config/load.hpp"
#include "harness/inspect/inspection.hpp"
#include "harness/inspect/inspection_table.hpp"
#include "harness/inspect/inspection_text.hpp"
#include "harness/inspect/trained_model.hpp"
#include "harness/plot/files.hpp"
#include "harness/plot/lambda.hpp"
#include "harness/store/experiment_file.hpp"

namespace recollect::cli {
namespace {

struct Options {
  std::string model;
  std::string config;
  std::vector<std::string> overrides;
  std::string weights;
  std::optional<std::string> variant;
  std::optional<std::int64_t> seed;
  std::string split = "test";
  std::int64_t example = 0;
  std::optional<std::int64_t> examples;
  std::optional<std::int64_t> length;
  std::vector<std::int64_t> queries;
  std::string format = "text";
  std::string out;
};

/// The path; or, where it ends as tables write a cell, the cell's folder.
std::filesystem::path model_path(const std::string& given) {
  const std::filesystem::path path = given;
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return path;
  const std::filesystem::path folder = path.parent_path() / hash_of_table(path.filename().string());
  if (std::filesystem::exists(folder, ignored)) return folder;
  throw IoError(fmt::format(
      "{} is not there; give the folder of a cell, OUT/cells/HASH, or a file of weights", given));
}

TrainedModel found_model(const Options& options) {
  const std::filesystem::path model = model_path(options.model);
  std::error_code ignored;
  if (std::filesystem::is_directory(model, ignored)) {
    if (!options.config.empty() || options.variant || options.seed || !options.overrides.empty()) {
      throw UsageError(
          "the folder of a cell says what it is; CONFIG, --set, --variant and --seed are for a "
          "file of weights");
    }
    return model_of_folder(model, options.weights == "final" ? Weights::kFinal : Weights::kBest);
  }
  if (!options.weights.empty()) {
    throw UsageError("--weights chooses among those of a cell's folder, and a file is given");
  }
  if (options.config.empty()) {
    throw UsageError(fmt::format(
        "CONFIG is missing: a file of weights needs the configuration that it was trained with: "
        "recollect inspect {} CONFIG",
        options.model));
  }
  return model_of_file(model, load_experiment(options.config, options.overrides),
                       {options.variant, options.seed});
}

InspectRequest request_of(const Cell& cell, const Options& options) {
  InspectRequest request = default_request(cell, split_named(options.split));
  expect_example(cell, request.split, options.example);
  request.example = options.example;
  const std::int64_t there = examples_of(cell, request.split);
  request.examples = options.examples.value_or(request.examples);
  if (request.examples < 1 || request.examples > there) {
    throw UsageError(fmt::format("--examples {} is not in 1..{}, the {} examples of the cell",
                                 request.examples, there, name_of(request.split)));
  }
  request.length = options.length.value_or(request.length);
  for (const std::int64_t query : options.queries) {
    if (query < 0 || query >= request.length) {
      throw UsageError(fmt::format("--query {} is not in 0..{}, the positions of the example",
                                   query, request.length - 1));
    }
  }
  request.queries = options.queries;
  return request;
}

void draw(const Inspection& inspection, const std::string& out) {
  plot::Drawn drawn = plot::draw_lambda(inspection);
  if (!drawn.figure) {
    report(fmt::format("no picture: {}", drawn.why_not));
    return;
  }
  const bool png = plot::can_make_png();
  if (!png) report("no PNG: rsvg-convert is not installed (librsvg2-bin)");
  plot::expect_gnuplot();
  make_folder(out);
  for (const std::filesystem::path& file :
       plot::write_figures(out, {std::move(*drawn.figure)}, {.png = png})) {
    report(file.string());
  }
}

ExitStatus inspect(const Options& options) {
  const TrainedModel trained = found_model(options);
  const InspectRequest request = request_of(trained.cell(), options);
  if (!options.out.empty()) check_folder(options.out);
  SequenceModel<float> model = load_model(trained);
  if (!trained.note.empty()) report(trained.note);
  Inspection inspection = inspect_cell(
      {trained.cell(), trained.place + 1, trained.experiment.cells.size()}, model, request);
  inspection.weights = trained.says;
  if (!options.out.empty()) draw(inspection, options.out);
  if (options.format == "json") {
    print(inspection_json(inspection));
  } else if (options.format == "csv") {
    print(to_csv(inspection_table(inspection)));
  } else {
    print(inspection_text(inspection, output_width()));
  }
  return ExitStatus::kDone;
}

}  // namespace

void add_inspect(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "inspect", "Look into a trained model: lambda, half-lives, and what queries read");
  command
      ->add_option("MODEL", options->model,
                   "The folder of a cell, OUT/cells/HASH, or a file of weights (.safetensors)")
      ->required();
  command->add_option("CONFIG", options->config,
                      "For a file of weights: the configuration that it was trained with");
  command
      ->add_option("--set", options->overrides,
                   "Override an option of CONFIG, with its key in full: --set task.length=256")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command
      ->add_option("--weights", options->weights,
                   "Of a cell's folder: best or final; without, the best")
      ->check(CLI::IsMember({"best", "final"}))
      ->type_name("WEIGHTS");
  command
      ->add_option("--variant", options->variant,
                   "Of a file of weights that does not say which cell of CONFIG it is of: the "
                   "cell's label")
      ->type_name("LABEL");
  command->add_option("--seed", options->seed, "The same: the cell's seed")->type_name("S");
  command->add_option("--split", options->split, "Whose examples: train, validation or test")
      ->type_name("SPLIT")
      ->capture_default_str();
  command->add_option("--example", options->example, "Which one is shown, from 0")
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--examples", options->examples,
                   "How many are averaged over; without, 64 or as many as there are")
      ->type_name("N");
  command->add_option("--length", options->length, "At this length; without, at the trained one")
      ->type_name("L");
  command
      ->add_option("--query", options->queries,
                   "Positions whose reading is shown; without, the first and the last scored one")
      ->delimiter(',')
      ->type_name("POSITION,...")
      ->allow_extra_args(false);
  command->add_option("--format", options->format, "text, or csv or json with every number")
      ->check(CLI::IsMember({"text", "csv", "json"}))
      ->type_name("FORMAT")
      ->capture_default_str();
  command
      ->add_option("--out", options->out,
                   "Folder for a picture of lambda (through gnuplot), with its numbers beside it")
      ->type_name("DIR");
  command->callback([options, &action] {
    expect_given(options->model, "MODEL", "the folder of a cell or a file of weights");
    action = [options] { return inspect(*options); };
  });
}

}  // namespace recollect::cli
