#pragma once

#include "models/parameters.hpp"

namespace recollect {

/// Layer normalisation over the columns of each row, eps 1e-5 (Ba et al., arXiv 1607.06450):
///   y = normal * weight + bias,  normal = (x - mean) / sqrt(variance + eps)
struct LayerNorm {
  Tensor weight;
  Tensor bias;

  /// Fills y, `normal` (T, D) and `inverse_sd` (T), which the backward pass reads. x, normal and y
  /// may be the same matrix only in the pair x = normal.
  template <class S>
  void forward(const S* theta, ConstView<S> x, View<S> normal, S* inverse_sd, View<S> y) const;

  /// `gradient` is accumulated; dx is overwritten and may be dy.
  template <class S>
  void backward(const S* theta, S* gradient, ConstView<S> normal, const S* inverse_sd,
                ConstView<S> dy, View<S> dx) const;
};

}  // namespace recollect
