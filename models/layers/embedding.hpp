#pragma once

#include <cstdint>
#include <span>

#include "models/kernels/rows.hpp"
#include "models/parameters.hpp"

namespace recollect {

/// A row of `weight` (V, D) for each token id.
struct Embedding {
  Tensor weight;

  /// x (T, D) is overwritten.
  template <class S>
  void forward(const S* theta, std::span<const std::int32_t> ids, View<S> x) const {
    gather_rows<S>(weight.in(theta), ids, x);
  }

  /// `gradient` is accumulated, in the order of the tokens.
  template <class S>
  void backward(S* gradient, std::span<const std::int32_t> ids, ConstView<S> dx) const {
    add_to_rows<S>(dx, ids, weight.in(gradient));
  }
};

/// A learned vector for each of the first `task.length` positions, added to the embedding.
struct Positions {
  Tensor weight;

  /// @param first  position of the first row of x
  template <class S>
  void forward(const S* theta, View<S> x, Index first) const {
    add(rows(weight.in(theta), first, x.rows()), x);
  }

  template <class S>
  void backward(S* gradient, ConstView<S> dx, Index first) const {
    add(dx, rows(weight.in(gradient), first, dx.rows()));
  }
};

}  // namespace recollect
