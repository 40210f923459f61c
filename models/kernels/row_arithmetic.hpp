#pragma once

#include <type_traits>

#include "models/kernels/products.hpp"
#include "models/kernels/simd.hpp"

/// Arithmetic on single rows of n numbers, for sources of models/ that treat every row alike. Plain
/// in double, vectors in float (simd.hpp): bits depend on n alone.
namespace recollect {

/// The sum of a_i b_i.
template <class S>
[[nodiscard]] inline S dot_of_rows(const S* a, const S* b, Index n) {
  if constexpr (std::is_same_v<S, float>) {
    simd::Sixteen total = simd::sixteen(0);
    simd::for_each_sixteen(n, [&](Index i, auto part) RECOLLECT_INLINE {
      total = simd::multiply_add(simd::load16(a + i, part), simd::load16(b + i, part), total);
    });
    return simd::sum(total);
  } else {
    S total = 0;
    for (Index i = 0; i < n; ++i) total += a[i] * b[i];
    return total;
  }
}

inline constexpr Index kDots = 8;

/// dots[r] = the dot_of_rows() of rows r of a and b, r < count <= kDots, which lie a_step and
/// b_step numbers apart: at once they wait less for each other than one by one.
template <class S>
inline void dots_of_rows(const S* a, Index a_step, const S* b, Index b_step, Index count, Index n,
                         S (&dots)[kDots]) {
  if constexpr (std::is_same_v<S, float>) {
    simd::Sixteen totals[kDots];
    simd::unrolled<kDots>([&](int r) RECOLLECT_INLINE {
      totals[r] = simd::sixteen(0);
      if (r >= count) return;
      simd::for_each_sixteen(n, [&](Index i, auto part) RECOLLECT_INLINE {
        totals[r] = simd::multiply_add(simd::load16(a + r * a_step + i, part),
                                       simd::load16(b + r * b_step + i, part), totals[r]);
      });
    });
    simd::sums(totals, dots);
  } else {
    for (Index r = 0; r < count; ++r) dots[r] = dot_of_rows(a + r * a_step, b + r * b_step, n);
  }
}

/// to = or += factor x
template <class S>
inline void scale_row(S factor, const S* x, Index n, S* to, Write write) {
  const bool adds = write == Write::kAccumulate;
  if constexpr (std::is_same_v<S, float>) {
    const simd::Vector by = simd::broadcast(factor);
    if (adds) {
      simd::for_each_vector(n, [&](Index i, auto part) RECOLLECT_INLINE {
        simd::store(simd::hn::MulAdd(by, simd::load(x + i, part), simd::load(to + i, part)), to + i,
                    part);
      });
    } else {
      simd::for_each_vector(n, [&](Index i, auto part) RECOLLECT_INLINE {
        simd::store(simd::hn::Mul(by, simd::load(x + i, part)), to + i, part);
      });
    }
  } else {
    for (Index i = 0; i < n; ++i) to[i] = adds ? to[i] + factor * x[i] : factor * x[i];
  }
}

/// to = or += a b, number by number; to may be a or b.
template <class S>
inline void multiply_rows(const S* a, const S* b, Index n, S* to, Write write) {
  const bool adds = write == Write::kAccumulate;
  if constexpr (std::is_same_v<S, float>) {
    if (adds) {
      simd::for_each_vector(n, [&](Index i, auto part) RECOLLECT_INLINE {
        simd::store(simd::hn::MulAdd(simd::load(a + i, part), simd::load(b + i, part),
                                     simd::load(to + i, part)),
                    to + i, part);
      });
    } else {
      simd::for_each_vector(n, [&](Index i, auto part) RECOLLECT_INLINE {
        simd::store(simd::hn::Mul(simd::load(a + i, part), simd::load(b + i, part)), to + i, part);
      });
    }
  } else {
    for (Index i = 0; i < n; ++i) to[i] = adds ? to[i] + a[i] * b[i] : a[i] * b[i];
  }
}

/// The same for matrices.
template <class S>
inline void multiply_rows(const View<const S>& a, const View<const S>& b, const View<S>& to,
                          Write write) {
  if (a.contiguous() && b.contiguous() && to.contiguous()) {
    multiply_rows(a.data(), b.data(), a.size(), to.data(), write);
    return;
  }
  for (Index r = 0; r < a.rows(); ++r) {
    multiply_rows(a.data() + r * a.stride(), b.data() + r * b.stride(), a.cols(),
                  to.data() + r * to.stride(), write);
  }
}

/// to = or += factor (x - share y)
template <class S>
inline void scale_difference(S factor, const S* x, S share, const S* y, Index n, S* to,
                             Write write) {
  const bool adds = write == Write::kAccumulate;
  if constexpr (std::is_same_v<S, float>) {
    const simd::Vector by = simd::broadcast(factor);
    const simd::Vector part_of_y = simd::broadcast(share);
    simd::for_each_vector(n, [&](Index i, auto part) RECOLLECT_INLINE {
      const simd::Vector left =
          simd::hn::NegMulAdd(part_of_y, simd::load(y + i, part), simd::load(x + i, part));
      simd::store(
          adds ? simd::hn::MulAdd(by, left, simd::load(to + i, part)) : simd::hn::Mul(by, left),
          to + i, part);
    });
  } else {
    for (Index i = 0; i < n; ++i) {
      const S left = factor * (x[i] - share * y[i]);
      to[i] = adds ? to[i] + left : left;
    }
  }
}

}  // namespace recollect
