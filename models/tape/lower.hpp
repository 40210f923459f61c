#pragma once

#include "models/kernels/products.hpp"

namespace recollect::tape {

/// Plain functions on lower triangular matrices in bands (models/tape/products.hpp), each (n, n).

/// Zero right of the diagonal, inside the bands.
template <class S>
void clear_corners(View<S> m);

/// c = or += the lower triangle of a b^T; a, b (n, k).
template <class S>
void lower_of_nt(ConstView<S> a, ConstView<S> b, View<S> c, Write write);

/// c = or += a b, all three lower: n^3 / 6 multiply-adds.
template <class S>
void lower_of_lowers(ConstView<S> a, ConstView<S> b, View<S> c, Write write);
/// c = or += the lower triangle of a b^T, a and b lower.
template <class S>
void lower_of_lowers_nt(ConstView<S> a, ConstView<S> b, View<S> c, Write write);
/// c = or += the lower triangle of a^T b, a and b lower.
template <class S>
void lower_of_lowers_tn(ConstView<S> a, ConstView<S> b, View<S> c, Write write);

/// x = (I + strictly lower part of a)^-1. By halves: with the blocks of a lower matrix,
///   [X11 0; X21 X22],  X21 = -X22 A21 X11,
/// and by substitution in blocks of at most kBand rows. `room` (n, n) is scratch.
template <class S>
void invert_unit_lower(ConstView<S> a, View<S> x, View<S> room);

}  // namespace recollect::tape
