#pragma once

#include <string>
#include <vector>

#include "harness/config/yaml_tree.hpp"

namespace recollect {

/// Replaces or adds what `--set key=value` names, in order. A key is a top one (seeds), one of a
/// section (task.pairs), a whole section (grid) or a line of the grid (grid.task.pairs); the value
/// is YAML. `task.*` reaches into every task where the grid crosses whole tasks.
/// @returns warnings, of overrides that later ones replace
/// @throws ConfigError that shows the override in place of file and line
[[nodiscard]] std::vector<std::string> apply_overrides(YamlValue& root,
                                                       const std::vector<std::string>& overrides);

/// "; did you mean 'task.pairs'? ..." for a key that is unknown at the top of a configuration.
[[nodiscard]] std::string top_key_hint(const std::string& key);

}  // namespace recollect
