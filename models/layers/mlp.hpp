#pragma once

#include <optional>

#include "math/workspace.hpp"
#include "models/layers/linear.hpp"

namespace recollect {

/// Linear maps without bias around an activation, W1 and W3 (rD, D), W2 (D, rD):
///   y = W2 gelu(W1 x), with the exact (erf) GELU
///   y = W2 (silu(W1 x) * W3 x), SwiGLU (Shazeer, arXiv 2002.05202), where there is a gate
struct Mlp {
  Linear in;                   ///< W1
  Linear out;                  ///< W2
  std::optional<Linear> gate;  ///< W3

  /// How many matrices it has. Its forward pass leaves one (T, rD) for each, its backward pass
  /// takes one less.
  [[nodiscard]] Index matrices() const noexcept { return gate ? 3 : 2; }

  /// What the forward pass leaves for the backward pass, (T, rD) each.
  template <class S>
  struct Tape {
    View<S> slope;      ///< of `activated` by W1 x
    View<S> activated;  ///< what W2 reads
    View<S> gated;      ///< slope of `activated` by W3 x: silu(W1 x); without a gate nothing
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
