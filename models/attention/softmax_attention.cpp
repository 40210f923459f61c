#include "models/attention/softmax_attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "math/eigen.hpp"
#include "models/kernels/products.hpp"

namespace recollect {
namespace {

constexpr Index kBlock = SoftmaxAttention<double>::kBlock;

/// Calls body(first row, row count, first key, key count) for every tile with something unmasked in
/// it; the tiles of one block of rows come one after another.
template <class Body>
void for_each_tile(const Queries& queries, Index first_row, Index row_count, Body&& body) {
  const Index seen = queries.positions[static_cast<std::size_t>(first_row + row_count - 1)] + 1;
  for (Index key = 0; key < seen; key += kBlock) body(key, std::min(kBlock, seen - key));
}

/// How many of the keys first_key .. first_key + count - 1 row r may see.
Index visible(const Queries& queries, Index r, Index first_key, Index count) {
  const Index t = queries.positions[static_cast<std::size_t>(r)];
  return std::clamp<Index>(t - first_key + 1, 0, count);
}

}  // namespace

template <class S>
void SoftmaxAttention<S>::forward(ConstView<S> q, ConstView<S> k, ConstView<S> v,
                                  const Queries& queries, S scale, View<S> y, S* log_sum,
                                  Workspace<S>& workspace) {
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
    for_each_tile(queries, first, count, [&](Index key, Index keys) {
      View<S> p = view(tile, count, keys);
      product_nt<S>(q_block, recollect::rows(k, key, keys), p);
      for (Index r = 0; r < count; ++r) {
        const Index seen = visible(queries, first + r, key, keys);
        auto tile_rows = eigen(p);
        auto row = tile_rows.row(r).array();
        row.tail(keys - seen).setZero();
        if (seen == 0) continue;
        auto live = row.head(seen);
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
                                   View<S> dv, Workspace<S>& workspace) {
  const typename Workspace<S>::Scope scope(workspace);
  S* p_tile = workspace.take(std::min(kBlock, queries.count()) * kBlock);
  S* ds_tile = workspace.take(std::min(kBlock, queries.count()) * kBlock);
  set_zero(dq);
  for (Index first = 0; first < queries.count(); first += kBlock) {
    const Index count = std::min(kBlock, queries.count() - first);
    const ConstView<S> q_block = recollect::rows(q, first, count);
    const ConstView<S> dy_block = recollect::rows(dy, first, count);
    for_each_tile(queries, first, count, [&](Index key, Index keys) {
      View<S> p = view(p_tile, count, keys);
      View<S> ds = view(ds_tile, count, keys);
      const ConstView<S> k_block = recollect::rows(k, key, keys);
      product_nt<S>(q_block, k_block, p);
      product_nt<S>(dy_block, recollect::rows(v, key, keys), ds);
      for (Index r = 0; r < count; ++r) {
        const Index seen = visible(queries, first + r, key, keys);
        auto p_rows = eigen(p);
        auto ds_rows = eigen(ds);
        auto live = p_rows.row(r).array().head(seen);
        auto d_live = ds_rows.row(r).array().head(seen);
        live = (live * scale - log_sum[first + r]).exp();
        d_live = live * (d_live - eigen(dy_block).row(r).dot(eigen(y).row(first + r))) * scale;
        p_rows.row(r).tail(keys - seen).setZero();
        ds_rows.row(r).tail(keys - seen).setZero();
      }
      product_nn<S>(ds, k_block, recollect::rows(dq, first, count), Write::kAccumulate);
      product_tn<S>(ds, q_block, recollect::rows(dk, key, keys), Write::kAccumulate);
      product_tn<S>(p, dy_block, recollect::rows(dv, key, keys), Write::kAccumulate);
    });
  }
}

template struct SoftmaxAttention<double>;

}  // namespace recollect
