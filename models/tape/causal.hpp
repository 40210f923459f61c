#pragma once

#include "models/tape/tape.hpp"

namespace recollect::tape {

/// What a chunk of n consecutive tokens needs beside products. Columns are (n, 1) and may be
/// columns of another matrix. G is the running sum of the gate g (log of the decay, <= 0) from the
/// chunk's start, so every exponent below is <= 0.

/// sum of x_0 .. x_t
template <class S>
Var<S> cumulative_sum(Tape<S>& tape, const Var<S>& x);

/// exp(G_t + shift), shift (1, 1) or none: the decay from a token before the chunk to token t.
template <class S>
Var<S> decay_since(Tape<S>& tape, const Var<S>& G, const Var<S>& shift = {});
/// exp(G_end - G_t): the decay from token t to the chunk's last.
template <class S>
Var<S> decay_until_end(Tape<S>& tape, const Var<S>& G);

/// The mask of a row times its scores: scores[t,s] exp(G_t - G_s) lambda_t[level(t,s)], s <= t;
/// scores lower (n, n). Without G nothing decays; without lambda every level weighs 1. The chunk
/// begins at a multiple of its length, so levels inside it are those of its own positions.
///
/// Backward, with E = d_scores * scores and without its diagonal: dG_t = (sum of row t of E) - (sum
/// of column t), which loses no digits under strong decay, as d_y . y - dv . v does.
template <class S>
Var<S> weigh(Tape<S>& tape, const Var<S>& scores, const Var<S>& G, const Var<S>& lambda);

/// Column s of l times factor_s; l lower (n, n), factor (n, 1).
template <class S>
Var<S> scale_lower_columns(Tape<S>& tape, const Var<S>& l, const Var<S>& factor);

}  // namespace recollect::tape
