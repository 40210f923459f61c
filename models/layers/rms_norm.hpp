#pragma once

#include "models/parameters.hpp"

namespace recollect {

/// Normalisation by the root of the mean square of each row, eps 1e-5 (Zhang and Sennrich, arXiv
/// 1910.07467): nothing is subtracted, nothing is added.
///   y = normal * weight,  normal = x / sqrt(mean of x^2 + eps)
struct RmsNorm {
  Tensor weight;

  /// Fills y, `normal` (T, D) and `inverse` (T), one over the root, which the backward pass reads.
  /// x, normal and y may be the same matrix only in the pair x = normal.
  template <class S>
  void forward(const S* theta, ConstView<S> x, View<S> normal, S* inverse, View<S> y) const;

  /// `gradient` is accumulated; dx is overwritten and may be dy.
  template <class S>
  void backward(const S* theta, S* gradient, ConstView<S> normal, const S* inverse, ConstView<S> dy,
                View<S> dx) const;
};

}  // namespace recollect
