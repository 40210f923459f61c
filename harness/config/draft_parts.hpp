#pragma once

#include <string>

#include "harness/config/draft.hpp"
#include "harness/config/yaml_tree.hpp"

namespace recollect {

// What a draft trains on and is scored at, where its sections say it together. `combination` is
// what stands behind messages, see Reporter.

/// Of a task of examples whose files are there: as many examples of each split as its file has,
/// unless fewer are asked for. @throws ConfigError where more are, or a mixture or eval.cells
void count_in_files(Draft& draft, const std::string& combination);

/// The components of `train.mixture` and the settings of `eval.cells`, as tasks. Resolves the task,
/// which of a mixture is its longest component.
/// @param root  the configuration
/// @throws ConfigError
void read_parts(Draft& draft, const YamlValue& root, const std::string& combination);

/// The steps that an epoch takes, and of `train.epochs` all of them. @throws ConfigError
void count_steps(Draft& draft, const std::string& combination);

}  // namespace recollect
