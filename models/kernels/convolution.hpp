#pragma once

#include "math/view.hpp"

namespace recollect {

/// A depthwise causal convolution, column by column, with k taps (k, C):
///   y_t = sum over j < k of taps_j z_{t-j}, and z_t itself besides where it is residual.
/// z (m + n, C) has m rows before those of y (n, C); what stands before them counts as zero. Plain
/// in double; in float a vector of columns at a time, whose taps stay in registers for all rows.
enum class Residual { kNo, kYes };

/// y is overwritten.
template <class S>
void convolve(ConstView<S> taps, ConstView<S> z, Residual residual, View<S> y);
/// dz (m + n, C) is overwritten, d_taps (k, C) accumulated.
template <class S>
void convolve_backward(ConstView<S> taps, ConstView<S> z, Residual residual, ConstView<S> dy,
                       View<S> dz, View<S> d_taps);

template <>
void convolve<float>(ConstView<float> taps, ConstView<float> z, Residual residual, View<float> y);
template <>
void convolve_backward<float>(ConstView<float> taps, ConstView<float> z, Residual residual,
                              ConstView<float> dy, View<float> dz, View<float> d_taps);

}  // namespace recollect
