#pragma once

#include <vector>

#include "harness/config/settings.hpp"

namespace recollect {

/// The settings at which a cell looks at examples of a split, and how many: training what it trains
/// on, test what the weights are scored at, validation both and the length that selects. No
/// settings come twice. Online, training counts what its steps draw.
[[nodiscard]] std::vector<TaskPart> split_parts(const Cell& cell, Split split);

}  // namespace recollect
