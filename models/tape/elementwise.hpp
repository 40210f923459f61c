#pragma once

#include "models/tape/tape.hpp"

namespace recollect::tape {

/// What happens to every number on its own. `bias` (1, C), where it is given, is added to every row
/// of x first.

/// a + b
template <class S>
Var<S> sum(Tape<S>& tape, const Var<S>& a, const Var<S>& b);
/// a - b
template <class S>
Var<S> difference(Tape<S>& tape, const Var<S>& a, const Var<S>& b);
/// a b, number by number
template <class S>
Var<S> multiply(Tape<S>& tape, const Var<S>& a, const Var<S>& b);
/// factor x
template <class S>
Var<S> scale(Tape<S>& tape, const Var<S>& x, S factor);
/// e^x
template <class S>
Var<S> exponential(Tape<S>& tape, const Var<S>& x);
/// factor / (1 + e^-x)
template <class S>
Var<S> sigmoid(Tape<S>& tape, const Var<S>& x, S factor = S(1));
/// x / (1 + e^-x)
template <class S>
Var<S> silu(Tape<S>& tape, const Var<S>& x);
/// log(1 + e^(x + bias))
template <class S>
Var<S> softplus(Tape<S>& tape, const Var<S>& x, const Var<S>& bias = {});
/// (x + bias) times the normal distribution function of it
template <class S>
Var<S> gelu(Tape<S>& tape, const Var<S>& x, const Var<S>& bias = {});

/// Column c of x times a factor of its own; factor (1, F), F a divisor of C: column c has factor c
/// % F.
template <class S>
Var<S> scale_columns(Tape<S>& tape, const Var<S>& x, const Var<S>& factor);

}  // namespace recollect::tape
