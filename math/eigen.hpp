#pragma once

#include <Eigen/Core>

#include "math/view.hpp"

namespace recollect {

/// A view as Eigen's expressions read and write it: for sources that state a sum plainly (the
/// double twins of the kernels, the tests). Nothing else includes Eigen, which takes seconds to
/// parse. Its sums have an order that depends on the processor, so nothing that decides the bits of
/// a result uses them.
template <class S>
using Matrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class S>
using RowVector = Eigen::Matrix<S, 1, Eigen::Dynamic, Eigen::RowMajor>;
template <class S>
using VectorView = Eigen::Map<RowVector<S>>;
template <class S>
using ConstVectorView = Eigen::Map<const RowVector<S>>;

template <class S>
[[nodiscard]] auto eigen(View<S> m) {
  return Eigen::Map<Matrix<S>, Eigen::Unaligned, Eigen::OuterStride<>>(
      m.data(), m.rows(), m.cols(), Eigen::OuterStride<>(m.stride()));
}
template <class S>
[[nodiscard]] auto eigen(View<const S> m) {
  return Eigen::Map<const Matrix<S>, Eigen::Unaligned, Eigen::OuterStride<>>(
      m.data(), m.rows(), m.cols(), Eigen::OuterStride<>(m.stride()));
}

}  // namespace recollect
