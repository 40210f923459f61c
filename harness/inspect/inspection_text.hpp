#pragma once

#include <cstddef>
#include <string>

#include "harness/inspect/inspection.hpp"

namespace recollect {

/// An inspection for people, in lines of at most `width` columns (60 at least): where it comes
/// from; then a block for each head: means by level and kind of token, the input-dependence of
/// lambda in one line, lambda of the example as a map of signs, and what chosen queries read.
[[nodiscard]] std::string inspection_text(const Inspection& inspection, std::size_t width);

}  // namespace recollect
