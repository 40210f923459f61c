#include "models/tape/lower.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

#include "models/kernels/simd.hpp"

namespace recollect::tape {
namespace {

template <class T>
View<T> block(View<T> m, Index row, Index rows, Index col, Index cols) {
  return {m.data() + row * m.stride() + col, rows, cols, m.stride()};
}

/// body(first, count) for each band of a matrix of n rows.
template <class Body>
void for_each_band(Index n, const Body& body) {
  for (Index first = 0; first < n; first += kBand) body(first, std::min(kBand, n - first));
}

/// product(rest of a, columns of b, columns of c) for each band of columns: above it b and c are
/// zero, and a is what lies below and right of there.
template <class S, class Product>
void by_columns(ConstView<S> a, ConstView<S> b, View<S> c, const Product& product) {
  const Index n = a.rows();
  for_each_band(n, [&](Index first, Index count) {
    const Index rest = n - first;
    product(block<const S>(a, first, rest, first, rest),
            block<const S>(b, first, rest, first, count), block<S>(c, first, rest, first, count));
  });
}

/// The blocks of kBand rows on the diagonal of x = (I + strictly lower part of a)^-1, which are the
/// inverses of those of I + a, row by row: x_t = e_t - sum_{s<t} a_ts x_s.
template <class S>
void invert_diagonal(const View<const S>& a, const View<S>& x) {
  for_each_band(a.rows(), [&](Index first, Index count) {
    for (Index t = first; t < first + count; ++t) {
      std::fill_n(x.data() + t * x.stride() + first, count, S(0));
      x(t, t) = S(1);
      for (Index s = first; s < t; ++s) {
        const S factor = -a(t, s);
        for (Index c = first; c <= s; ++c) x(t, c) += factor * x(s, c);
      }
    }
  });
}

/// `count` blocks of `rows` rows from row `first` on: a row's sums wait for each other, the blocks
/// do not. Products and sums are rounded one after the other, as above, and what stands right of a
/// row's diagonal stays zero, were a factor infinite.
template <int count, class Part>
void invert_blocks(const View<const float>& a, const View<float>& x, Index first, Index rows,
                   Part part) {
  static_assert(kBand == 16);
  static constexpr auto kOne = [] {  // from 15 - t on, row t of the identity
    std::array<float, 2 * kBand - 1> row{};
    row[kBand - 1] = 1.0F;
    return row;
  }();
  const auto multiplied = [](simd::Vector u, simd::Vector v)
                              RECOLLECT_INLINE { return simd::hn::Mul(u, v); };
  const Index a_step = a.stride();
  const Index x_step = x.stride();
  const float* from = a.data() + first * (a_step + 1);
  float* to = x.data() + first * (x_step + 1);
  for (Index t = 0; t < rows; ++t) {
    simd::Sixteen row[count];
    simd::unrolled<count>([&](int i) RECOLLECT_INLINE { row[i] = simd::sixteen(0); });
    for (Index s = 0; s < t; ++s) {
      const simd::First seen{s + 1};
      simd::unrolled<count>([&](int i) RECOLLECT_INLINE {
        const Index block = i * kBand;
        const simd::Sixteen factor = simd::sixteen(-from[(block + t) * a_step + block + s]);
        const simd::Sixteen before = simd::load16(to + (block + s) * x_step + block, part);
        row[i] = row[i] + simd::keep16(simd::map(multiplied, factor, before), seen, 0);
      });
    }
    const simd::Sixteen one = simd::load16(kOne.data() + (kBand - 1 - t), simd::Whole());
    simd::unrolled<count>([&](int i) RECOLLECT_INLINE {
      const Index block = i * kBand;
      simd::store16(row[i] + one, to + (block + t) * x_step + block, part);
    });
  }
}

template <>
void invert_diagonal<float>(const View<const float>& a, const View<float>& x) {
  Index first = 0;
  for (; first + 4 * kBand <= a.rows(); first += 4 * kBand) {
    invert_blocks<4>(a, x, first, kBand, simd::Whole());
  }
  for (; first < a.rows(); first += kBand) {
    const Index rows = std::min(kBand, a.rows() - first);
    invert_blocks<1>(a, x, first, rows, simd::First{rows});
  }
}

/// The rest of the inverse, where that of its diagonal blocks is known: by halves,
///   X = [X11, 0; -X22 A21 X11, X22].
template <class S>
void join_inverses(const View<const S>& a, const View<S>& x, const View<S>& room) {
  const Index n = a.rows();
  if (n <= kBand) return;
  // The first half is a multiple of a band, so that the second one's bands are its own.
  const Index half = (n / 2 + kBand - 1) / kBand * kBand;
  const Index rest = n - half;
  join_inverses<S>(block<const S>(a, 0, half, 0, half), block<S>(x, 0, half, 0, half),
                   block<S>(room, 0, half, 0, half));
  join_inverses<S>(block<const S>(a, half, rest, half, rest), block<S>(x, half, rest, half, rest),
                   block<S>(room, half, rest, half, rest));
  // A21 X11, band by band of X11's columns, whose rows above the band are zero.
  const View<S> through = block<S>(room, half, rest, 0, half);
  for_each_band(half, [&](Index first, Index count) {
    product_nn<S>(block<const S>(a, half, rest, first, half - first),
                  block<const S>(x, first, half - first, first, count),
                  block<S>(through, 0, rest, first, count));
  });
  const View<S> corner = block<S>(x, half, rest, 0, half);
  product_nn_lower<S>(block<const S>(x, half, rest, half, rest), through, corner);
  for (Index t = 0; t < rest; ++t) {
    for (S& value : corner.row(t)) value = -value;
  }
}

}  // namespace

template <class S>
void clear_corners(View<S> m) {
  const Index n = m.rows();
  for (Index t = 0; t < n; ++t) {
    S* row = m.data() + t * m.stride();
    const Index begin = t / kBand * kBand;
    if constexpr (std::is_same_v<S, float>) {
      if (begin + kBand <= n) {  // all of the band's row: a few numbers would take longer
        const simd::Sixteen all = simd::load16(row + begin, simd::Whole());
        simd::store16(simd::keep16(all, simd::First{t - begin + 1}, 0), row + begin, simd::Whole());
        continue;
      }
    }
    std::fill(row + t + 1, row + band_end(t, n), S(0));
  }
}

template <class S>
void lower_of_nt(ConstView<S> a, ConstView<S> b, View<S> c, Write write) {
  if (write == Write::kOverwrite) {
    product_nt_lower<S>(a, b, c);
  } else {
    const Index n = a.rows();
    for_each_band(n, [&](Index first, Index count) {
      product_nt<S>(rows(View<const S>(a), first, n - first), rows(View<const S>(b), first, count),
                    block<S>(c, first, n - first, first, count), write);
    });
  }
  clear_corners<S>(c);
}

template <class S>
void lower_of_lowers(ConstView<S> a, ConstView<S> b, View<S> c, Write write) {
  by_columns<S>(a, b, c, [write](ConstView<S> left, ConstView<S> right, View<S> to) {
    product_nn_lower<S>(left, right, to, write);
  });
}

template <class S>
void lower_of_lowers_nt(ConstView<S> a, ConstView<S> b, View<S> c, Write write) {
  const Index n = a.rows();
  for_each_band(n, [&](Index first, Index count) {
    const Index rest = n - first;
    // Row s of b ends at the band of s: columns up to first + count are all there.
    product_nt<S>(block<const S>(a, first, rest, 0, first + count),
                  block<const S>(b, first, count, 0, first + count),
                  block<S>(c, first, rest, first, count), write);
  });
  clear_corners<S>(c);
}

template <class S>
void lower_of_lowers_tn(ConstView<S> a, ConstView<S> b, View<S> c, Write write) {
  by_columns<S>(a, b, c, [write](ConstView<S> left, ConstView<S> right, View<S> to) {
    product_tn_lower<S>(left, right, to, write);
  });
  clear_corners<S>(c);
}

template <class S>
void invert_unit_lower(ConstView<S> a, View<S> x, View<S> room) {
  invert_diagonal<S>(a, x);
  join_inverses<S>(a, x, room);
}

#define RECOLLECT_LOWER(S)                                                         \
  template void clear_corners<S>(View<S>);                                         \
  template void lower_of_nt<S>(ConstView<S>, ConstView<S>, View<S>, Write);        \
  template void lower_of_lowers<S>(ConstView<S>, ConstView<S>, View<S>, Write);    \
  template void lower_of_lowers_nt<S>(ConstView<S>, ConstView<S>, View<S>, Write); \
  template void lower_of_lowers_tn<S>(ConstView<S>, ConstView<S>, View<S>, Write); \
  template void invert_unit_lower<S>(ConstView<S>, View<S>, View<S>);
RECOLLECT_LOWER(float)
RECOLLECT_LOWER(double)
#undef RECOLLECT_LOWER

}  // namespace recollect::tape
