#include "harness/sweep/experiment_file.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/file.hpp"

namespace recollect {
namespace {

std::string first_document(const Experiment& experiment) {
  std::string text = experiment.resolved;
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

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

void write_experiment(const Experiment& experiment, const std::filesystem::path& out) {
  make_folder(out / "cells");
  make_folder(out / "claims");
  make_folder(out / "experiments");
  const Claim claim = claim_experiment(out, experiment.name);
  std::string text = first_document(experiment);
  text += fmt::format("---\nnumerics_version: {}\ncells:\n", kNumericsVersion);
  for (const Cell& cell : experiment.cells) text += fmt::format("- \"{}\"\n", cell.hash());
  write_file_atomically(experiment_path(out, experiment.name), text);
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
