#pragma once

#include <bit>

#include "math/fenwick.hpp"
#include "models/linear_attention/chunk_states.hpp"
#include "models/tape/carry.hpp"
#include "models/tape/elementwise.hpp"
#include "models/tape/rows.hpp"
#include "models/tape_cores/core.hpp"

namespace recollect {

/// The states between chunks, on the tape: with levels one for each digit of the number of the
/// chunk (ChunkCounter), else one for all that came before.
template <class S>
struct WaitingStates {
  static constexpr Index kMost = 64;
  ChunkCounter counter;
  Index chunk;     ///< tokens, a power of two
  Index tokens;    ///< of the whole sequence
  Index next = 0;  ///< number of the chunk that comes next
  tape::Var<S> state[kMost] = {};

  /// Announces to a carry what may wait. @param size  of a state (dk, dv)
  static void expect(tape::Carry<S>& carry, const ChunkCounter& counter, Index chunk, Index tokens,
                     Index key_width, Index value_width) {
    carry.expect(key_width, value_width, counter.slots((tokens + chunk - 1) / chunk));
  }
  /// Hands on to the next segment what waits. @param rooms  a state's room for each slot
  void keep(tape::Carry<S>& carry, S* rooms) {
    for (Index slot = 0; slot < kMost; ++slot) {
      if (state[slot].empty()) continue;
      const Index size = state[slot].rows() * state[slot].cols();
      state[slot] = carry.keep(state[slot], rooms == nullptr ? nullptr : rooms + slot * size);
    }
  }

  [[nodiscard]] bool is_last(Index i) const noexcept { return (i + 1) * chunk >= tokens; }

  /// The weight of what waits in `slot`, a column for the chunk's tokens; empty: 1.
  [[nodiscard]] tape::Var<S> weight(const tape::Var<S>& lambda, Index slot) const {
    if (lambda.empty()) return {};
    return lambda.columns(level_column(level_of_slot(chunk, slot), lambda.cols()), 1);
  }
};

// Weights of rows are a column, or empty: 1.

template <class S>
[[nodiscard]] tape::Var<S> product_of_weights(tape::Tape<S>& tape, const tape::Var<S>& a,
                                              const tape::Var<S>& b) {
  if (a.empty() || b.empty()) return a.empty() ? b : a;
  return multiply(tape, a, b);
}

/// diag(weights) x
template <class S>
[[nodiscard]] tape::Var<S> weighted(tape::Tape<S>& tape, const tape::Var<S>& x,
                                    const tape::Var<S>& weights) {
  return weights.empty() ? x : scale_rows(tape, x, weights);
}

}  // namespace recollect
