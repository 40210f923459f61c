#pragma once

#include <cstdint>
#include <span>

#include "models/tape/tape.hpp"

namespace recollect::tape {

/// What happens to every row.

/// Of H heads, each of which has C / H columns of x: row t of head h times factor[t, h], factor (R,
/// H) or, the same for all rows, (1, H).
template <class S>
Var<S> scale_rows(Tape<S>& tape, const Var<S>& x, const Var<S>& factor);

/// Each row of each head divided by its length: x / sqrt(sum x^2 + epsilon); or, `mean`, by the
/// root of its mean square: x / sqrt(sum x^2 / (C / H) + epsilon).
template <class S>
Var<S> normalise_rows(Tape<S>& tape, const Var<S>& x, S epsilon, bool mean, Index heads = 1);

/// Rows index[0], index[1], ... of x, zeros where the index is below 0. The indices outlive the
/// tape.
template <class S>
Var<S> gather(Tape<S>& tape, const Var<S>& x, std::span<const std::int32_t> index);

}  // namespace recollect::tape
