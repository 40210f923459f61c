#pragma once

#include <vector>

#include "harness/config/allowed_names.hpp"
#include "harness/config/draft.hpp"
#include "harness/config/yaml_tree.hpp"

namespace recollect {

/// Reads `variants:`; null gives every variant of the registry. What the maps of entries hold
/// beside name, label and pattern is not yet looked at.
/// @throws ConfigError
[[nodiscard]] std::vector<VariantEntry> read_variants(const YamlValue* list, AllowedNames names);

}  // namespace recollect
