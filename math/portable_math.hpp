#pragma once

#include <cstdint>

namespace recollect::portable {

/// Elementary functions from + - * / and sqrt alone, without fused operations, so that data,
/// initial weights and training are the same bytes on every platform and compiler: what the
/// mathematics library gives depends on its version and on the processor. They are for single
/// numbers, while vectors have functions of their own (models/kernels/simd.hpp): speed is modest.
/// NaN gives NaN.

/// Natural logarithm of x > 0. Error below 4 units in the last place; +inf of +inf.
[[nodiscard]] double log(double x) noexcept;

/// Exponential of x. Error below 4 units in the last place; 0 below -708, +inf above 709.
[[nodiscard]] double exp(double x) noexcept;

/// The same, rounded to single precision.
[[nodiscard]] inline float exp(float x) noexcept {
  return static_cast<float>(exp(static_cast<double>(x)));
}

/// x^n by repeated squaring. Error below 2 log2(n) + 2 units in the last place of the result, as
/// long as that is neither subnormal nor infinite.
[[nodiscard]] double power(double x, std::uint64_t n) noexcept;

/// Cosine and sine of 2 pi u for u in [0, 1). Absolute error below 1e-15.
[[nodiscard]] double cos_turn(double u) noexcept;
[[nodiscard]] double sin_turn(double u) noexcept;

}  // namespace recollect::portable
