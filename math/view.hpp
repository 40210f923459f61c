#pragma once

#include <Eigen/Core>

namespace recollect {

/// Row-major throughout: row t of an activation is token t. A view may be a column block of a wider
/// matrix (one head's columns), so it carries the distance between its rows.
using Index = Eigen::Index;
template <class S>
using Matrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class S>
using View = Eigen::Map<Matrix<S>, Eigen::Unaligned, Eigen::OuterStride<>>;
template <class S>
using ConstView = Eigen::Map<const Matrix<S>, Eigen::Unaligned, Eigen::OuterStride<>>;
template <class S>
using RowVector = Eigen::Matrix<S, 1, Eigen::Dynamic, Eigen::RowMajor>;
template <class S>
using VectorView = Eigen::Map<RowVector<S>>;
template <class S>
using ConstVectorView = Eigen::Map<const RowVector<S>>;

template <class S>
[[nodiscard]] View<S> view(S* data, Index rows, Index cols) {
  return View<S>(data, rows, cols, Eigen::OuterStride<>(cols));
}
template <class S>
[[nodiscard]] ConstView<S> view(const S* data, Index rows, Index cols) {
  return ConstView<S>(data, rows, cols, Eigen::OuterStride<>(cols));
}
template <class S>
[[nodiscard]] ConstView<S> constant(const View<S>& m) {
  return ConstView<S>(m.data(), m.rows(), m.cols(), Eigen::OuterStride<>(m.outerStride()));
}

/// Columns first .. first + count - 1 of every row.
template <class S>
[[nodiscard]] View<S> columns(const View<S>& m, Index first, Index count) {
  return View<S>(const_cast<S*>(m.data()) + first, m.rows(), count,
                 Eigen::OuterStride<>(m.outerStride()));
}
template <class S>
[[nodiscard]] ConstView<S> columns(const ConstView<S>& m, Index first, Index count) {
  return ConstView<S>(m.data() + first, m.rows(), count, Eigen::OuterStride<>(m.outerStride()));
}

/// Rows first .. first + count - 1.
template <class S>
[[nodiscard]] View<S> rows(const View<S>& m, Index first, Index count) {
  return View<S>(const_cast<S*>(m.data()) + first * m.outerStride(), count, m.cols(),
                 Eigen::OuterStride<>(m.outerStride()));
}
template <class S>
[[nodiscard]] ConstView<S> rows(const ConstView<S>& m, Index first, Index count) {
  return ConstView<S>(m.data() + first * m.outerStride(), count, m.cols(),
                      Eigen::OuterStride<>(m.outerStride()));
}

}  // namespace recollect
