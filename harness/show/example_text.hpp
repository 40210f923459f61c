#pragma once

#include <cstddef>
#include <string>

#include "harness/show/shown_example.hpp"

namespace recollect {

/// An example for people, in lines of at most `width` columns (40 at least): where it comes from;
/// the ids in rows of a power of two, below each the mark of its kind and, where it is scored, its
/// label; then a column for each scored position, with what rules answer there and its tags.
[[nodiscard]] std::string example_text(const ShownExample& shown, std::size_t width);

}  // namespace recollect
