#pragma once

#include "math/fenwick.hpp"
#include "math/portable_math.hpp"
#include "models/linear_attention/core.hpp"

namespace recollect {

/// The log-linear core of one head, number by number: the definition that every form is held to
/// (arXiv 2506.04761, section 3; with every lambda 1, gated linear attention, arXiv 2405.21060).
///
///   y_t = sum_{s <= t}  lambda_t[level(t, s)]  exp(g_{s+1} + ... + g_t)  (q_t . k_s)  v_s
///
/// Queries at all tokens: q and k (T, dk), v and y (T, dv), g (T) or null, lambda (T, L) or without
/// columns. O(T^2) operations, no memory.
template <class S>
void log_linear_reference(const CoreInput<S>& in, View<S> y) {
  set_zero(y);
  for (Index t = 0; t < in.k.rows(); ++t) {
    S between = 0;                    // g_{s+1} + ... + g_t, the logarithm of the decay from s to t
    for (Index s = t; s >= 0; --s) {  // from the token itself into the past
      S score = 0;                    // q_t . k_s
      for (Index i = 0; i < in.k.cols(); ++i) score += in.q(t, i) * in.k(s, i);
      S weight = portable::exp(between);
      if (in.has_levels()) weight *= in.lambda(t, level_column(level(t, s), in.lambda.cols()));
      for (Index j = 0; j < in.v.cols(); ++j) y(t, j) += weight * score * in.v(s, j);
      if (in.g != nullptr) between += in.g[s];
    }
  }
}

}  // namespace recollect
