#pragma once

#include <cstdint>
#include <span>

#include "math/eigen.hpp"
#include "math/rng.hpp"

namespace recollect {

/// Standard normal numbers for tests, the same in every run.
template <class S>
void fill_normal(std::uint64_t seed, double scale, std::span<S> numbers) {
  Rng rng(seed, Stream::kInit, 0);
  for (S& number : numbers) number = static_cast<S>(scale * rng.normal());
}

template <class S>
[[nodiscard]] Matrix<S> normal_matrix(std::uint64_t seed, Index rows, Index cols,
                                      double scale = 1.0) {
  Matrix<S> matrix(rows, cols);
  fill_normal<S>(seed, scale, {matrix.data(), static_cast<std::size_t>(matrix.size())});
  return matrix;
}

template <class S>
[[nodiscard]] View<S> view_of(Matrix<S>& m) {
  return view(m.data(), m.rows(), m.cols());
}
template <class S>
[[nodiscard]] ConstView<S> view_of(const Matrix<S>& m) {
  return view(m.data(), m.rows(), m.cols());
}

/// The same, to be read only.
template <class S>
[[nodiscard]] ConstView<S> read_of(const Matrix<S>& m) {
  return view(m.data(), m.rows(), m.cols());
}

}  // namespace recollect
