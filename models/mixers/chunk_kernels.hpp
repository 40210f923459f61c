#pragma once

#include "core/matrix.hpp"

namespace recollect {

/// What the chunkwise form does beside matrix products: loops over the rows of one chunk. Each is
/// plain in double (chunk_kernels.cpp, the definition) and made of vectors in float
/// (chunk_kernels_simd.cpp). C = tokens of the chunk; a (C, C) matrix is lower triangular in bands
/// (layers/products.hpp).

/// to[i] = exp(shift + sign from[i]), i < count; every exponent <= 0 up to rounding.
template <class S>
void exp_shifted(const S* from, S sign, S shift, Index count, S* to);

/// The mask inside a chunk, M[t,s] = decay * lambda of the level, and what it weighs.
template <class S>
struct ChunkInside {
  ConstView<S> lambda;  ///< (C, L); without columns every weight is 1
  ConstView<S> scores;  ///< (C, C) q_t . k_s
  View<S> decays;       ///< (C, C) exp(from_start[t] - from_start[s]) for s <= t
};

/// Fills decays and weights = scores * M, with zeros from the diagonal to the end of the band.
/// @param from_start  (C) sums of g; null: no decay
template <class S>
void inside_forward(const ChunkInside<S>& in, const S* from_start, View<S> weights);

/// weights = scores * M again; d_weights, their gradient, becomes that of the scores; both with
/// zeros from the diagonal to the end of the band. dlambda (C, L) is accumulated.
template <class S>
void inside_backward(const ChunkInside<S>& in, View<S> d_weights, View<S> weights, View<S> dlambda);

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

/// The gradient of the gate inside a chunk, from its end: with `between` = what flows past the end
/// of the chunk, dg_t = between + sum over u >= t of (dy_u . y_u - dv_u . v_u).
template <class S>
void gate_gradient(S between, ConstView<S> dy, ConstView<S> y, ConstView<S> dv, ConstView<S> v,
                   S* dg);

}  // namespace recollect
