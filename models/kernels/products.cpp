#include "models/kernels/products.hpp"

#include <algorithm>

#include "math/eigen.hpp"
#include "math/shape_check.hpp"

namespace recollect {
namespace {

constexpr Index kPiece = 256;

/// Calls body(first row, rows) for bands of a triangular matrix.
template <class Body>
void for_each_band(Index n, Body&& body) {
  for (Index first = 0; first < n; first += kBand) body(first, std::min(kBand, n - first));
}

/// Calls body(i, m, j, n, k, depth) for every piece of an (m, n) result and its inner dimension.
template <class Body>
void for_each_piece(Index m, Index n, Index k, Body&& body) {
  for (Index i = 0; i < m; i += kPiece) {
    for (Index j = 0; j < n; j += kPiece) {
      for (Index p = 0; p < k; p += kPiece) {
        body(i, std::min(kPiece, m - i), j, std::min(kPiece, n - j), p, std::min(kPiece, k - p));
      }
    }
  }
}

}  // namespace

template <class S>
void product_nn(ConstView<S> a, ConstView<S> b, View<S> c, Write write) {
  RECOLLECT_CHECK(a.cols() == b.rows() && c.rows() == a.rows() && c.cols() == b.cols(), a, b, c);
  if (write == Write::kOverwrite) set_zero(c);
  for_each_piece(a.rows(), b.cols(), a.cols(),
                 [&](Index i, Index m, Index j, Index n, Index p, Index depth) {
                   eigen(c).block(i, j, m, n).noalias() +=
                       eigen(a).block(i, p, m, depth) * eigen(b).block(p, j, depth, n);
                 });
}

template <class S>
void product_nt(ConstView<S> a, ConstView<S> b, View<S> c, Write write) {
  RECOLLECT_CHECK(a.cols() == b.cols() && c.rows() == a.rows() && c.cols() == b.rows(), a, b, c);
  if (write == Write::kOverwrite) set_zero(c);
  for_each_piece(a.rows(), b.rows(), a.cols(),
                 [&](Index i, Index m, Index j, Index n, Index p, Index depth) {
                   eigen(c).block(i, j, m, n).noalias() +=
                       eigen(a).block(i, p, m, depth) * eigen(b).block(j, p, n, depth).transpose();
                 });
}

template <class S>
void product_tn(ConstView<S> a, ConstView<S> b, View<S> c, Write write) {
  RECOLLECT_CHECK(a.rows() == b.rows() && c.rows() == a.cols() && c.cols() == b.cols(), a, b, c);
  if (write == Write::kOverwrite) set_zero(c);
  for_each_piece(a.cols(), b.cols(), a.rows(),
                 [&](Index i, Index m, Index j, Index n, Index p, Index depth) {
                   eigen(c).block(i, j, m, n).noalias() +=
                       eigen(a).block(p, i, depth, m).transpose() * eigen(b).block(p, j, depth, n);
                 });
}

template <class S>
void pack(ConstView<S> b, S* packed) {
  copy(b, view(packed, b.rows(), b.cols()));
}

template <class S>
void product_packed(ConstView<S> a, const S* packed, View<S> c) {
  product_nt<S>(a, view(packed, c.cols(), a.cols()), c);
}

template <class S>
void product_nn_lower(ConstView<S> a, ConstView<S> b, View<S> c, Write write) {
  for_each_band(a.rows(), [&](Index first, Index count) {
    const Index seen = first + count;
    product_nn<S>(columns(rows(a, first, count), 0, seen), rows(b, 0, seen), rows(c, first, count),
                  write);
  });
}

template <class S>
void product_tn_lower(ConstView<S> a, ConstView<S> b, View<S> c, Write write) {
  for_each_band(a.rows(), [&](Index first, Index count) {
    const Index seeing = a.rows() - first;
    product_tn<S>(columns(rows(a, first, seeing), first, count), rows(b, first, seeing),
                  rows(c, first, count), write);
  });
}

template <class S>
void product_nt_lower(ConstView<S> a, ConstView<S> b, View<S> c) {
  for_each_band(a.rows(), [&](Index first, Index count) {
    const Index seen = first + count;
    product_nt<S>(rows(a, first, count), rows(b, 0, seen), columns(rows(c, first, count), 0, seen));
  });
}

template void pack<double>(ConstView<double>, double*);
template void product_packed<double>(ConstView<double>, const double*, View<double>);
template void product_nt_lower<double>(ConstView<double>, ConstView<double>, View<double>);
template void product_nn_lower<double>(ConstView<double>, ConstView<double>, View<double>, Write);
template void product_tn_lower<double>(ConstView<double>, ConstView<double>, View<double>, Write);
template void product_nn<double>(ConstView<double>, ConstView<double>, View<double>, Write);
template void product_nt<double>(ConstView<double>, ConstView<double>, View<double>, Write);
template void product_tn<double>(ConstView<double>, ConstView<double>, View<double>, Write);

}  // namespace recollect
