#pragma once

#include "models/linear_attention/heads.hpp"
#include "models/tape/tape.hpp"

namespace recollect {

/// The additive core of all heads, in its hand-written forms, as one operation: y (R, H dv) from q
/// (R, H dk) and lambda (R, H L; empty: weights of 1) at the queries, k (n, H dk), v (n, H dv) and
/// g (n, H; empty: no decay). Queries that make the core expand (LogLinearHeads::expands) are the
/// caller's to expand. `heads`, the carry and what the queries point to outlive the tape.
template <class S>
struct TapeHeads {
  tape::Var<S> q, k, v, g, lambda;
};
template <class S>
tape::Var<S> log_linear_heads(tape::Tape<S>& tape, const LogLinearHeads<S>& heads,
                              const TapeHeads<S>& in, const Queries& queries,
                              const typename LogLinearHeads<S>::Carry& carry);

}  // namespace recollect
