#pragma once

#include "models/tape/tape.hpp"

namespace recollect::tape {

/// x with `row` (1, C) added to each of its rows.
template <class S>
Var<S> add_row(Tape<S>& tape, const Var<S>& x, const Var<S>& row);

}  // namespace recollect::tape
