#pragma once

#include <string>
#include <vector>

#include "models/registry.hpp"
#include "models/settings.hpp"

namespace recollect {

/// `plain`, then it with every single option away from its default, then a few options together.
/// Taken from the declarations, so that a new option cannot be forgotten: an integer becomes 2 or
/// 3, a choice each of its names.
[[nodiscard]] std::vector<ModelSettings> all_options(const MixerEntry& entry,
                                                     const ModelSettings& plain);

/// "layers=2 width=4 ..."
[[nodiscard]] std::string describe(ModelSettings settings);

}  // namespace recollect
