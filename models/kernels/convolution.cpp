#include "models/kernels/convolution.hpp"

#include <algorithm>
#include <type_traits>

#include "models/kernels/simd.hpp"

namespace recollect {

template <class S>
void convolve(ConstView<S> taps, ConstView<S> z, Residual residual, View<S> y) {
  const Index before = z.rows() - y.rows();
  if (residual == Residual::kYes) {
    copy<const S, S>(rows(View<const S>(z), before, y.rows()), y);
  } else {
    set_zero(y);
  }
  for (Index t = 0; t < y.rows(); ++t) {
    for (Index j = 0; j < std::min(taps.rows(), before + t + 1); ++j) {
      for (Index c = 0; c < y.cols(); ++c) y(t, c) += taps(j, c) * z(before + t - j, c);
    }
  }
}

template <class S>
void convolve_backward(ConstView<S> taps, ConstView<S> z, Residual residual, ConstView<S> dy,
                       View<S> dz, View<S> d_taps) {
  const Index before = z.rows() - dy.rows();
  set_zero(dz);
  if (residual == Residual::kYes) copy<const S, S>(dy, rows(dz, before, dy.rows()));
  for (Index t = 0; t < dy.rows(); ++t) {
    for (Index j = 0; j < std::min(taps.rows(), before + t + 1); ++j) {
      const Index from = before + t - j;
      for (Index c = 0; c < dy.cols(); ++c) {
        dz(from, c) += taps(j, c) * dy(t, c);
        d_taps(j, c) += dy(t, c) * z(from, c);
      }
    }
  }
}

template void convolve<double>(ConstView<double>, ConstView<double>, Residual, View<double>);
template void convolve_backward<double>(ConstView<double>, ConstView<double>, Residual,
                                        ConstView<double>, View<double>, View<double>);

namespace {

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

}  // namespace

template <>
void convolve<float>(ConstView<float> taps, ConstView<float> z, Residual residual, View<float> y) {
  const Index length = y.rows();
  const Index before_y = z.rows() - length;
  const Index z_stride = z.stride();
  const Index y_stride = y.stride();
  const bool adds = residual == Residual::kYes;
  for_each_group(0, taps.rows(), [&](Index first, auto count) {
    constexpr int kCount = decltype(count)::value;
    simd::for_each_sixteen(z.cols(), [&](Index c, auto part) RECOLLECT_INLINE {
      const float* from = z.data() + before_y * z_stride + c;
      float* to = y.data() + c;
      Sixteen tap[kCount];
      simd::unrolled<kCount>([&](int j) RECOLLECT_INLINE {
        tap[j] = load16(taps.data() + (first + j) * taps.stride() + c, part);
      });
      const auto row = [&](Index t, auto all_seen) RECOLLECT_INLINE {
        Sixteen sum = first > 0 ? load16(to + t * y_stride, part)
                      : adds    ? load16(from + t * z_stride, part)
                                : sixteen(0);
        simd::unrolled<kCount>([&](int j) RECOLLECT_INLINE {
          const Index before = t - first - j;
          if (!all_seen && before < -before_y) return;
          sum = multiply_add(tap[j], load16(from + before * z_stride, part), sum);
        });
        store16(sum, to + t * y_stride, part);
      };
      const Index begin = std::clamp<Index>(first + kCount - 1 - before_y, 0, length);
      for (Index t = 0; t < begin; ++t) row(t, std::false_type());
      for (Index t = begin; t < length; ++t) row(t, std::true_type());
    });
  });
}

template <>
void convolve_backward<float>(ConstView<float> taps, ConstView<float> z, Residual residual,
                              ConstView<float> dy, View<float> dz, View<float> d_taps) {
  // Rows are counted from y's first: those of z begin at -m.
  const Index length = dy.rows();
  const Index before_y = z.rows() - length;
  const Index z_stride = z.stride();
  const Index dy_stride = dy.stride();
  const Index dz_stride = dz.stride();
  const bool adds = residual == Residual::kYes;
  for_each_group(0, taps.rows(), [&](Index first, auto count) {
    constexpr int kCount = decltype(count)::value;
    simd::for_each_sixteen(z.cols(), [&](Index c, auto part) RECOLLECT_INLINE {
      const float* input = z.data() + before_y * z_stride + c;
      const float* d_output = dy.data() + c;
      float* d_input = dz.data() + before_y * dz_stride + c;
      Sixteen tap[kCount];
      Sixteen d_tap[kCount];
      simd::unrolled<kCount>([&](int j) RECOLLECT_INLINE {
        tap[j] = load16(taps.data() + (first + j) * taps.stride() + c, part);
        d_tap[j] = sixteen(0);
      });
      const auto row = [&](Index t, auto all_inside) RECOLLECT_INLINE {
        const Sixteen here =
            all_inside || t >= 0 ? load16(d_output + t * dy_stride, part) : sixteen(0);
        Sixteen sum = first > 0 ? load16(d_input + t * dz_stride, part) : adds ? here : sixteen(0);
        simd::unrolled<kCount>([&](int j) RECOLLECT_INLINE {
          const Index before = t - first - j;
          const Index after = t + first + j;
          if (all_inside || (t >= 0 && before >= -before_y)) {
            d_tap[j] = multiply_add(here, load16(input + before * z_stride, part), d_tap[j]);
          }
          if (all_inside || (after >= 0 && after < length)) {
            sum = multiply_add(tap[j], load16(d_output + after * dy_stride, part), sum);
          }
        });
        store16(sum, d_input + t * dz_stride, part);
      };
      const Index reach = first + kCount - 1;
      const Index begin = std::clamp<Index>(reach - before_y, 0, length);
      const Index end = std::max(begin, length - reach);
      for (Index t = -before_y; t < begin; ++t) row(t, std::false_type());
      for (Index t = begin; t < end; ++t) row(t, std::true_type());
      for (Index t = end; t < length; ++t) row(t, std::false_type());
      simd::unrolled<kCount>([&](int j) RECOLLECT_INLINE {
        float* to = d_taps.data() + (first + j) * d_taps.stride() + c;
        store16(load16(to, part) + d_tap[j], to, part);
      });
    });
  });
}

}  // namespace recollect
