#pragma once

#include <cstdint>
#include <span>

#include "models/parameters.hpp"

namespace recollect {

/// A row of `weight` (V, D) for each token id.
struct Embedding {
  Tensor weight;

  /// x (T, D) is overwritten.
  template <class S>
  void forward(const S* theta, std::span<const std::int32_t> ids, View<S> x) const {
    const auto table = weight.in(theta);
    for (Index t = 0; t < x.rows(); ++t) x.row(t) = table.row(ids[static_cast<std::size_t>(t)]);
  }

  /// `gradient` is accumulated, in the order of the tokens.
  template <class S>
  void backward(S* gradient, std::span<const std::int32_t> ids, ConstView<S> dx) const {
    auto table = weight.in(gradient);
    for (Index t = 0; t < dx.rows(); ++t) table.row(ids[static_cast<std::size_t>(t)]) += dx.row(t);
  }
};

/// A learned vector for each of the first `task.length` positions, added to the embedding.
struct Positions {
  Tensor weight;

  template <class S>
  void forward(const S* theta, View<S> x) const {
    x += weight.in(theta).topRows(x.rows());
  }

  template <class S>
  void backward(S* gradient, ConstView<S> dx) const {
    weight.in(gradient).topRows(dx.rows()) += dx;
  }
};

}  // namespace recollect
