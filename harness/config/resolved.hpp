#pragma once

#include <string>

#include "harness/config/draft.hpp"

namespace recollect {

/// The plan as YAML with every default written out. What depends on the grid or on the seed stays
/// out, as a comment, so that the text gives the same cells again.
[[nodiscard]] std::string resolved_yaml(const Plan& plan);

}  // namespace recollect
