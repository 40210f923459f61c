#pragma once

#include <cstdint>
#include <span>

#include "models/layers/rotary.hpp"
#include "models/tape/tape.hpp"

namespace recollect::tape {

/// x (R, H d) with row r of each head rotated by the angles of positions[r] (RoPE). `rotary` and
/// the positions outlive the tape. Null: x as it is, for a rehearsal of what is taken.
template <class S>
Var<S> rotate(Tape<S>& tape, const Var<S>& x, const Rotary<S>* rotary,
              std::span<const std::int32_t> positions);

}  // namespace recollect::tape
