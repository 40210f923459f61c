#pragma once

#include <vector>

#include "math/portable_math.hpp"
#include "math/view.hpp"

namespace recollect {

/// Gated linear attention of one head (arXiv 2312.06635), token by token: the definition that the
/// other forms are held to. On token t every row of the state S (dk, dv) decays at a rate of its
/// own, then the token is written and read:
///
///   S <- diag(exp(g_t)) S + k_t v_t^T,   y_t = S^T q_t
///
/// @param g  (T, dk) <= 0 @param y  (T, dv), overwritten
template <class S>
void gla_reference(ConstView<S> q, ConstView<S> k, ConstView<S> v, ConstView<S> g, View<S> y) {
  const Index key_width = k.cols();
  const Index width = v.cols();
  std::vector<S> numbers(static_cast<std::size_t>(key_width * width), S(0));
  const View<S> state = view(numbers.data(), key_width, width);
  set_zero(y);
  for (Index t = 0; t < k.rows(); ++t) {
    for (Index i = 0; i < key_width; ++i) {
      const S decay = static_cast<S>(portable::exp(static_cast<double>(g(t, i))));
      for (Index j = 0; j < width; ++j) {
        state(i, j) = decay * state(i, j) + k(t, i) * v(t, j);
        y(t, j) += q(t, i) * state(i, j);
      }
    }
  }
}

}  // namespace recollect
