#pragma once

namespace recollect::portable {

/// Elementary functions from + - * / and sqrt alone, without fused operations, so that data and
/// initial weights are the same bytes on every platform and compiler. They are for generating, not
/// for training: a few units in the last place are right, and speed is modest.

/// Natural logarithm of a finite x > 0. Error below 4 units in the last place.
[[nodiscard]] double log(double x) noexcept;

/// Exponential of x in -700..700. Error below 4 units in the last place.
[[nodiscard]] double exp(double x) noexcept;

/// Cosine and sine of 2 pi u for u in [0, 1). Absolute error below 1e-15.
[[nodiscard]] double cos_turn(double u) noexcept;
[[nodiscard]] double sin_turn(double u) noexcept;

}  // namespace recollect::portable
