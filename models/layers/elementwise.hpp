#pragma once

#include <cmath>
#include <numbers>
#include <unsupported/Eigen/SpecialFunctions>

#include "core/matrix.hpp"

namespace recollect {

/// Expressions on Eigen arrays; vectorised for float.

/// log(1 + e^x), without overflow and without losing small results.
template <class Array>
[[nodiscard]] auto softplus(const Array& x) {
  using S = typename Array::Scalar;
  return x.max(S(0)) + (-x.abs()).exp().log1p();
}

/// The slope of softplus: 1 / (1 + e^-x).
template <class Array>
[[nodiscard]] auto sigmoid(const Array& x) {
  using S = typename Array::Scalar;
  return ((-x).exp() + S(1)).inverse();
}

/// The standard normal distribution function; gelu(x) = x * normal_cdf(x), exact (erf) form.
template <class Array>
[[nodiscard]] auto normal_cdf(const Array& x) {
  using S = typename Array::Scalar;
  return ((x * S(1 / std::numbers::sqrt2)).erf() + S(1)) * S(0.5);
}

/// The slope of gelu, given the distribution function of the same x.
template <class Array, class Cdf>
[[nodiscard]] auto gelu_slope(const Array& x, const Cdf& cdf) {
  using S = typename Array::Scalar;
  const auto density = S(std::numbers::inv_sqrtpi / std::numbers::sqrt2);
  return cdf + x * (x.square() * S(-0.5)).exp() * density;
}

}  // namespace recollect
