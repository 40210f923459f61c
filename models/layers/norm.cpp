#include "models/layers/norm.hpp"

#include <algorithm>
#include <cmath>

#include "math/eigen.hpp"
#include "models/kernels/simd.hpp"

namespace recollect {

namespace {

namespace hn = simd::hn;

template <class S>
void normalise(const S* weight, const S* bias, ConstView<S> x, View<S> normal, S* inverse_sd,
               View<S> y) {
  const ConstVectorView<S> scale(weight, x.cols());
  const ConstVectorView<S> shift(bias, x.cols());
  for (Index t = 0; t < x.rows(); ++t) {
    const S mean = eigen(x).row(t).mean();
    eigen(normal).row(t).array() = eigen(x).row(t).array() - mean;
    const S variance = eigen(normal).row(t).squaredNorm() / static_cast<S>(x.cols());
    inverse_sd[t] = S(1) / std::sqrt(variance + S(1e-5));
    eigen(normal).row(t) *= inverse_sd[t];
    eigen(y).row(t).array() = eigen(normal).row(t).array() * scale.array() + shift.array();
  }
}

template <class S>
void normalise_backward(const S* weight, ConstView<S> normal, const S* inverse_sd, ConstView<S> dy,
                        View<S> dx, S* d_weight, S* d_bias) {
  const ConstVectorView<S> scale(weight, dy.cols());
  VectorView<S> d_scale(d_weight, dy.cols());
  VectorView<S> d_shift(d_bias, dy.cols());
  const S share = S(1) / static_cast<S>(dy.cols());
  for (Index t = 0; t < dy.rows(); ++t) {
    d_scale += eigen(dy).row(t).cwiseProduct(eigen(normal).row(t));
    d_shift += eigen(dy).row(t);
    eigen(dx).row(t) = eigen(dy).row(t).cwiseProduct(scale);
    const S mean = eigen(dx).row(t).sum() * share;
    const S slope = eigen(dx).row(t).dot(eigen(normal).row(t)) * share;
    eigen(dx).row(t).array() =
        (eigen(dx).row(t).array() - mean - eigen(normal).row(t).array() * slope) * inverse_sd[t];
  }
}

// The same in single precision, on vectors. A step is taken for a block of rows before the next
// one, because a row's own steps wait for each other.

using simd::load16;
using simd::Sixteen;
using simd::sixteen;
using simd::store16;

constexpr Index kRowsAtOnce = 16;

void normalise(const float* weight, const float* bias, ConstView<float> x, View<float> normal,
               float* inverse_sd, View<float> y) {
  const Index cols = x.cols();
  const float share = 1.0F / static_cast<float>(cols);
  simd::with_row(cols, [&](auto row) {
    for (Index first = 0; first < x.rows(); first += kRowsAtOnce) {
      const Index last = std::min(first + kRowsAtOnce, x.rows());
      float means[kRowsAtOnce];
      for (Index t = first; t < last; ++t) {
        const float* from = x.data() + t * x.stride();
        Sixteen total = sixteen(0);
        row.for_each(cols, [&](int, Index c, auto part)
                               RECOLLECT_INLINE { total = total + load16(from + c, part); });
        means[t - first] = simd::sum(total) * share;
      }
      for (Index t = first; t < last; ++t) {
        const float* from = x.data() + t * x.stride();
        const Sixteen mean = sixteen(means[t - first]);
        Sixteen total = sixteen(0);
        row.for_each(cols, [&](int, Index c, auto part) RECOLLECT_INLINE {
          const Sixteen away = load16(from + c, part) - mean;
          const Sixteen counted = simd::keep16(away, part, 0);
          total = simd::multiply_add(counted, counted, total);
        });
        inverse_sd[t] = simd::sum(total) * share;
      }
      simd::for_each_vector(last - first, [&](Index t, auto part) RECOLLECT_INLINE {
        float* at = inverse_sd + first + t;
        const auto variance = hn::Add(simd::load(at, part), simd::broadcast(1e-5F));
        simd::store(hn::Div(simd::broadcast(1), hn::Sqrt(variance)), at, part);
      });
      for (Index t = first; t < last; ++t) {
        const float* from = x.data() + t * x.stride();
        float* normal_row = normal.data() + t * normal.stride();
        float* y_row = y.data() + t * y.stride();
        const Sixteen mean = sixteen(means[t - first]);
        const Sixteen scale = sixteen(inverse_sd[t]);
        row.for_each(cols, [&](int, Index c, auto part) RECOLLECT_INLINE {
          const Sixteen n = (load16(from + c, part) - mean) * scale;
          store16(n, normal_row + c, part);
          store16(simd::multiply_add(n, load16(weight + c, part), load16(bias + c, part)),
                  y_row + c, part);
        });
      }
    }
  });
}

void normalise_backward(const float* weight, ConstView<float> normal, const float* inverse_sd,
                        ConstView<float> dy, View<float> dx, float* d_weight, float* d_bias) {
  const Index cols = dy.cols();
  const float share = 1.0F / static_cast<float>(cols);
  simd::with_row(cols, [&](auto row) {
    constexpr bool kInRegisters = row.kCount > 0;
    Sixteen d_scale[row.kHeld];
    Sixteen d_shift[row.kHeld];
    std::fill_n(d_scale, row.kHeld, sixteen(0));
    std::fill_n(d_shift, row.kHeld, sixteen(0));
    for (Index first = 0; first < dy.rows(); first += kRowsAtOnce) {
      const Index last = std::min(first + kRowsAtOnce, dy.rows());
      float means[kRowsAtOnce];
      float slopes[kRowsAtOnce];
      for (Index t = first; t < last; ++t) {
        const float* dy_row = dy.data() + t * dy.stride();
        const float* normal_row = normal.data() + t * normal.stride();
        Sixteen total = sixteen(0);
        Sixteen along = sixteen(0);
        row.for_each(cols, [&](int i, Index c, auto part) RECOLLECT_INLINE {
          const Sixteen d = load16(dy_row + c, part);
          const Sixteen n = load16(normal_row + c, part);
          const Sixteen scaled = d * load16(weight + c, part);
          total = total + scaled;
          along = simd::multiply_add(scaled, n, along);
          if (kInRegisters) {
            d_scale[i] = simd::multiply_add(d, n, d_scale[i]);
            d_shift[i] = d_shift[i] + d;
          } else {
            store16(simd::multiply_add(d, n, load16(d_weight + c, part)), d_weight + c, part);
            store16(load16(d_bias + c, part) + d, d_bias + c, part);
          }
        });
        means[t - first] = simd::sum(total) * share;
        slopes[t - first] = simd::sum(along) * share;
      }
      for (Index t = first; t < last; ++t) {
        const float* dy_row = dy.data() + t * dy.stride();
        const float* normal_row = normal.data() + t * normal.stride();
        float* dx_row = dx.data() + t * dx.stride();
        const Sixteen mean = sixteen(means[t - first]);
        const Sixteen slope = sixteen(-slopes[t - first]);
        const Sixteen scale = sixteen(inverse_sd[t]);
        row.for_each(cols, [&](int, Index c, auto part) RECOLLECT_INLINE {
          const Sixteen n = load16(normal_row + c, part);
          const Sixteen scaled = load16(dy_row + c, part) * load16(weight + c, part);
          store16(simd::multiply_add(n, slope, scaled - mean) * scale, dx_row + c, part);
        });
      }
    }
    if (!kInRegisters) return;
    row.for_each(cols, [&](int i, Index c, auto part) RECOLLECT_INLINE {
      store16(load16(d_weight + c, part) + d_scale[i], d_weight + c, part);
      store16(load16(d_bias + c, part) + d_shift[i], d_bias + c, part);
    });
  });
}

}  // namespace

template <class S>
void LayerNorm::forward(const S* theta, ConstView<S> x, View<S> normal, S* inverse_sd,
                        View<S> y) const {
  normalise(theta + weight.offset, theta + bias.offset, x, normal, inverse_sd, y);
}

template <class S>
void LayerNorm::backward(const S* theta, S* gradient, ConstView<S> normal, const S* inverse_sd,
                         ConstView<S> dy, View<S> dx) const {
  normalise_backward(theta + weight.offset, normal, inverse_sd, dy, dx, gradient + weight.offset,
                     gradient + bias.offset);
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
