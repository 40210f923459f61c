#pragma once

#include "models/parameters.hpp"

namespace recollect {

/// Depthwise causal convolution of k taps on top of the identity:
///   y_t = z_t + sum_{j=0..k-1} w_j * z_{t-j},   w (k, D), tokens before the first are zero.
struct ShortConvolution {
  Tensor weight;

  /// y (T, D) is overwritten; it may not be z.
  template <class S>
  void forward(const S* theta, ConstView<S> z, View<S> y) const;

  /// `gradient` is accumulated; dz (T, D) is overwritten and may not be dy.
  template <class S>
  void backward(const S* theta, S* gradient, ConstView<S> z, ConstView<S> dy, View<S> dz) const;
};

}  // namespace recollect
