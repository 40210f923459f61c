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

using simd::Vector;

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

/// row(t, true or false) for t in begin..end-1: whether inner_begin <= t < inner_end.
template <class Row>
HWY_INLINE void for_each_row(Index begin, Index end, Index inner_begin, Index inner_end,
                             Row&& row) {
  for (Index t = begin; t < inner_begin; ++t) row(t, std::false_type());
  for (Index t = inner_begin; t < inner_end; ++t) row(t, std::true_type());
  for (Index t = inner_end; t < end; ++t) row(t, std::false_type());
}

/// The rows of a matrix from a column on. A copy of its own for every loop: the compiler takes a
/// store of a vector for one to anything that is captured by reference.
template <class Float>
struct Rows {
  Float* data;
  Index stride;
  Rows(const View<Float>& m, Index first, Index column)
      : data(m.data() + first * m.stride() + column), stride(m.stride()) {}
  [[nodiscard]] HWY_INLINE Float* operator[](Index t) const { return data + t * stride; }
};

}  // namespace

template <>
void convolve<float>(ConstView<float> taps, ConstView<float> z, Residual residual, View<float> y) {
  for_each_group(0, taps.rows(), [&](Index first_tap, auto count) {
    constexpr int kCount = decltype(count)::value;
    simd::for_each_vector(z.cols(), [&](Index c, auto part) RECOLLECT_INLINE {
      const Index first = first_tap;
      const Index length = y.rows();
      const Index before_y = z.rows() - length;
      const bool adds = residual == Residual::kYes;
      const Rows<const float> from(z, before_y, c);
      const Rows<float> to(y, 0, c);
      Vector tap[kCount];
      simd::unrolled<kCount>([&](int j) RECOLLECT_INLINE {
        tap[j] = simd::load(taps.data() + (first + j) * taps.stride() + c, part);
      });
      const auto row = [&](Index t, auto all_seen) RECOLLECT_INLINE {
        Vector sum = first > 0 ? simd::load(to[t], part)
                     : adds    ? simd::load(from[t], part)
                               : simd::broadcast(0);
        simd::unrolled<kCount>([&](int j) RECOLLECT_INLINE {
          const Index before = t - first - j;
          if (!all_seen && before < -before_y) return;
          sum = simd::hn::MulAdd(tap[j], simd::load(from[before], part), sum);
        });
        simd::store(sum, to[t], part);
      };
      for_each_row(0, length, std::clamp<Index>(first + kCount - 1 - before_y, 0, length), length,
                   row);
    });
  });
}

template <>
void convolve_backward<float>(ConstView<float> taps, ConstView<float> z, Residual residual,
                              ConstView<float> dy, View<float> dz, View<float> d_taps) {
  for_each_group(0, taps.rows(), [&](Index first_tap, auto count) {
    constexpr int kCount = decltype(count)::value;
    simd::for_each_vector(z.cols(), [&](Index c, auto part) RECOLLECT_INLINE {
      // Rows are counted from y's first: those of z begin at -m.
      const Index first = first_tap;
      const Index length = dy.rows();
      const Index before_y = z.rows() - length;
      const bool adds = residual == Residual::kYes;
      const Rows<const float> input(z, before_y, c);
      const Rows<const float> d_output(dy, 0, c);
      const Rows<float> d_input(dz, before_y, c);
      Vector tap[kCount];
      Vector d_tap[kCount];
      simd::unrolled<kCount>([&](int j) RECOLLECT_INLINE {
        tap[j] = simd::load(taps.data() + (first + j) * taps.stride() + c, part);
        d_tap[j] = simd::broadcast(0);
      });
      const auto row = [&](Index t, auto all_inside) RECOLLECT_INLINE {
        const Vector here =
            all_inside || t >= 0 ? simd::load(d_output[t], part) : simd::broadcast(0);
        Vector sum = first > 0 ? simd::load(d_input[t], part) : adds ? here : simd::broadcast(0);
        simd::unrolled<kCount>([&](int j) RECOLLECT_INLINE {
          const Index before = t - first - j;
          const Index after = t + first + j;
          if (all_inside || (t >= 0 && before >= -before_y)) {
            d_tap[j] = simd::hn::MulAdd(here, simd::load(input[before], part), d_tap[j]);
          }
          if (all_inside || (after >= 0 && after < length)) {
            sum = simd::hn::MulAdd(tap[j], simd::load(d_output[after], part), sum);
          }
        });
        simd::store(sum, d_input[t], part);
      };
      const Index reach = first + kCount - 1;
      const Index begin = std::clamp<Index>(reach - before_y, 0, length);
      for_each_row(-before_y, length, begin, std::max(begin, length - reach), row);
      simd::unrolled<kCount>([&](int j) RECOLLECT_INLINE {
        float* to = d_taps.data() + (first + j) * d_taps.stride() + c;
        simd::store(simd::hn::Add(simd::load(to, part), d_tap[j]), to, part);
      });
    });
  });
}

}  // namespace recollect
