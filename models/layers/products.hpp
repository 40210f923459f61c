#pragma once

#include "core/matrix.hpp"

namespace recollect {

/// Whether a result replaces what is there or is added to it.
enum class Write { kOverwrite, kAccumulate };

/// The three matrix products that the model is made of. In double they are Eigen's, cut into pieces
/// of at most 256 in every direction, so that its packing buffers stay on the stack, whatever T is.
/// In float they are kernels of our own (products_simd.cpp).

/// c (m, n) = a (m, k) b (k, n)
template <class S>
void product_nn(ConstView<S> a, ConstView<S> b, View<S> c, Write write = Write::kOverwrite);
/// c (m, n) = a (m, k) b^T, b (n, k)
template <class S>
void product_nt(ConstView<S> a, ConstView<S> b, View<S> c, Write write = Write::kOverwrite);
/// c (m, n) = a^T b, a (k, m), b (k, n)
template <class S>
void product_tn(ConstView<S> a, ConstView<S> b, View<S> c, Write write = Write::kOverwrite);

template <>
void product_nn<float>(ConstView<float> a, ConstView<float> b, View<float> c, Write write);
template <>
void product_nt<float>(ConstView<float> a, ConstView<float> b, View<float> c, Write write);
template <>
void product_tn<float>(ConstView<float> a, ConstView<float> b, View<float> c, Write write);

}  // namespace recollect
