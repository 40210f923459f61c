#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/plot/study.hpp"
#include "harness/results/cell_files.hpp"
#include "harness/results/group_result.hpp"
#include "harness/results/result_set.hpp"

namespace recollect::plot {

/// What pictures are made of. Studies point into groups and styles, so it moves and is not copied.
struct Material {
  Material(ResultSet read, const std::vector<std::string>& experiments);
  Material(Material&&) = default;
  Material(const Material&) = delete;
  Material& operator=(const Material&) = delete;

  ResultSet results;
  std::vector<GroupResult> groups;
  Styles styles;
  std::vector<Study> studies;
  Histories histories;
  Slices slices;
};

/// Reads results of these experiments, "a", or "a+b" for one study of both; of each where none is
/// named. @throws IoError as read_result_set()
[[nodiscard]] Material read_material(const std::filesystem::path& path,
                                     const std::vector<std::string>& experiments,
                                     const CellFiles& files);

}  // namespace recollect::plot
