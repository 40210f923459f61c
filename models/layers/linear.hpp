#pragma once

#include "models/layers/products.hpp"
#include "models/parameters.hpp"

namespace recollect {

/// y = x W^T, W (out, in), no bias. A layer is a place in the flat buffers and nothing more:
/// weights and gradients are passed in, so it is shared by all threads.
struct Linear {
  Tensor weight;

  /// y (T, out) is overwritten.
  template <class S>
  void forward(const S* theta, ConstView<S> x, View<S> y) const {
    product_nt<S>(x, weight.in(theta), y);
  }

  /// `gradient` is accumulated; dx (T, in) as `write` says.
  template <class S>
  void backward(const S* theta, S* gradient, ConstView<S> x, ConstView<S> dy, View<S> dx,
                Write write) const {
    product_tn<S>(dy, x, weight.in(gradient), Write::kAccumulate);
    product_nn<S>(dy, weight.in(theta), dx, write);
  }
};

}  // namespace recollect
