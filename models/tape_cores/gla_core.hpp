#pragma once

#include "models/tape/tape.hpp"

namespace recollect {

/// What gated linear attention of one head reads of n tokens, on the tape.
template <class S>
struct GlaHead {
  tape::Var<S> q;  ///< (n, dk)
  tape::Var<S> k;  ///< (n, dk)
  tape::Var<S> v;  ///< (n, dv)
  tape::Var<S> g;  ///< (n, dk) log of the decay of each channel
};

/// The state of one head between chunks.
template <class S>
struct GlaState {
  Index chunk;              ///< tokens, a power of two
  Index tokens;             ///< of the whole sequence
  Index seen = 0;           ///< of them
  tape::Var<S> state = {};  ///< (dk, dv); empty before the first chunk's end
};

/// Gated linear attention in its chunkwise form, over a segment: every one but the sequence's last
/// is a multiple of the chunk. models/tape_cores/gla_reference.hpp defines it.
/// @param state  what earlier segments left; the next one's afterwards @param y  (n, dv),
/// overwritten
template <class S>
void gla_core(tape::Tape<S>& tape, const GlaHead<S>& in, GlaState<S>& state,
              const tape::Output<S>& y);

}  // namespace recollect
