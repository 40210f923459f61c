#include "harness/inspect/trained_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "harness/config/load.hpp"
#include "harness/store/archive_places.hpp"
#include "harness/store/safetensors.hpp"
#include "harness/train/cell_model.hpp"
#include "models/outside.hpp"

namespace recollect {
namespace {

constexpr const char* kConfig = "config.yaml";

bool is_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

/// What a folder is that holds no cell, and what to give instead.
[[noreturn]] void refuse_folder(const std::filesystem::path& folder) {
  const std::string name = folder.string();
  if (is_folder(folder / "cells")) {
    throw IoError(fmt::format(
        "{0} is a folder of runs, not of one cell; give one of its cells, {0}/cells/HASH", name));
  }
  if (is_archive(folder)) {
    if (!is_folder(folder / "weights")) {
      throw IoError(
          fmt::format("{} is an archive without weights; train its cells again, with "
                      "`recollect run {}`",
                      name, (folder / kConfig).string()));
    }
    throw IoError(fmt::format(
        "{0} is an archive, not a cell; give a file of its weights and its configuration: "
        "{0}/weights/LABEL.safetensors {0}/config.yaml",
        name));
  }
  throw IoError(
      fmt::format("{} holds no {}; give the folder of a cell, OUT/cells/HASH", name, kConfig));
}

[[noreturn]] void miss_weights(const std::filesystem::path& folder,
                               const std::filesystem::path& file) {
  if (file_exists(folder / "without_weights")) {
    throw IoError(fmt::format(
        "{} comes from an archive, which keeps no weights; train the cell, with `recollect run` "
        "into another --out folder and without --reuse",
        folder.string()));
  }
  const bool done = file_exists(folder / "status.yaml");
  throw IoError(fmt::format("{} is not there: {}; `recollect run` makes it", file.string(),
                            done ? "the cell has no such weights" : "the cell is not trained yet"));
}

std::string metadata_of(const Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : printable(found->second);
}

/// "best weights, step 4200, cell c6eeccf09bbeaa82", as far as the file says it.
std::string described(const std::string& what, const Metadata& metadata) {
  std::string text = what;
  const std::string step = metadata_of(metadata, "step");
  const std::string cell = metadata_of(metadata, "cell");
  if (!step.empty()) text += ", step " + step;
  if (!cell.empty()) text += ", cell " + cell;
  return text;
}

bool fits(const Cell& cell, const CellChoice& choice) {
  return (!choice.label || cell.variant.label == *choice.label) &&
         (!choice.seed || cell.seed == *choice.seed);
}

}  // namespace

TrainedModel model_of_folder(const std::filesystem::path& folder, Weights weights) {
  if (!file_exists(folder / kConfig) || is_archive(folder)) refuse_folder(folder);
  TrainedModel trained;
  trained.path = folder / (name_of(weights) + ".safetensors");
  trained.experiment = parse_experiment(read_file(folder / kConfig), (folder / kConfig).string(),
                                        {}, AllowedNames::kAny);
  if (trained.cell().variant.name == kOutside) {
    throw IoError(
        fmt::format("{} is another program's model, of which predictions were scored: "
                    "there are no weights to look into",
                    folder.string()));
  }
  if (!file_exists(trained.path)) miss_weights(folder, trained.path);
  trained.says = described(name_of(weights) + " weights", read_safetensors(trained.path).metadata);
  return trained;
}

TrainedModel model_of_file(const std::filesystem::path& file, Experiment experiment,
                           const CellChoice& choice) {
  const Metadata metadata = read_safetensors(file).metadata;
  const std::string named = metadata_of(metadata, "cell");
  const std::vector<Cell>& cells = experiment.cells;
  const auto is_named = [&](const Cell& cell) { return cell.hash() == named; };
  std::vector<std::size_t> fitting;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (fits(cells[i], choice)) fitting.push_back(i);
  }
  const std::string among = fmt::format("{} of {}", plural(cells.size(), "cell"), experiment.file);
  if (fitting.empty()) {
    std::string wanted;
    if (choice.label) wanted += fmt::format(" variant {}", printable(*choice.label));
    if (choice.seed) wanted += fmt::format(" seed {}", *choice.seed);
    throw ConfigError(fmt::format("none of the {} has{}", among, wanted));
  }
  const auto found = std::find_if(fitting.begin(), fitting.end(),
                                  [&](std::size_t i) { return is_named(cells[i]); });
  TrainedModel trained;
  if (found != fitting.end()) {
    trained.place = *found;
  } else if (fitting.size() == 1) {
    trained.place = fitting.front();
    if (!named.empty()) {
      trained.note = fmt::format("note: {} is of cell {}, which is not this one, {}", file.string(),
                                 named, cells[trained.place].hash());
    }
  } else {
    throw ConfigError(fmt::format(
        "{}: {}; choose one with --variant LABEL and --seed S, or give the configuration that it "
        "was trained with",
        file.string(),
        named.empty() ? fmt::format("does not say which of the {} it is of", among)
                      : fmt::format("is of cell {}, which is none of the {}", named, among)));
  }
  trained.path = file;
  trained.says = described("weights " + file.filename().string(), metadata);
  trained.experiment = std::move(experiment);
  return trained;
}

SequenceModel<float> load_model(const TrainedModel& trained) {
  SequenceModel<float> model = empty_model(trained.cell());
  const std::vector<float> weights = load_weights(trained.path, model.layout());
  for (const ParameterInfo& info : model.layout().all()) {
    const auto tensor = std::span(weights).subspan(static_cast<std::size_t>(info.tensor.offset),
                                                   static_cast<std::size_t>(info.tensor.size()));
    if (std::all_of(tensor.begin(), tensor.end(), [](float w) { return std::isfinite(w); })) {
      continue;
    }
    throw IoError(
        fmt::format("{}: tensor '{}' holds a number that is not finite: there is nothing "
                    "to look at",
                    trained.path.string(), info.name));
  }
  std::copy(weights.begin(), weights.end(), model.parameters().begin());
  return model;
}

}  // namespace recollect
