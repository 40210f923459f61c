#pragma once

#include <cstdint>
#include <span>

#include "models/tape/tape.hpp"

namespace recollect::tape {

/// What a few queries need of all T tokens.

/// The mask of linear attention at R queries, one column each, with t the query's position:
///   M[s, r] = lambda_r[level(t, s)] exp(g_{s+1} + ... + g_t) for s <= t, else 0.
/// g (T, 1) is the log of the decay, <= 0; empty: nothing decays. lambda (R, L); empty: every level
/// weighs 1. The exponents are summed from the query on, and their gradients are sums of E = dM * M
/// along s alone, so neither loses digits under strong decay:
///   dg_j = the sum over r with t >= j, and s < j, of E[s, r].
/// @param positions  (R) ascending; they outlive the tape
template <class S>
Var<S> mask_at_queries(Tape<S>& tape, Index tokens, const Var<S>& g, const Var<S>& lambda,
                       std::span<const std::int32_t> positions);

}  // namespace recollect::tape
