#pragma once

#include "models/tape/tape.hpp"

namespace recollect::tape {

/// Decay that every channel (column of q and k) has on its own: g (n, dk) <= 0 is its logarithm, of
/// a chunk of n consecutive tokens. Every exponent below is a sum of gates over a stretch that is
/// summed by itself, hence <= 0: nothing overflows, however strong the decay. What it leaves of a
/// number below 1e-30 (in double 1e-290) is 0.

/// The lower triangle (n, n) of sum_i q_ti k_si exp(g_{s+1,i} + ... + g_ti); q, k (n, dk).
///
/// exp(G_t - G_s) is no product of something of t and something of s unless a token m between them
/// splits it, exp(G_t - G_m) exp(G_m - G_s). So the triangle is taken by halves: what the right
/// half of a stretch reads of its left half is one product through the border, and each half is a
/// stretch. Those of kBand tokens are taken pair by pair, where keys decay from token to token.
template <class S>
Var<S> decayed_scores(Tape<S>& tape, const Var<S>& q, const Var<S>& k, const Var<S>& g);

/// Row t of x (n, dk) times exp(g_0 + ... + g_t): what reads a state from before the chunk.
template <class S>
Var<S> channels_since(Tape<S>& tape, const Var<S>& x, const Var<S>& g);

/// Row s of x (n, dk) times exp(g_{s+1} + ... + g_{n-1}): what is left of it at the chunk's end.
template <class S>
Var<S> channels_until_end(Tape<S>& tape, const Var<S>& x, const Var<S>& g);

/// Row i of a state (dk, dv) times exp(g_0i + ... + g_{n-1,i}): the state after the chunk.
template <class S>
Var<S> decay_state(Tape<S>& tape, const Var<S>& state, const Var<S>& g);

}  // namespace recollect::tape
