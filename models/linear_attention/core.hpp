#pragma once

#include <cstdint>
#include <span>

#include "models/linear_attention/chunk_states.hpp"
#include "models/mixer.hpp"

namespace recollect {

/// The log-linear core of one head (arXiv 2506.04761, section 3):
///
///   y_t = sum_{s<=t} M[t,s] (q_t . k_s) v_s,   M[t,s] = lambda_t[level(t,s)] exp(g_{s+1} + ... +
///   g_t)
///
/// reference.hpp states it token by token. Three forms agree with that: dense (O(T^2)), chunkwise
/// (O(T log T), for training) and recurrent (one token at a time, O(log T) memory). A first layer
/// has a fourth: LogLinearById.
template <class S>
struct CoreInput {
  ConstView<S> q;  ///< (R, dk) at the queries
  ConstView<S> k;  ///< (T, dk), T = tokens of the sequence or of a segment
  ConstView<S> v;  ///< (T, dv)
  const S* g;      ///< (T) log of the decay, <= 0; null: no decay
  /// (R, L) weight of each level at the queries; a level beyond the last one reads the last.
  /// Without columns every weight is 1: gated linear attention, which needs one state only.
  ConstView<S> lambda;
  /// Where q, k and v are tables: (T) the row of each token. Empty: token t's is row t. For the
  /// chunkwise form alone.
  std::span<const std::int32_t> ids = {};

  [[nodiscard]] bool has_levels() const noexcept { return lambda.cols() > 0; }
  [[nodiscard]] Index tokens() const noexcept {
    return ids.empty() ? k.rows() : static_cast<Index>(ids.size());
  }
};

/// Gradients of CoreInput's members; all are overwritten.
template <class S>
struct CoreGradient {
  View<S> dq;       ///< (R, dk)
  View<S> dk;       ///< (T, dk)
  View<S> dv;       ///< (T, dv)
  View<S> dlambda;  ///< (R, L)
  S* dg;            ///< (T); null where there is no decay
};

/// The dense form at any queries: every one looks at its whole prefix. Its memory is O(T) for each
/// block of queries, or for each query with a backward pass. The form for tests, and the fast one
/// where there are few queries.
template <class S>
struct LogLinearDense {
  /// What forward() leaves for backward(), in the workspace; T' = tokens up to the last query.
  struct Tape {
    S* scores;  ///< (R, T') q_t . k_s, s <= t
    S* decays;  ///< (R, T') exp(g_{s+1} + ... + g_t), s <= t
  };
  /// @param backward  whether backward() will follow; else the tape is empty
  static Tape forward(const CoreInput<S>& in, const Queries& queries, bool backward, View<S> y,
                      Workspace<S>& workspace);
  static void backward(const CoreInput<S>& in, const Queries& queries, const Tape& tape,
                       ConstView<S> dy, const CoreGradient<S>& out, Workspace<S>& workspace);
};

/// The chunkwise form, for all tokens: dense inside aligned chunks of `chunk` = 2^c tokens, and one
/// (dk, dv) state for each level between chunks. Any T >= 1; the last chunk may be short.
template <class S>
struct LogLinearChunkwise {
  /// Of (dk, dv) elements each.
  using States = ChunkStates<S>;

  /// What forward() leaves for backward(), in the workspace; n tokens of a segment.
  struct Tape {
    S* scores;      ///< (n, chunk) q_t . k_s inside the chunk, s <= t
    S* decays;      ///< (n, chunk) exp(g_{s+1} + ... + g_t), s <= t
    S* from_start;  ///< (n) g summed from the start of the chunk, g_t included
  };

  /// @param first_chunk  number of the segment's first chunk in the sequence
  static Tape forward(const CoreInput<S>& in, Index first_chunk, const States& states, View<S> y,
                      Workspace<S>& workspace);
  /// @param y  what forward() wrote: with G the running sum of g, dG_t = dy_t . y_t - dv_t . v_t,
  /// and dg is its sum from the end; across chunks that sum is <dS, S> over the states between
  /// them.
  static void backward(const CoreInput<S>& in, Index first_chunk, const States& states,
                       const Tape& tape, ConstView<S> y, ConstView<S> dy,
                       const CoreGradient<S>& out, Workspace<S>& workspace);
};

}  // namespace recollect
