#include "harness/store/experiment_file.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "harness/config/grid.hpp"
#include "harness/config/yaml_tree.hpp"
#include "harness/store/renamed_options.hpp"

namespace recollect {
namespace {

std::string first_document(const Experiment& experiment) {
  std::string text = experiment.resolved;
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

// The list of cells, which a configuration of a page may make long.
constexpr YamlLimits kListed{.bytes = std::size_t{1} << 22, .values = kMaxCells + 16};

constexpr char kOfTables = 'c';  // before the 16 digits of a hash

}  // namespace

std::string file_stem(const std::string& experiment) {
  std::string stem = experiment;
  std::replace(stem.begin(), stem.end(), '/', '_');
  if (stem.starts_with('.')) stem.front() = '_';
  return stem;
}

std::filesystem::path experiment_path(const std::filesystem::path& out, const std::string& name) {
  return out / "experiments" / (file_stem(name) + ".yaml");
}

Claim claim_experiment(const std::filesystem::path& out, const std::string& name) {
  const std::string stem = file_stem(name);
  Claim claim = Claim::take(out / "claims" / fmt::format("experiment-{}", stem));
  remove_leftovers(out / "experiments", fmt::format("{}.yaml", stem));
  remove_leftovers(out, fmt::format("{}.cells.csv", stem));
  remove_leftovers(out, fmt::format("{}.groups.csv", stem));
  return claim;
}

std::string write_experiment(const Experiment& experiment, const std::filesystem::path& out) {
  make_folder(out / "cells");
  make_folder(out / "claims");
  make_folder(out / "experiments");
  const Claim claim = claim_experiment(out, experiment.name);
  std::string text = first_document(experiment);
  text += fmt::format("---\nnumerics_version: {}\ncells:\n", kNumericsVersion);
  for (const Cell& cell : experiment.cells) text += fmt::format("- \"{}\"\n", cell.hash());
  write_file_atomically(experiment_path(out, experiment.name), text);
  return claim.why_not_exclusive();
}

bool is_cell_hash(std::string_view text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string hash_in_table(std::string_view hash) { return fmt::format("{}{}", kOfTables, hash); }

std::string hash_of_table(std::string_view text) {
  const bool named = text.starts_with(kOfTables) && is_cell_hash(text.substr(1));
  return std::string(text.substr(named ? 1 : 0));
}

ExperimentFile read_experiment(const std::filesystem::path& path) {
  constexpr std::string_view kSeparator = "\n---\n";
  const std::string text = read_file(path, kLargestText, "experiment file");
  const std::size_t cut = text.rfind(kSeparator);
  if (cut == std::string::npos) {
    throw IoError(
        fmt::format("{}: the list of cells is missing; run the experiment again", path.string()));
  }
  ExperimentFile file;
  file.configuration = text.substr(0, cut + 1);
  file.config_hash = hex(hash_text(file.configuration));
  try {
    const YamlValue root = parse_yaml(text.substr(cut + kSeparator.size()), path.string(), kListed);
    const YamlValue* cells = root.find("cells");
    if (cells == nullptr) throw IoError("it is missing");
    for (const YamlValue& cell : cells->items) {
      if (!is_cell_hash(cell.text)) throw IoError(fmt::format("{} names no cell", cell.shown()));
      file.folders.push_back(cell.text);
    }
  } catch (const Error& error) {
    throw IoError(
        fmt::format("{}: the list of cells cannot be read: {}", path.string(), error.what()));
  }
  file.experiment = parse_recorded(file.configuration, path.string(), file.folders);
  if (file.folders.size() != file.experiment.cells.size()) {
    throw IoError(fmt::format("{}: {} cells are listed, but the configuration gives {}",
                              path.string(), file.folders.size(), file.experiment.cells.size()));
  }
  return file;
}

bool holds_other_settings(const std::filesystem::path& file, const Experiment& experiment) {
  try {
    return file_exists(file) &&
           !read_file(file, kLargestText).starts_with(first_document(experiment));
  } catch (const IoError&) {  // whether it can be replaced is for the writing to find out
    return true;
  }
}

}  // namespace recollect
