#include "models/layers/layer_norm.hpp"

#include <cmath>

namespace recollect {

template <class S>
void LayerNorm::forward(const S* theta, ConstView<S> x, View<S> normal, S* inverse_sd,
                        View<S> y) const {
  const auto scale = weight.row(theta).array();
  const auto shift = bias.row(theta).array();
  for (Index t = 0; t < x.rows(); ++t) {
    const S mean = x.row(t).mean();
    normal.row(t).array() = x.row(t).array() - mean;
    const S variance = normal.row(t).squaredNorm() / static_cast<S>(x.cols());
    inverse_sd[t] = S(1) / std::sqrt(variance + S(1e-5));
    normal.row(t) *= inverse_sd[t];
    y.row(t).array() = normal.row(t).array() * scale + shift;
  }
}

template <class S>
void LayerNorm::backward(const S* theta, S* gradient, ConstView<S> normal, const S* inverse_sd,
                         ConstView<S> dy, View<S> dx) const {
  const auto scale = weight.row(theta).array();
  auto d_scale = weight.row(gradient).array();
  auto d_shift = bias.row(gradient).array();
  const S share = S(1) / static_cast<S>(dy.cols());
  for (Index t = 0; t < dy.rows(); ++t) {
    d_scale += dy.row(t).array() * normal.row(t).array();
    d_shift += dy.row(t).array();
    dx.row(t).array() = dy.row(t).array() * scale;
    const S mean = dx.row(t).sum() * share;
    const S slope = dx.row(t).dot(normal.row(t)) * share;
    dx.row(t).array() = (dx.row(t).array() - mean - normal.row(t).array() * slope) * inverse_sd[t];
  }
}

template void LayerNorm::forward<float>(const float*, ConstView<float>, View<float>, float*,
                                        View<float>) const;
template void LayerNorm::forward<double>(const double*, ConstView<double>, View<double>, double*,
                                         View<double>) const;
template void LayerNorm::backward<float>(const float*, float*, ConstView<float>, const float*,
                                         ConstView<float>, View<float>) const;
template void LayerNorm::backward<double>(const double*, double*, ConstView<double>, const double*,
                                          ConstView<double>, View<double>) const;

}  // namespace recollect
