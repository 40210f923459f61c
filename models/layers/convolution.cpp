#include "models/layers/convolution.hpp"

#include <algorithm>
#include <type_traits>

#include "math/eigen.hpp"
#include "models/kernels/simd.hpp"

namespace recollect {

namespace {

template <class S>
void convolve(const ConstView<S>& taps, const ConstView<S>& z, View<S> y) {
  copy(z, y);
  for (Index t = 0; t < z.rows(); ++t) {
    for (Index j = 0; j < std::min(taps.rows(), t + 1); ++j) {
      eigen(y).row(t).array() += eigen(taps).row(j).array() * eigen(z).row(t - j).array();
    }
  }
}

template <class S>
void convolve_backward(const ConstView<S>& taps, const ConstView<S>& z, const ConstView<S>& dy,
                       View<S> dz, View<S> d_taps) {
  copy(dy, dz);
  for (Index t = 0; t < z.rows(); ++t) {
    for (Index j = 0; j < std::min(taps.rows(), t + 1); ++j) {
      eigen(dz).row(t - j).array() += eigen(taps).row(j).array() * eigen(dy).row(t).array();
      eigen(d_taps).row(j).array() += eigen(dy).row(t).array() * eigen(z).row(t - j).array();
    }
  }
}

// The same in single precision, on vectors: sixteen columns at a time, whose taps stay in registers
// for all rows.

using simd::load16;
using simd::multiply_add;
using simd::Sixteen;
using simd::sixteen;
using simd::store16;

constexpr int kTaps = 8;

/// body(first, count), count a constant, for groups of up to kTaps taps.
template <int count = kTaps, class Body>
void for_each_group(Index first, Index taps, Body&& body) {
  if constexpr (count > 1) {
    if (taps - first < count) return for_each_group<count - 1>(first, taps, body);
  }
  body(first, std::integral_constant<int, count>());
  if (first + count < taps) for_each_group(first + count, taps, body);
}

void convolve(const ConstView<float>& taps, const ConstView<float>& z, View<float> y) {
  const Index length = z.rows();
  const Index z_stride = z.stride();
  const Index y_stride = y.stride();
  for_each_group(0, taps.rows(), [&](Index first, auto count) {
    constexpr int kCount = decltype(count)::value;
    simd::for_each_sixteen(z.cols(), [&](Index c, auto part) RECOLLECT_INLINE {
      const float* from = z.data() + c;
      float* to = y.data() + c;
      Sixteen tap[kCount];
      simd::unrolled<kCount>([&](int j) RECOLLECT_INLINE {
        tap[j] = load16(taps.data() + (first + j) * taps.stride() + c, part);
      });
      const auto row = [&](Index t, auto all_seen) RECOLLECT_INLINE {
        Sixteen sum =
            first == 0 ? load16(from + t * z_stride, part) : load16(to + t * y_stride, part);
        simd::unrolled<kCount>([&](int j) RECOLLECT_INLINE {
          const Index before = t - first - j;
          if (!all_seen && before < 0) return;
          sum = multiply_add(tap[j], load16(from + before * z_stride, part), sum);
        });
        store16(sum, to + t * y_stride, part);
      };
      const Index begin = std::min(length, first + kCount - 1);
      for (Index t = 0; t < begin; ++t) row(t, std::false_type());
      for (Index t = begin; t < length; ++t) row(t, std::true_type());
    });
  });
}

void convolve_backward(const ConstView<float>& taps, const ConstView<float>& z,
                       const ConstView<float>& dy, View<float> dz, View<float> d_taps) {
  const Index length = z.rows();
  const Index z_stride = z.stride();
  const Index dy_stride = dy.stride();
  const Index dz_stride = dz.stride();
  for_each_group(0, taps.rows(), [&](Index first, auto count) {
    constexpr int kCount = decltype(count)::value;
    simd::for_each_sixteen(z.cols(), [&](Index c, auto part) RECOLLECT_INLINE {
      const float* input = z.data() + c;
      const float* d_output = dy.data() + c;
      float* d_input = dz.data() + c;
      Sixteen tap[kCount];
      Sixteen d_tap[kCount];
      simd::unrolled<kCount>([&](int j) RECOLLECT_INLINE {
        tap[j] = load16(taps.data() + (first + j) * taps.stride() + c, part);
        d_tap[j] = sixteen(0);
      });
      const auto row = [&](Index t, auto all_inside) RECOLLECT_INLINE {
        const Sixteen here = load16(d_output + t * dy_stride, part);
        Sixteen sum = first == 0 ? here : load16(d_input + t * dz_stride, part);
        simd::unrolled<kCount>([&](int j) RECOLLECT_INLINE {
          const Index before = t - first - j;
          const Index after = t + first + j;
          if (all_inside || before >= 0) {
            d_tap[j] = multiply_add(here, load16(input + before * z_stride, part), d_tap[j]);
          }
          if (all_inside || after < length) {
            sum = multiply_add(tap[j], load16(d_output + after * dy_stride, part), sum);
          }
        });
        store16(sum, d_input + t * dz_stride, part);
      };
      const Index reach = first + kCount - 1;
      const Index begin = std::min(reach, length);
      const Index end = std::max(begin, length - reach);
      for (Index t = 0; t < begin; ++t) row(t, std::false_type());
      for (Index t = begin; t < end; ++t) row(t, std::true_type());
      for (Index t = end; t < length; ++t) row(t, std::false_type());
      simd::unrolled<kCount>([&](int j) RECOLLECT_INLINE {
        float* to = d_taps.data() + (first + j) * d_taps.stride() + c;
        store16(load16(to, part) + d_tap[j], to, part);
      });
    });
  });
}

}  // namespace

template <class S>
void ShortConvolution::forward(const S* theta, ConstView<S> z, View<S> y) const {
  convolve(weight.in(theta), z, y);
}

template <class S>
void ShortConvolution::backward(const S* theta, S* gradient, ConstView<S> z, ConstView<S> dy,
                                View<S> dz) const {
  convolve_backward(weight.in(theta), z, dy, dz, weight.in(gradient));
}

template void ShortConvolution::forward<float>(const float*, ConstView<float>, View<float>) const;
template void ShortConvolution::forward<double>(const double*, ConstView<double>,
                                                View<double>) const;
template void ShortConvolution::backward<float>(const float*, float*, ConstView<float>,
                                                ConstView<float>, View<float>) const;
template void ShortConvolution::backward<double>(const double*, double*, ConstView<double>,
                                                 ConstView<double>, View<double>) const;

}  // namespace recollect
