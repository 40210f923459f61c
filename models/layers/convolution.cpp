#include "models/layers/convolution.hpp"

#include "models/kernels/convolution.hpp"

namespace recollect {

template <class S>
void ShortConvolution::forward(const S* theta, ConstView<S> z, View<S> y) const {
  convolve<S>(weight.in(theta), z, Residual::kYes, y);
}

template <class S>
void ShortConvolution::backward(const S* theta, S* gradient, ConstView<S> z, ConstView<S> dy,
                                View<S> dz) const {
  convolve_backward<S>(weight.in(theta), z, Residual::kYes, dy, dz, weight.in(gradient));
}

template void ShortConvolution::forward<float>(const float*, ConstView<float>, View<float>) const;
template void ShortConvolution::backward<float>(const float*, float*, ConstView<float>,
                                                ConstView<float>, View<float>) const;
template void ShortConvolution::forward<double>(const double*, ConstView<double>,
                                                View<double>) const;
template void ShortConvolution::backward<double>(const double*, double*, ConstView<double>,
                                                 ConstView<double>, View<double>) const;

}  // namespace recollect
