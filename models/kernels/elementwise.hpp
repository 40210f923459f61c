#pragma once

#include "math/view.hpp"

namespace recollect {

/// What happens to every number, row or column of a matrix on its own. In double the functions are
/// written down as Eigen expressions; in float they are vectors of our own (models/kernels/simd.hpp
/// has their errors), whatever the shape: rows shorter than a vector are taken several at a time
/// where they lie one after another. Sums are in the order of the rows, or along a row in sixteen
/// partial sums, so bits depend on the shape alone.
///
/// A slope is the derivative at the argument. It shares an exponential with the value and is all
/// that the backward pass reads of it, so the forward pass makes both. x, y and slope (R, C) may be
/// the same matrix in the pair x = slope; `bias` (C) is added to every row of x first, where it is
/// not null.

/// y = log(1 + e^x), without overflow and without losing small results; slope = 1 / (1 + e^-x).
template <class S>
void softplus(const S* bias, ConstView<S> x, View<S> y, View<S> slope);

/// y = x * cdf(x), the exact form with the distribution function of the standard normal; slope =
/// cdf(x) + x * density(x).
template <class S>
void gelu(const S* bias, ConstView<S> x, View<S> y, View<S> slope);

/// y = factor / (1 + e^-x)
template <class S>
void sigmoid(S factor, ConstView<S> x, View<S> y, View<S> slope);

/// y = x / (1 + e^-x) (SiLU), without overflow; slope = s (1 + x (1 - s)), s = 1 / (1 + e^-x).
template <class S>
void silu(ConstView<S> x, View<S> y, View<S> slope);

/// y = softmax of each row of x; y may be x.
template <class S>
void softmax_rows(const S* bias, ConstView<S> x, View<S> y);
/// The gradient dy of y = softmax_rows(x) becomes that of x.
template <class S>
void softmax_rows_backward(ConstView<S> y, View<S> dy);

/// x (R, C) *= factor (R, C), number by number.
template <class S>
void multiply(ConstView<S> factor, View<S> x);
/// y = x * factor, column by column; factor (C). y may be x.
template <class S>
void scale_columns(const S* factor, ConstView<S> x, View<S> y);

/// sums (C) += the sum of the rows of x (R, C).
template <class S>
void add_column_sums(ConstView<S> x, S* sums);
/// sums (C) += the sum of the rows of x * y, number by number.
template <class S>
void add_column_sums_of_products(ConstView<S> x, ConstView<S> y, S* sums);

/// sums (R) += the sum of each row of x (R, C).
template <class S>
void add_row_sums(ConstView<S> x, S* sums);
/// sums (R) += the sum of each row of x * y, number by number.
template <class S>
void add_row_sums_of_products(ConstView<S> x, ConstView<S> y, S* sums);

template <>
void softplus<float>(const float* bias, ConstView<float> x, View<float> y, View<float> slope);
template <>
void gelu<float>(const float* bias, ConstView<float> x, View<float> y, View<float> slope);
template <>
void sigmoid<float>(float factor, ConstView<float> x, View<float> y, View<float> slope);
template <>
void silu<float>(ConstView<float> x, View<float> y, View<float> slope);
template <>
void softmax_rows<float>(const float* bias, ConstView<float> x, View<float> y);
template <>
void softmax_rows_backward<float>(ConstView<float> y, View<float> dy);
template <>
void multiply<float>(ConstView<float> factor, View<float> x);
template <>
void scale_columns<float>(const float* factor, ConstView<float> x, View<float> y);
template <>
void add_column_sums<float>(ConstView<float> x, float* sums);
template <>
void add_column_sums_of_products<float>(ConstView<float> x, ConstView<float> y, float* sums);
template <>
void add_row_sums<float>(ConstView<float> x, float* sums);
template <>
void add_row_sums_of_products<float>(ConstView<float> x, ConstView<float> y, float* sums);

}  // namespace recollect
