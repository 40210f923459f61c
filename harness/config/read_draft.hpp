#pragma once

#include <vector>

#include "harness/config/draft.hpp"
#include "harness/config/grid.hpp"
#include "harness/config/pinned_files.hpp"
#include "harness/config/read_field.hpp"
#include "harness/config/yaml_tree.hpp"

namespace recollect {

/// Reads the sections task, model, train and eval for the combinations of a grid. What it is made
/// of, files apart, must outlive it.
class DraftReader {
 public:
  /// @param root    the configuration
  /// @param places  of what stands at its top, and under "" the head of the file
  DraftReader(const YamlValue& root, const PlaceMap& places, const std::vector<GridAxis>& axes,
              PinnedFiles files);

  /// @throws ConfigError; IoError where a file that a section names cannot be read
  [[nodiscard]] Draft read(const GridPoint& point);

 private:
  /// The task section of a combination: the grid's, where it crosses whole tasks.
  [[nodiscard]] const YamlValue& task_section(const GridPoint& point) const;
  /// The pattern of a combination: the grid's, where it crosses patterns; null where none is given.
  [[nodiscard]] const YamlValue* pattern_section(const GridPoint& point) const;
  /// Reads the sections as they stand, then what the grid says of their options.
  void read_sections(Draft& draft, const GridPoint& point) const;

  const YamlValue& root_;
  const PlaceMap& places_;
  const std::vector<GridAxis>& axes_;
  PinnedFiles files_;
};

}  // namespace recollect
