#pragma once

#include "core/matrix.hpp"

namespace recollect {

/// Whether a result replaces what is there or is added to it.
enum class Write { kOverwrite, kAccumulate };

/// The three matrix products that the model is made of. They are cut into pieces of at most 256 in
/// every direction, so that Eigen's packing buffers stay on the stack and in cache, whatever T is.

/// c (m, n) = a (m, k) b (k, n)
template <class S>
void product_nn(ConstView<S> a, ConstView<S> b, View<S> c, Write write = Write::kOverwrite);
/// c (m, n) = a (m, k) b^T, b (n, k)
template <class S>
void product_nt(ConstView<S> a, ConstView<S> b, View<S> c, Write write = Write::kOverwrite);
/// c (m, n) = a^T b, a (k, m), b (k, n)
template <class S>
void product_tn(ConstView<S> a, ConstView<S> b, View<S> c, Write write = Write::kOverwrite);

}  // namespace recollect
