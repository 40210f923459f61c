#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/config/yaml_tree.hpp"

namespace recollect {

/// One line of `grid:`: an option and the values that it is crossed over.
struct GridAxis {
  std::string key;  ///< in full, "task.pairs"; or "task" for a list of whole task maps
  std::string place;
  std::vector<YamlValue> values;
};

/// For each axis, which of its values.
using GridPoint = std::vector<std::size_t>;

/// Reads a `grid:` section; null gives no axes. Values are not yet checked against the options.
/// @param crossable  every key that a grid may hold
/// @throws ConfigError
[[nodiscard]] std::vector<GridAxis> read_grid(const YamlValue* grid,
                                              const std::vector<std::string>& crossable);

/// Every combination, the first axis outermost; one empty point where there are no axes.
[[nodiscard]] std::vector<GridPoint> cross(const std::vector<GridAxis>& axes);

/// What stands behind messages about a point: " (grid: task.pairs = 8, train.steps = 100)"; ""
/// without axes.
[[nodiscard]] std::string combination_of(const std::vector<GridAxis>& axes, const GridPoint& point);

/// No experiment on one machine, or ten, has more cells.
inline constexpr std::size_t kMaxCells = 100000;

}  // namespace recollect
