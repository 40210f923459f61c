#pragma once

#include <cstdint>
#include <span>

#include "models/settings.hpp"
#include "models/tape/tape.hpp"

namespace recollect {

/// What the core of one head reads of n tokens, on the tape.
template <class S>
struct TapeHead {
  tape::Var<S> q;       ///< (n, dk)
  tape::Var<S> k;       ///< (n, dk)
  tape::Var<S> v;       ///< (n, dv)
  tape::Var<S> g;       ///< (n, 1) log of the decay; empty: none
  tape::Var<S> lambda;  ///< (n, L) weights of the levels; empty: every weight is 1, one state
  tape::Var<S> beta;    ///< (n, 1) how much of a key's old value is replaced; additive: empty

  /// Of the tokens first .. first + count - 1; what is empty stays empty.
  [[nodiscard]] TapeHead rows(Index first, Index count) const {
    const auto of = [&](const tape::Var<S>& x) { return x.empty() ? x : x.rows(first, count); };
    return {of(q), of(k), of(v), of(g), of(lambda), of(beta)};
  }
};

/// The additive core in its chunkwise form (models/linear_attention/core.hpp), written as a forward
/// pass alone: the example that the hand-written form is compared with.
/// @param y  (n, dv), overwritten @param chunk  a power of two
template <class S>
void additive_core(tape::Tape<S>& tape, const TapeHead<S>& in, Index chunk,
                   const tape::Output<S>& y);

/// The chunk in which a core that has the chunkwise form alone runs the others: the recurrent one
/// in chunks of one token, the dense one in chunks so long that most sequences are one.
[[nodiscard]] Index chunk_of_form(Form form, Index chunk, std::int64_t tokens) noexcept;

template <class S>
struct WaitingStates;

/// The log-linear delta rule in its chunkwise form, over a segment: every one but the sequence's
/// last is a multiple of the chunk. models/tape_cores/delta_reference.hpp defines the rule.
/// @param states  what earlier segments left; the next one's afterwards
template <class S>
void delta_core(tape::Tape<S>& tape, const TapeHead<S>& in, WaitingStates<S>& states,
                const tape::Output<S>& y);

/// The delta rule at R of T tokens: y (R, dv), overwritten. No state is made. Each query runs back
/// through the chunks, and loses on its way what later keys have replaced:
///   P = lower(q K^T) (I + A)^-1 diag(beta),   y += (M * P) V,   q <- q - P K
/// @param in  q and lambda of the queries, all else of all tokens
/// @param positions  (R) of the queries, ascending; they outlive the tape
template <class S>
void delta_at_queries(tape::Tape<S>& tape, const TapeHead<S>& in,
                      std::span<const std::int32_t> positions, Index chunk,
                      const tape::Output<S>& y);

}  // namespace recollect
