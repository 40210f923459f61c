#pragma once

#include <cstdint>
#include <string>

#include "harness/config/settings.hpp"

namespace recollect::cli {

// Which example of a cell is looked at: what `show` and `inspect` share.

/// The value of --split. @throws UsageError
[[nodiscard]] Split split_named(const std::string& name);

/// @throws UsageError where the split of the cell has no such example
void expect_example(const Cell& cell, Split split, std::int64_t example);

}  // namespace recollect::cli
