#pragma once

#include "models/level_weights/level_weights.hpp"
#include "models/tape/tape.hpp"

namespace recollect {

/// lambda (R, H L) of the rows of u (R, D), by a rule that has its own backward pass; empty where
/// it gives every level the weight 1. The rule outlives the tape.
template <class S>
tape::Var<S> level_weights(tape::Tape<S>& tape, const LevelWeights<S>& rule, const S* theta,
                           const tape::Var<S>& u, Index heads);

}  // namespace recollect
