#pragma once

#include "models/tape/tape.hpp"

namespace recollect::tape {

/// What becomes of each sum.
enum class Activation { kNone, kSilu };

/// Depthwise causal convolution: y_t = f(sum_{j < k} taps_j * z_{t-j}), column by column; z (n, C),
/// taps (k, C), f the activation. `before` (m, C), m < k, are the m rows before z's first; further
/// ones are zero. With silu it is the bits of silu(convolve(...)), without a matrix between the
/// two.
template <class S>
Var<S> convolve(Tape<S>& tape, const Var<S>& z, const Var<S>& taps, const Var<S>& before = {},
                Activation activation = Activation::kNone);

/// The last `count` rows of `before` and then x, fewer where there are fewer: what a convolution
/// over the next segment reads.
template <class S>
Var<S> last_rows(Tape<S>& tape, const Var<S>& x, Index count, const Var<S>& before = {});

}  // namespace recollect::tape
