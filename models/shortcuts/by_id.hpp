#pragma once

#include <cstdint>
#include <span>

#include "models/kernels/products.hpp"
#include "models/linear_attention/chunk_states.hpp"

namespace recollect {

/// The log-linear core of one head (see CoreInput) and its output projection W_o, where every token
/// is one of V ids and an id determines q, k and v: the first layer, without positions or a
/// convolution. With A[a,b] = q_a . k_b and B[b] = W_o v_b, computed once a step,
///
///   W_o y_t = sum_b A[id_t,b] N[t,b] B[b],   N[t,b] = sum of M[t,s] over the s <= t with id b.
///
/// That is exact, and cheaper: a state holds decayed counts of ids, V elements in place of d x d;
/// and a token multiplies one row of scores by B, in place of its chunk, the states and W_o. Ids
/// are numbered in the order in which they first occur in a sequence, so that a row of N ends with
/// the ids that have occurred by then.
template <class S>
struct LogLinearById {
  static constexpr Index kChunk = 16;  ///< a vector of tokens: states are cheap here
  static constexpr Index kBlock = 64;  ///< tokens whose gradients are added to B's at once

  /// What the ids determine.
  struct Table {
    ConstView<S> scores;  ///< (V, V) A
    ConstView<S> values;  ///< (V, D) B
    const S* g;           ///< (V) log of the decay; null: none
    ConstView<S> lambda;  ///< (V, L); without columns every weight is 1
  };
  /// Gradients of Table's members; all are accumulated.
  struct TableGradient {
    View<S> scores;
    View<S> values;
    S* g;
    View<S> lambda;
  };

  /// The ids of a sequence, numbered.
  struct Numbering {
    std::span<const std::int32_t> ids;      ///< (n) distinct, in order of first occurrence
    std::span<const std::int32_t> numbers;  ///< (T) of each token's id
    std::span<const std::int32_t> seen;     ///< (chunks) ids by the end of each; see padded()
    std::span<const std::int32_t> opens;    ///< (n) first token with id i in the last chunk with it
    Index most;  ///< ids that T tokens can have, padded; room is taken for these, whatever they are
    /// The most ids that a token with id i has before it.
    [[nodiscard]] Index met(Index i) const {
      return seen[static_cast<std::size_t>(opens[static_cast<std::size_t>(i)] / kChunk)];
    }
    /// Rounded up to whole vectors: what lies beyond the last id is zero.
    [[nodiscard]] static constexpr Index padded(Index ids) { return (ids + 15) / 16 * 16; }
  };
  [[nodiscard]] static Numbering number(std::span<const std::int32_t> ids, Index vocab,
                                        Workspace<S>& workspace);

  /// One head's share of a sequence; in the workspace. n' = the numbering's `most`.
  struct Sequence {
    Numbering numbering;
    Table table;
    View<S> scores;         ///< (n', n') the rows and columns of A that are read: met(i) of row i
    View<S> values;         ///< (n', D) those of B
    S* values_packed;       ///< for dN; null without a backward pass, as are the next two
    View<S> d_scores;       ///< (n', n')
    View<S> d_values;       ///< (n', D)
    ChunkStates<S> states;  ///< of n' elements
  };
  [[nodiscard]] static Sequence begin(const Numbering& numbering, const Table& table, bool backward,
                                      Workspace<S>& workspace);
  /// Elements that number() and begin() take for H heads, and forward() beside its tape.
  [[nodiscard]] static std::int64_t room(std::int64_t tokens, std::int64_t vocab,
                                         std::int64_t width, std::int64_t heads, bool has_levels,
                                         bool backward) noexcept;
  /// Elements that backward() takes, n' = ids.
  [[nodiscard]] static constexpr std::int64_t backward_room(std::int64_t ids) noexcept {
    return (kBlock + kChunk) * ids + (kChunk + 6) * kChunk;
  }

  /// What forward() leaves for backward(), in the workspace; m tokens of a segment.
  struct Tape {
    S* counts;      ///< (m, n') N
    S* decays;      ///< (m, kChunk) exp(g_{s+1} + ... + g_t) inside the chunk, s <= t
    S* from_start;  ///< (m) g summed from the start of the chunk, g_t included
  };

  /// z (m, D) = or += W_o y. Segments come in order; each but the last is a multiple of kChunk.
  /// @param ids  (m) of the segment; `first` is its first token
  static Tape forward(const Sequence& sequence, Index first, std::span<const std::int32_t> ids,
                      View<S> z, Write write, Workspace<S>& workspace);
  /// From the last segment to the first. Gradients of g and lambda go to the table at once, those
  /// of scores and values are kept with the sequence.
  static void backward(const Sequence& sequence, Index first, std::span<const std::int32_t> ids,
                       const Tape& tape, ConstView<S> dz, TableGradient out,
                       Workspace<S>& workspace);
  /// Adds these to the table's, once the first segment is done.
  static void end(const Sequence& sequence, TableGradient out);
};

}  // namespace recollect
