#pragma once

#include <cstdint>

#include "math/view.hpp"

namespace recollect {

/// Of what the random numbers of dropout are made, beside token and column: the same mask whatever
/// runs a step, and again after a stop.
struct DropoutDraw {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;     ///< below 2^32
  std::uint64_t example = 0;  ///< of the batch, below 2^16
};

/// Inverted dropout (Srivastava et al., JMLR 15, 2014) of consecutive tokens' rows x (n, D): a
/// number stays where u >= p, times 1 / (1 - p), and is 0 elsewhere; u uniform in [0, 1), in steps
/// of 2^-32. The gradient passes by the same function.
/// @param p  in [0, 1)
/// @param first  position of the first row
template <class S>
void drop(double p, const DropoutDraw& draw, Index first, View<S> x);

}  // namespace recollect
