#pragma once

#include "math/workspace.hpp"
#include "models/layers/linear.hpp"

namespace recollect {

/// Two linear maps without bias around an exact (erf) GELU: y = W2 gelu(W1 x), W1 (rD, D), W2 (D,
/// rD).
struct Mlp {
  Linear in;
  Linear out;

  /// What the forward pass leaves for the backward pass, (T, rD) each.
  template <class S>
  struct Tape {
    View<S> slope;      ///< of gelu at W1 x
    View<S> activated;  ///< gelu(W1 x)
  };

  /// y (T, D) is overwritten.
  template <class S>
  Tape<S> forward(const S* theta, ConstView<S> x, View<S> y, Workspace<S>& workspace) const;

  /// `gradient` is accumulated; dx (T, D) as `write` says.
  template <class S>
  void backward(const S* theta, S* gradient, ConstView<S> x, const Tape<S>& tape, ConstView<S> dy,
                View<S> dx, Write write, Workspace<S>& workspace) const;
};

}  // namespace recollect
