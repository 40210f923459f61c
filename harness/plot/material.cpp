#include "harness/plot/material.hpp"

#include <algorithm>
#include <utility>

namespace recollect::plot {
namespace {

/// The parts of "a+b".
std::vector<std::string> parts_of(const std::string& name) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  while (at <= name.size()) {
    const std::size_t end = std::min(name.find('+', at), name.size());
    parts.push_back(name.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::vector<std::vector<std::string>> wanted_studies(const std::vector<std::string>& experiments,
                                                     const std::vector<GroupResult>& groups) {
  std::vector<std::vector<std::string>> wanted;
  const auto add_once = [&](const std::vector<std::string>& study) {
    if (std::find(wanted.begin(), wanted.end(), study) == wanted.end()) wanted.push_back(study);
  };
  if (!experiments.empty()) {
    for (const std::string& name : experiments) add_once(parts_of(name));
    return wanted;
  }
  for (const GroupResult& group : groups) add_once({group.experiment});
  return wanted;
}

Styles styles_of(const std::vector<GroupResult>& groups) {
  std::vector<Named> labels;
  for (const GroupResult& group : groups) labels.push_back({group.variant, group.label});
  return Styles(std::move(labels));
}

}  // namespace

Material::Material(ResultSet read, const std::vector<std::string>& experiments)
    : results(std::move(read)), groups(group_cells(results.cells)), styles(styles_of(groups)) {
  for (const std::vector<std::string>& names : wanted_studies(experiments, groups)) {
    studies.push_back(make_study(names, groups, styles));
  }
}

Material read_material(const std::filesystem::path& path,
                       const std::vector<std::string>& experiments, const CellFiles& files) {
  std::vector<std::string> names;
  for (const std::string& name : experiments) {
    for (std::string& part : parts_of(name)) names.push_back(std::move(part));
  }
  Material material(read_result_set(path, names, ExactExamples::kLeaveOut), experiments);
  CellRows rows = read_cell_files(path, material.results.cells, files);
  material.histories = std::move(rows.histories);
  material.slices = std::move(rows.slices);
  return material;
}

}  // namespace recollect::plot
