#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/config/draft.hpp"
#include "harness/config/yaml_tree.hpp"

namespace recollect {

// Which of the options that a configuration gives reach which of its variants.

/// Every option of `model:` and every key of the grid must reach some variant.
/// @param model  the section `model`; null if the configuration has none
/// @throws ConfigError
void check_used(const Plan& plan, const YamlValue* model);

/// True where an earlier point gives the variant the same cells: they differ in options alone that
/// it does not take. By position in the grid, so that a repeated value is not folded away.
[[nodiscard]] bool is_folded(const Plan& plan, std::size_t point, const VariantEntry& variant);

/// A line for each key of the grid that does not reach all variants, with the labels of those.
[[nodiscard]] std::vector<std::string> folded_warnings(const Plan& plan);

}  // namespace recollect
