#pragma once

#include <algorithm>
#include <cstdint>

#include "models/mixer.hpp"

namespace recollect {

/// Causal softmax attention of one head, y_t = sum_{s<=t} softmax_s(scale q_t . k_s) v_s, in
/// blocks of rows and keys with a running maximum (arXiv 1805.02867, 2205.14135): O(T) memory. q
/// and y hold the rows' tokens (R, d); k and v all tokens (T, d). Plain in double, made of vectors
/// in float (softmax_attention_simd.cpp).
template <class S>
struct SoftmaxAttention {
  static constexpr Index kBlock = 64;  ///< rows at a time, and keys

  /// y and log_sum (R) are overwritten; log_sum[r] is the logarithm of the row's sum of
  /// exponentials.
  static void forward(ConstView<S> q, ConstView<S> k, ConstView<S> v, const Queries& queries,
                      S scale, View<S> y, S* log_sum, Workspace<S>& workspace);

  /// dq (R, d) is overwritten, dk and dv (T, d) are accumulated.
  static void backward(ConstView<S> q, ConstView<S> k, ConstView<S> v, const Queries& queries,
                       S scale, ConstView<S> y, const S* log_sum, ConstView<S> dy, View<S> dq,
                       View<S> dk, View<S> dv, Workspace<S>& workspace);

  /// Numbers that backward() takes for a while.
  [[nodiscard]] static constexpr std::int64_t scratch(std::int64_t queries) noexcept {
    return std::min<std::int64_t>(queries, kBlock) * (2 * kBlock + 1);
  }
};

template <>
void SoftmaxAttention<float>::forward(ConstView<float> q, ConstView<float> k, ConstView<float> v,
                                      const Queries& queries, float scale, View<float> y,
                                      float* log_sum, Workspace<float>& workspace);
template <>
void SoftmaxAttention<float>::backward(ConstView<float> q, ConstView<float> k, ConstView<float> v,
                                       const Queries& queries, float scale, ConstView<float> y,
                                       const float* log_sum, ConstView<float> dy, View<float> dq,
                                       View<float> dk, View<float> dv, Workspace<float>& workspace);

}  // namespace recollect
