#pragma once

#include "math/view.hpp"

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

/// b (n, k) in the order in which product_packed() reads it, for many products with one b: in float
/// b^T, which product_nt() transposes in every call.
template <class S>
void pack(ConstView<S> b, S* packed);
/// Rows of b are packed in blocks of so many: from a multiple of it on, b's packed rows are also
/// those of a matrix that begins there.
inline constexpr Index kPackedRows = 64;
/// Elements that pack() writes.
[[nodiscard]] constexpr Index packed_size(Index n, Index k) noexcept {
  return (n + kPackedRows - 1) / kPackedRows * kPackedRows * k;
}
/// c (m, n) = a (m, k) b^T
template <class S>
void product_packed(ConstView<S> a, const S* packed, View<S> c);

/// The same where the square matrix is lower triangular, as everything causal is. Bands of kBand
/// rows, each cut where the diagonal leaves it, save a good third of the work. What lies right of
/// the diagonal but inside a band (columns up to band_end(row)) is read, and has to be zero; what
/// lies outside the bands is never touched.
inline constexpr Index kBand = 16;

/// Where the band of row t ends in a triangular matrix of n rows.
[[nodiscard]] constexpr Index band_end(Index t, Index n) noexcept {
  const Index end = (t / kBand + 1) * kBand;
  return end < n ? end : n;
}

/// c (n, n) = the lower triangle of a (n, k) b^T; right of the diagonal, a band holds anything.
template <class S>
void product_nt_lower(ConstView<S> a, ConstView<S> b, View<S> c);
/// c (n, m) = or += a b, a lower triangular.
template <class S>
void product_nn_lower(ConstView<S> a, ConstView<S> b, View<S> c, Write write = Write::kOverwrite);
/// c (n, m) = or += a^T b, a lower triangular.
template <class S>
void product_tn_lower(ConstView<S> a, ConstView<S> b, View<S> c, Write write = Write::kOverwrite);

template <>
void product_nn<float>(ConstView<float> a, ConstView<float> b, View<float> c, Write write);
template <>
void product_nt<float>(ConstView<float> a, ConstView<float> b, View<float> c, Write write);
template <>
void product_tn<float>(ConstView<float> a, ConstView<float> b, View<float> c, Write write);
template <>
void pack<float>(ConstView<float> b, float* packed);
template <>
void product_packed<float>(ConstView<float> a, const float* packed, View<float> c);
template <>
void product_nt_lower<float>(ConstView<float> a, ConstView<float> b, View<float> c);
template <>
void product_nn_lower<float>(ConstView<float> a, ConstView<float> b, View<float> c, Write write);
template <>
void product_tn_lower<float>(ConstView<float> a, ConstView<float> b, View<float> c, Write write);

}  // namespace recollect
