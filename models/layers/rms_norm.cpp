#include "models/layers/rms_norm.hpp"

#include <algorithm>
#include <cmath>

#include "models/kernels/simd.hpp"

namespace recollect {

namespace {

namespace hn = simd::hn;

template <class S>
void normalise(const S* weight, ConstView<S> x, View<S> normal, S* inverse, View<S> y) {
  for (Index t = 0; t < x.rows(); ++t) {
    S squares = 0;
    for (Index c = 0; c < x.cols(); ++c) squares += x(t, c) * x(t, c);
    inverse[t] = S(1) / std::sqrt(squares / static_cast<S>(x.cols()) + S(1e-5));
    for (Index c = 0; c < x.cols(); ++c) {
      normal(t, c) = x(t, c) * inverse[t];
      y(t, c) = normal(t, c) * weight[c];
    }
  }
}

template <class S>
void normalise_backward(const S* weight, ConstView<S> normal, const S* inverse, ConstView<S> dy,
                        View<S> dx, S* d_weight) {
  for (Index t = 0; t < dy.rows(); ++t) {
    S slope = 0;
    for (Index c = 0; c < dy.cols(); ++c) {
      d_weight[c] += dy(t, c) * normal(t, c);
      dx(t, c) = dy(t, c) * weight[c];
      slope += dx(t, c) * normal(t, c);
    }
    slope /= static_cast<S>(dy.cols());
    for (Index c = 0; c < dy.cols(); ++c) {
      dx(t, c) = (dx(t, c) - normal(t, c) * slope) * inverse[t];
    }
  }
}

// The same in single precision, on vectors. A step is taken for a block of rows before the next
// one, because a row's own steps wait for each other.

using simd::load16;
using simd::Sixteen;
using simd::sixteen;
using simd::store16;

constexpr Index kRowsAtOnce = 16;

void normalise(const float* weight, ConstView<float> x, View<float> normal, float* inverse,
               View<float> y) {
  const Index cols = x.cols();
  const float share = 1.0F / static_cast<float>(cols);
  simd::with_row(cols, [&](auto row) {
    for (Index first = 0; first < x.rows(); first += kRowsAtOnce) {
      const Index last = std::min(first + kRowsAtOnce, x.rows());
      for (Index t = first; t < last; ++t) {
        const float* from = x.data() + t * x.stride();
        Sixteen total = sixteen(0);
        row.for_each(cols, [&](int, Index c, auto part) RECOLLECT_INLINE {
          const Sixteen number = load16(from + c, part);
          total = simd::multiply_add(number, number, total);
        });
        inverse[t] = simd::sum(total) * share;
      }
      simd::for_each_vector(last - first, [&](Index t, auto part) RECOLLECT_INLINE {
        float* at = inverse + first + t;
        const auto square = hn::Add(simd::load(at, part), simd::broadcast(1e-5F));
        simd::store(hn::Div(simd::broadcast(1), hn::Sqrt(square)), at, part);
      });
      for (Index t = first; t < last; ++t) {
        const float* from = x.data() + t * x.stride();
        float* normal_row = normal.data() + t * normal.stride();
        float* y_row = y.data() + t * y.stride();
        const Sixteen scale = sixteen(inverse[t]);
        row.for_each(cols, [&](int, Index c, auto part) RECOLLECT_INLINE {
          const Sixteen n = load16(from + c, part) * scale;
          store16(n, normal_row + c, part);
          store16(n * load16(weight + c, part), y_row + c, part);
        });
      }
    }
  });
}

void normalise_backward(const float* weight, ConstView<float> normal, const float* inverse,
                        ConstView<float> dy, View<float> dx, float* d_weight) {
  const Index cols = dy.cols();
  const float share = 1.0F / static_cast<float>(cols);
  simd::with_row(cols, [&](auto row) {
    constexpr bool kInRegisters = row.kCount > 0;
    Sixteen d_scale[row.kHeld];
    std::fill_n(d_scale, row.kHeld, sixteen(0));
    for (Index first = 0; first < dy.rows(); first += kRowsAtOnce) {
      const Index last = std::min(first + kRowsAtOnce, dy.rows());
      float slopes[kRowsAtOnce];
      for (Index t = first; t < last; ++t) {
        const float* dy_row = dy.data() + t * dy.stride();
        const float* normal_row = normal.data() + t * normal.stride();
        Sixteen along = sixteen(0);
        row.for_each(cols, [&](int i, Index c, auto part) RECOLLECT_INLINE {
          const Sixteen d = load16(dy_row + c, part);
          const Sixteen n = load16(normal_row + c, part);
          along = simd::multiply_add(d * load16(weight + c, part), n, along);
          if (kInRegisters) {
            d_scale[i] = simd::multiply_add(d, n, d_scale[i]);
          } else {
            store16(simd::multiply_add(d, n, load16(d_weight + c, part)), d_weight + c, part);
          }
        });
        slopes[t - first] = simd::sum(along) * share;
      }
      for (Index t = first; t < last; ++t) {
        const float* dy_row = dy.data() + t * dy.stride();
        const float* normal_row = normal.data() + t * normal.stride();
        float* dx_row = dx.data() + t * dx.stride();
        const Sixteen slope = sixteen(-slopes[t - first]);
        const Sixteen scale = sixteen(inverse[t]);
        row.for_each(cols, [&](int, Index c, auto part) RECOLLECT_INLINE {
          const Sixteen n = load16(normal_row + c, part);
          const Sixteen scaled = load16(dy_row + c, part) * load16(weight + c, part);
          store16(simd::multiply_add(n, slope, scaled) * scale, dx_row + c, part);
        });
      }
    }
    if (!kInRegisters) return;
    row.for_each(cols, [&](int i, Index c, auto part) RECOLLECT_INLINE {
      store16(load16(d_weight + c, part) + d_scale[i], d_weight + c, part);
    });
  });
}

}  // namespace

template <class S>
void RmsNorm::forward(const S* theta, ConstView<S> x, View<S> normal, S* inverse, View<S> y) const {
  normalise(theta + weight.offset, x, normal, inverse, y);
}

template <class S>
void RmsNorm::backward(const S* theta, S* gradient, ConstView<S> normal, const S* inverse,
                       ConstView<S> dy, View<S> dx) const {
  normalise_backward(theta + weight.offset, normal, inverse, dy, dx, gradient + weight.offset);
}

template void RmsNorm::forward<float>(const float*, ConstView<float>, View<float>, float*,
                                      View<float>) const;
template void RmsNorm::forward<double>(const double*, ConstView<double>, View<double>, double*,
                                       View<double>) const;
template void RmsNorm::backward<float>(const float*, float*, ConstView<float>, const float*,
                                       ConstView<float>, View<float>) const;
template void RmsNorm::backward<double>(const double*, double*, ConstView<double>, const double*,
                                        ConstView<double>, View<double>) const;

}  // namespace recollect
