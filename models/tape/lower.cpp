#include "models/tape/lower.hpp"

#include <algorithm>

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

/// x = (I + strictly lower part of a)^-1 of a few rows, row by row: x_t = e_t - sum_{s<t} a_ts x_s.
template <class S>
void invert_by_rows(const View<const S>& a, const View<S>& x) {
  const Index n = a.rows();
  set_zero(x);
  for (Index t = 0; t < n; ++t) {
    x(t, t) = S(1);
    for (Index s = 0; s < t; ++s) {
      const S factor = -a(t, s);
      for (Index c = 0; c <= s; ++c) x(t, c) += factor * x(s, c);
    }
  }
}

}  // namespace

template <class S>
void clear_corners(View<S> m) {
  for (Index t = 0; t < m.rows(); ++t) {
    std::fill(m.data() + t * m.stride() + t + 1, m.data() + t * m.stride() + band_end(t, m.rows()),
              S(0));
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
  const Index n = a.rows();
  if (n <= kBand) {
    invert_by_rows<S>(a, x);
    return;
  }
  // The first half is a multiple of a band, so that the second one's bands are its own.
  const Index half = (n / 2 + kBand - 1) / kBand * kBand;
  const Index rest = n - half;
  invert_unit_lower<S>(block<const S>(a, 0, half, 0, half), block<S>(x, 0, half, 0, half),
                       block<S>(room, 0, half, 0, half));
  invert_unit_lower<S>(block<const S>(a, half, rest, half, rest),
                       block<S>(x, half, rest, half, rest), block<S>(room, half, rest, half, rest));
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
