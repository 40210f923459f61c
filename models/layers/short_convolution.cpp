#include "models/layers/short_convolution.hpp"

#include <algorithm>

namespace recollect {

template <class S>
void ShortConvolution::forward(const S* theta, ConstView<S> z, View<S> y) const {
  const auto taps = weight.in(theta);
  y = z;
  for (Index t = 0; t < z.rows(); ++t) {
    for (Index j = 0; j < std::min(taps.rows(), t + 1); ++j) {
      y.row(t).array() += taps.row(j).array() * z.row(t - j).array();
    }
  }
}

template <class S>
void ShortConvolution::backward(const S* theta, S* gradient, ConstView<S> z, ConstView<S> dy,
                                View<S> dz) const {
  const auto taps = weight.in(theta);
  auto d_taps = weight.in(gradient);
  dz = dy;
  for (Index t = 0; t < z.rows(); ++t) {
    for (Index j = 0; j < std::min(taps.rows(), t + 1); ++j) {
      dz.row(t - j).array() += taps.row(j).array() * dy.row(t).array();
      d_taps.row(j).array() += dy.row(t).array() * z.row(t - j).array();
    }
  }
}

template void ShortConvolution::forward<float>(const float*, ConstView<float>, View<float>) const;
template void ShortConvolution::forward<double>(const double*, ConstView<double>,
                                                View<double>) const;
template void ShortConvolution::backward<float>(const float*, float*, ConstView<float>,
                                                ConstView<float>, View<float>) const;
template void ShortConvolution::backward<double>(const double*, double*, ConstView<double>,
                                                 ConstView<double>, View<double>) const;

}  // namespace recollect
