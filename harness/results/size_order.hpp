#pragma once

#include <string>

namespace recollect {

/// Whether the value of an option comes before another: numbers by their size, other texts by their
/// letters.
[[nodiscard]] bool in_size_order(const std::string& a, const std::string& b);

}  // namespace recollect
