#pragma once

#include "math/view.hpp"

namespace recollect {

/// Tokens that layers take at a time: their activations fit into the second-level cache, and are
/// enough for products to run at full speed. A power of two, and more than the longest convolution
/// reaches back.
inline constexpr Index kSegment = 256;

}  // namespace recollect
