#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "models/mixer.hpp"

namespace recollect {

/// Which tokens the rows of k and v are, and how many of them a token sees.
struct VisibleKeys {
  Index first = 0;   ///< position of the token in row 0
  Index window = 0;  ///< a token sees so many, itself the last; 0: all up to itself

  /// The first position that the token at t sees.
  [[nodiscard]] Index from(Index t) const noexcept {
    return window == 0 ? first : std::max(first, t - window + 1);
  }
  /// The first position after s whose token does not see s any more.
  [[nodiscard]] Index until(Index s) const noexcept {
    return window == 0 ? std::numeric_limits<Index>::max() : s + window;
  }
};

/// Causal softmax attention of one head, y_t = sum_{s<=t} softmax_s(scale q_t . k_s) v_s over the
/// keys that t sees, in blocks of rows and keys with a running maximum (arXiv 1805.02867,
/// 2205.14135): O(T) memory, and with a window O(T window) time. q and y hold the rows' tokens (R,
/// dk), (R, dv); k and v the tokens (T, dk), (T, dv). Plain in double, made of vectors in float
/// (softmax_attention_simd.cpp).
template <class S>
struct SoftmaxAttention {
  static constexpr Index kBlock = 64;  ///< rows at a time, and keys

  /// y and log_sum (R) are overwritten; log_sum[r] is the logarithm of the row's sum of
  /// exponentials.
  static void forward(ConstView<S> q, ConstView<S> k, ConstView<S> v, const Queries& queries,
                      S scale, View<S> y, S* log_sum, Workspace<S>& workspace,
                      const VisibleKeys& visible = {});

  /// dq (R, dk) is overwritten, dk (T, dk) and dv (T, dv) are accumulated.
  static void backward(ConstView<S> q, ConstView<S> k, ConstView<S> v, const Queries& queries,
                       S scale, ConstView<S> y, const S* log_sum, ConstView<S> dy, View<S> dq,
                       View<S> dk, View<S> dv, Workspace<S>& workspace,
                       const VisibleKeys& visible = {});

  /// Numbers that backward() takes for a while.
  [[nodiscard]] static constexpr std::int64_t scratch(std::int64_t queries) noexcept {
    return std::min<std::int64_t>(queries, kBlock) * (2 * kBlock + 1);
  }
};

template <>
void SoftmaxAttention<float>::forward(ConstView<float> q, ConstView<float> k, ConstView<float> v,
                                      const Queries& queries, float scale, View<float> y,
                                      float* log_sum, Workspace<float>& workspace,
                                      const VisibleKeys& visible);
template <>
void SoftmaxAttention<float>::backward(ConstView<float> q, ConstView<float> k, ConstView<float> v,
                                       const Queries& queries, float scale, ConstView<float> y,
                                       const float* log_sum, ConstView<float> dy, View<float> dq,
                                       View<float> dk, View<float> dv, Workspace<float>& workspace,
                                       const VisibleKeys& visible);

}  // namespace recollect
