#pragma once

#include <string>
#include <vector>

#include "harness/results/group_result.hpp"

namespace recollect {

/// Grouped rows for a terminal, plain text of at most 100 columns for each experiment: a line a
/// variant, a group of columns a setting, and in it how many seeds solved the task and the test
/// accuracy of the best weights at each length, in per cent. Of several seeds that is the median
/// with the range, "87.2 (76.9-99.1)". Groups that do not fit side by side stand below each other.
[[nodiscard]] std::string summary_text(const std::vector<GroupResult>& groups);

}  // namespace recollect
