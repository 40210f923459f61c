#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "tests/support/random_numbers.hpp"

namespace recollect {

/// A matrix in float and the same numbers in double, so that a fast function can be compared with
/// its plain double instantiation. The rows of the one in float are adjacent or `gap` numbers
/// apart; what lies between them is NaN, in order to notice whoever reads it, and must stay.
class FloatPair {
 public:
  FloatPair(std::uint64_t seed, Index rows, Index cols, Index gap, double scale = 2.0)
      : cols_(cols),
        store_(rows, cols + gap),
        exact_(normal_matrix<double>(seed, rows, cols, scale)) {
    store_.setConstant(std::numeric_limits<float>::quiet_NaN());
    store_.leftCols(cols) = exact_.cast<float>();
    exact_ = store_.leftCols(cols).cast<double>();
  }
  [[nodiscard]] ConstView<float> read() const { return columns(read_of(store_), 0, cols_); }
  [[nodiscard]] View<float> write() { return columns(view_of(store_), 0, cols_); }
  [[nodiscard]] ConstView<double> read_exact() const { return read_of(exact_); }
  [[nodiscard]] View<double> write_exact() { return view_of(exact_); }

  void check(double tolerance) const {
    const double error = (eigen(read()).cast<double>() - exact_).cwiseAbs().maxCoeff();
    CHECK(error <= tolerance);
    CHECK(std::isfinite(eigen(read()).sum()));
    CHECK(store_.rightCols(store_.cols() - cols_).array().isNaN().all());
  }

 private:
  Index cols_;
  Matrix<float> store_;
  Matrix<double> exact_;
};

}  // namespace recollect
