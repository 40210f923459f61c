#pragma once

#include "math/view.hpp"

namespace recollect {

/// What the dense and the chunkwise form do beside matrix products: loops over the weights of a row
/// and over rows. Each is plain in double (chunk_kernels.cpp, the definition) and made of vectors
/// in float (chunk_kernels_simd.cpp).

/// to[i] = exp(shift + sign from[i]), i < count; every exponent <= 0 up to rounding.
template <class S>
void exp_shifted(const S* from, S sign, S shift, Index count, S* to);

/// One row of the mask M[t,s] = decay * lambda[level(t,s)] and what it weighs: weights[s] =
/// scores[s] M[t,s] for s <= t, 0 from there to `end`.
/// @param lambda  (R, L); without columns every weight is 1
/// @param row     of lambda; t: the row's position, counted from where the scores begin, which is a
/// multiple of every block that holds the scores
/// @param decays  exp(g_{s+1} + ... + g_t), s <= t
template <class S>
void weigh_row(ConstView<S> lambda, Index row, Index t, Index end, const S* scores, const S* decays,
               S* weights);

/// The backward pass, which recomputes the weights: d_weights becomes the gradient of the scores, 0
/// from t + 1 to `end`; dlambda (R, L) is accumulated.
template <class S>
void weigh_row_backward(ConstView<S> lambda, Index row, Index t, Index end, const S* scores,
                        const S* decays, S* d_weights, S* weights, View<S> dlambda);

/// The gate's gradient from the weights of one row: dg[u] += sum over s < u of scores[s]
/// d_scores[s], 1 <= u <= t.
template <class S>
void gate_gradient_row(const S* scores, const S* d_scores, Index t, S* dg);

/// to = or += diag(scale) from, (C, d)
template <class S>
void scale_rows(const S* scale, ConstView<S> from, View<S> to, bool accumulate);

/// How a chunk read a state, y_t += scale_t q_t S with scale = decay * lambda[column], backwards:
/// dq += diag(scale) through, scaled = diag(scale) q, dlambda[column] += decay (through . q).
/// Without levels dlambda has no columns and `column` is not used.
/// @param through  (C, d) dy S^T
template <class S>
void read_backward(const S* decay, const S* scale, ConstView<S> q, ConstView<S> through, View<S> dq,
                   View<S> scaled, View<S> dlambda, Index column);

/// to = or += factor * from, `count` numbers one after another.
template <class S>
void scale_numbers(S factor, const S* from, S* to, Index count, bool accumulate);

/// sum of a[i] b[i]
template <class S>
[[nodiscard]] S inner_product(const S* a, const S* b, Index count);

/// By id: a row of scores A times counts N weighs the values. Backwards, d (of that product)
/// becomes the gradient of the counts, weights = A N, and d_scores is accumulated, or written where
/// this is the first to add to it. @returns the sum of N times its gradient
template <class S>
[[nodiscard]] S weigh_counts_backward(const S* scores, const S* counts, Index count, S* d,
                                      S* weights, S* d_scores, bool first);

/// The gradient of the gate inside a chunk, from its end: with `between` = what flows past the end
/// of the chunk, dg_t = between + sum over u >= t of (dy_u . y_u - dv_u . v_u).
template <class S>
void gate_gradient(S between, ConstView<S> dy, ConstView<S> y, ConstView<S> dv, ConstView<S> v,
                   S* dg);

}  // namespace recollect
