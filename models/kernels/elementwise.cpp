#include "models/kernels/elementwise.hpp"

#include <cmath>
#include <numbers>

#include "math/eigen.hpp"

namespace recollect {
namespace {

template <class S>
void write_biased(const S* bias, ConstView<S> x, View<S> to) {
  copy(x, to);
  if (bias != nullptr) eigen(to).rowwise() += ConstVectorView<S>(bias, x.cols());
}

}  // namespace

template <class S>
void softplus(const S* bias, ConstView<S> x, View<S> y, View<S> slope) {
  write_biased<S>(bias, x, slope);
  auto slopes = eigen(slope);
  const auto argument = slopes.array();
  eigen(y).array() = argument.max(S(0)) + (-argument.abs()).exp().log1p();
  slopes.array() = ((-argument).exp() + S(1)).inverse();
}

template <class S>
void gelu(const S* bias, ConstView<S> x, View<S> y, View<S> slope) {
  const auto density = S(std::numbers::inv_sqrtpi / std::numbers::sqrt2);
  write_biased<S>(bias, x, slope);
  for (Index r = 0; r < x.rows(); ++r) {
    for (Index c = 0; c < x.cols(); ++c) {
      const S argument = slope(r, c);
      const S cdf = (std::erf(argument * S(1 / std::numbers::sqrt2)) + S(1)) * S(0.5);
      y(r, c) = argument * cdf;
      slope(r, c) = cdf + argument * density * std::exp(argument * argument * S(-0.5));
    }
  }
}

template <class S>
void silu(ConstView<S> x, View<S> y, View<S> slope) {
  for (Index r = 0; r < x.rows(); ++r) {
    for (Index c = 0; c < x.cols(); ++c) {
      const S argument = x(r, c);
      const S share = S(1) / (S(1) + std::exp(-argument));
      y(r, c) = argument * share;
      slope(r, c) = share * (S(1) + argument * (S(1) - share));
    }
  }
}

template <class S>
void softmax_rows(const S* bias, ConstView<S> x, View<S> y) {
  write_biased<S>(bias, x, y);
  for (Index r = 0; r < x.rows(); ++r) {
    auto values = eigen(y);
    auto row = values.row(r).array();
    row = (row - row.maxCoeff()).exp();
    row /= row.sum();
  }
}

template <class S>
void softmax_rows_backward(ConstView<S> y, View<S> dy) {
  for (Index r = 0; r < y.rows(); ++r) {
    const S mean = eigen(dy).row(r).dot(eigen(y).row(r));
    eigen(dy).row(r).array() = (eigen(dy).row(r).array() - mean) * eigen(y).row(r).array();
  }
}

template <class S>
void multiply(ConstView<S> factor, View<S> x) {
  eigen(x).array() *= eigen(factor).array();
}

template <class S>
void scale_columns(const S* factor, ConstView<S> x, View<S> y) {
  eigen(y) = eigen(x) * ConstVectorView<S>(factor, x.cols()).asDiagonal();
}

template <class S>
void add_column_sums(ConstView<S> x, S* sums) {
  VectorView<S>(sums, x.cols()) += eigen(x).colwise().sum();
}

template <class S>
void add_column_sums_of_products(ConstView<S> x, ConstView<S> y, S* sums) {
  VectorView<S>(sums, x.cols()) += eigen(x).cwiseProduct(eigen(y)).colwise().sum();
}

template <class S>
void add_row_sums(ConstView<S> x, S* sums) {
  VectorView<S>(sums, x.rows()) += eigen(x).rowwise().sum().transpose();
}

template <class S>
void add_row_sums_of_products(ConstView<S> x, ConstView<S> y, S* sums) {
  VectorView<S>(sums, x.rows()) += eigen(x).cwiseProduct(eigen(y)).rowwise().sum().transpose();
}

template void softplus<double>(const double*, ConstView<double>, View<double>, View<double>);
template void gelu<double>(const double*, ConstView<double>, View<double>, View<double>);
template void silu<double>(ConstView<double>, View<double>, View<double>);
template void softmax_rows<double>(const double*, ConstView<double>, View<double>);
template void softmax_rows_backward<double>(ConstView<double>, View<double>);
template void multiply<double>(ConstView<double>, View<double>);
template void scale_columns<double>(const double*, ConstView<double>, View<double>);
template void add_column_sums<double>(ConstView<double>, double*);
template void add_column_sums_of_products<double>(ConstView<double>, ConstView<double>, double*);
template void add_row_sums<double>(ConstView<double>, double*);
template void add_row_sums_of_products<double>(ConstView<double>, ConstView<double>, double*);

}  // namespace recollect
