#include "models/attention/softmax_attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "math/eigen.hpp"
#include "models/kernels/products.hpp"

namespace recollect {
namespace {

constexpr Index kBlock = SoftmaxAttention<double>::kBlock;

/// Calls body(position of the first key, key count) for the tiles between the first key that a row
/// of the block sees and the last; the tiles of one block of rows come one after another.
template <class Body>
void for_each_tile(const Queries& queries, const VisibleKeys& visible, Index first_row,
                   Index row_count, Body&& body) {
  const Index begin = queries.positions[static_cast<std::size_t>(first_row)];
  const Index seen = queries.positions[static_cast<std::size_t>(first_row + row_count - 1)] + 1;
  for (Index key = visible.from(begin); key < seen; key += kBlock) {
    body(key, std::min(kBlock, seen - key));
  }
}

/// Which of the keys first_key .. first_key + count - 1 row r sees, counted from the first.
struct Seen {
  Index begin;
  Index end;
  [[nodiscard]] Index count() const { return end - begin; }
};
Seen seen_by(const Queries& queries, const VisibleKeys& visible, Index r, Index first_key,
             Index count) {
  const Index t = queries.positions[static_cast<std::size_t>(r)];
  const Index end = std::clamp<Index>(t - first_key + 1, 0, count);
  return {std::clamp<Index>(visible.from(t) - first_key, 0, end), end};
}

}  // namespace

template <class S>
void SoftmaxAttention<S>::forward(ConstView<S> q, ConstView<S> k, ConstView<S> v,
                                  const Queries& queries, S scale, View<S> y, S* log_sum,
                                  Workspace<S>& workspace, const VisibleKeys& visible) {
  const typename Workspace<S>::Scope scope(workspace);
  S* tile = workspace.take(std::min(kBlock, queries.count()) * kBlock);
  VectorView<S> largest(workspace.take(kBlock), kBlock);
  VectorView<S> sum(workspace.take(kBlock), kBlock);
  for (Index first = 0; first < queries.count(); first += kBlock) {
    const Index count = std::min(kBlock, queries.count() - first);
    const ConstView<S> q_block = recollect::rows(q, first, count);
    View<S> y_block = recollect::rows(y, first, count);
    set_zero(y_block);
    sum.setZero();
    largest.setConstant(-std::numeric_limits<S>::infinity());
    for_each_tile(queries, visible, first, count, [&](Index position, Index keys) {
      const Index key = position - visible.first;
      View<S> p = view(tile, count, keys);
      product_nt<S>(q_block, recollect::rows(k, key, keys), p);
      for (Index r = 0; r < count; ++r) {
        const Seen seen = seen_by(queries, visible, first + r, position, keys);
        auto tile_rows = eigen(p);
        auto row = tile_rows.row(r).array();
        row.head(seen.begin).setZero();
        row.tail(keys - seen.end).setZero();
        if (seen.count() == 0) continue;
        auto live = row.segment(seen.begin, seen.count());
        live *= scale;
        const S before = largest(r);
        largest(r) = std::max(before, live.maxCoeff());
        const S keep = std::exp(before - largest(r));
        live = (live - largest(r)).exp();
        sum(r) = sum(r) * keep + live.sum();
        eigen(y_block).row(r) *= keep;
      }
      product_nn<S>(p, recollect::rows(v, key, keys), y_block, Write::kAccumulate);
    });
    for (Index r = 0; r < count; ++r) {
      eigen(y_block).row(r) /= sum(r);
      log_sum[first + r] = largest(r) + std::log(sum(r));
    }
  }
}

template <class S>
void SoftmaxAttention<S>::backward(ConstView<S> q, ConstView<S> k, ConstView<S> v,
                                   const Queries& queries, S scale, ConstView<S> y,
                                   const S* log_sum, ConstView<S> dy, View<S> dq, View<S> dk,
                                   View<S> dv, Workspace<S>& workspace,
                                   const VisibleKeys& visible) {
  const typename Workspace<S>::Scope scope(workspace);
  S* p_tile = workspace.take(std::min(kBlock, queries.count()) * kBlock);
  S* ds_tile = workspace.take(std::min(kBlock, queries.count()) * kBlock);
  set_zero(dq);
  for (Index first = 0; first < queries.count(); first += kBlock) {
    const Index count = std::min(kBlock, queries.count() - first);
    const ConstView<S> q_block = recollect::rows(q, first, count);
    const ConstView<S> dy_block = recollect::rows(dy, first, count);
    for_each_tile(queries, visible, first, count, [&](Index position, Index keys) {
      const Index key = position - visible.first;
      View<S> p = view(p_tile, count, keys);
      View<S> ds = view(ds_tile, count, keys);
      const ConstView<S> k_block = recollect::rows(k, key, keys);
      product_nt<S>(q_block, k_block, p);
      product_nt<S>(dy_block, recollect::rows(v, key, keys), ds);
      for (Index r = 0; r < count; ++r) {
        const Seen seen = seen_by(queries, visible, first + r, position, keys);
        auto p_rows = eigen(p);
        auto ds_rows = eigen(ds);
        auto live = p_rows.row(r).array().segment(seen.begin, seen.count());
        auto d_live = ds_rows.row(r).array().segment(seen.begin, seen.count());
        live = (live * scale - log_sum[first + r]).exp();
        d_live = live * (d_live - eigen(dy_block).row(r).dot(eigen(y).row(first + r))) * scale;
        for (auto* rows : {&p_rows, &ds_rows}) {
          rows->row(r).head(seen.begin).setZero();
          rows->row(r).tail(keys - seen.end).setZero();
        }
      }
      product_nn<S>(ds, k_block, recollect::rows(dq, first, count), Write::kAccumulate);
      product_tn<S>(ds, q_block, recollect::rows(dk, key, keys), Write::kAccumulate);
      product_tn<S>(p, dy_block, recollect::rows(dv, key, keys), Write::kAccumulate);
    });
  }
}

template struct SoftmaxAttention<double>;

}  // namespace recollect
