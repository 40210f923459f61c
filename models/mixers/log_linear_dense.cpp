#include <algorithm>

#include "core/fenwick.hpp"
#include "models/layers/products.hpp"
#include "models/mixers/log_linear.hpp"

namespace recollect {
namespace {

constexpr Index kRowsAtOnce = 32;

/// decays[s] = exp(g_{s+1} + ... + g_t) for s <= t. Summed outwards from t, so that the near
/// tokens, whose decays are large, are the exact ones.
template <class S>
void fill_decays(const S* g, Index t, Index columns, S* decays) {
  Eigen::Map<Eigen::Array<S, 1, Eigen::Dynamic>> row(decays, columns);
  if (g == nullptr) {
    row.head(t + 1).setOnes();
  } else {
    S sum = 0;
    for (Index s = t; s >= 0; --s) {
      decays[s] = sum;
      sum += g[s];
    }
    row.head(t + 1) = row.head(t + 1).exp();
  }
  row.tail(columns - t - 1).setZero();
}

/// One block of rows and everything before its last one.
template <class S>
struct RowBlock {
  Index first;    ///< index of the block's first row
  Index count;    ///< rows
  Index columns;  ///< tokens 0..columns-1 are seen
};

template <class S, class Body>
void for_each_row_block(const Rows& rows, Body&& body) {
  for (Index first = 0; first < rows.count(); first += kRowsAtOnce) {
    const Index count = std::min(kRowsAtOnce, rows.count() - first);
    const Index last = rows.positions[static_cast<std::size_t>(first + count - 1)];
    body(RowBlock<S>{first, count, last + 1});
  }
}

}  // namespace

template <class S>
void LogLinearDense<S>::forward(const CoreInput<S>& in, const Rows& rows, View<S> y,
                                Workspace<S>& workspace) {
  for_each_row_block<S>(rows, [&](const RowBlock<S>& block) {
    const typename Workspace<S>::Scope scope(workspace);
    View<S> weights = workspace.matrix(block.count, block.columns);
    S* decays = workspace.take(block.columns);
    product_nt<S>(recollect::rows(in.q, block.first, block.count),
                  recollect::rows(in.k, 0, block.columns), weights);
    for (Index r = 0; r < block.count; ++r) {
      const Index t = rows.positions[static_cast<std::size_t>(block.first + r)];
      fill_decays(in.g, t, block.columns, decays);
      weights.row(r).array() *=
          Eigen::Map<const Eigen::Array<S, 1, Eigen::Dynamic>>(decays, block.columns);
      if (!in.has_levels()) continue;
      for_each_block(t, [&](int level, Index begin, Index count) {
        weights.row(r).segment(begin, count) *=
            in.lambda(block.first + r, level_column(level, in.lambda.cols()));
      });
    }
    product_nn<S>(constant(weights), recollect::rows(in.v, 0, block.columns),
                  recollect::rows(y, block.first, block.count));
  });
}

template <class S>
void LogLinearDense<S>::backward(const CoreInput<S>& in, const Rows& rows, ConstView<S> dy,
                                 const CoreGradient<S>& out, Workspace<S>& workspace) {
  View<S> dk = out.dk;
  View<S> dv = out.dv;
  View<S> dlambda = out.dlambda;
  dk.setZero();
  dv.setZero();
  dlambda.setZero();
  if (out.dg != nullptr) std::fill(out.dg, out.dg + in.k.rows(), S(0));
  for_each_row_block<S>(rows, [&](const RowBlock<S>& block) {
    const typename Workspace<S>::Scope scope(workspace);
    View<S> scores = workspace.matrix(block.count, block.columns);
    View<S> weights = workspace.matrix(block.count, block.columns);
    View<S> d_weights = workspace.matrix(block.count, block.columns);
    S* decays = workspace.take(block.columns);
    const ConstView<S> q = recollect::rows(in.q, block.first, block.count);
    const ConstView<S> k = recollect::rows(in.k, 0, block.columns);
    const ConstView<S> dy_block = recollect::rows(dy, block.first, block.count);
    product_nt<S>(q, k, scores);
    product_nt<S>(dy_block, recollect::rows(in.v, 0, block.columns), d_weights);
    for (Index r = 0; r < block.count; ++r) {
      const Index row = block.first + r;
      const Index t = rows.positions[static_cast<std::size_t>(row)];
      fill_decays(in.g, t, block.columns, decays);
      Eigen::Map<Eigen::Array<S, 1, Eigen::Dynamic>> mask(decays, block.columns);
      if (in.has_levels()) {
        for_each_block(t, [&](int level, Index begin, Index count) {
          const Index column = level_column(level, in.lambda.cols());
          dlambda(row, column) +=
              (scores.row(r).segment(begin, count).array() *
               d_weights.row(r).segment(begin, count).array() * mask.segment(begin, count))
                  .sum();
          mask.segment(begin, count) *= in.lambda(row, column);
        });
      }
      weights.row(r).array() = scores.row(r).array() * mask;
      if (out.dg != nullptr) {  // g_s+1 .. g_t stand between token s and row t
        S between = 0;
        for (Index s = 0; s < t; ++s) {
          between += weights(r, s) * d_weights(r, s);
          out.dg[s + 1] += between;
        }
      }
      d_weights.row(r).array() *= mask;  // now the gradient of the scores
    }
    product_tn<S>(constant(weights), dy_block, recollect::rows(dv, 0, block.columns),
                  Write::kAccumulate);
    product_nn<S>(constant(d_weights), k, recollect::rows(out.dq, block.first, block.count));
    product_tn<S>(constant(d_weights), q, recollect::rows(dk, 0, block.columns),
                  Write::kAccumulate);
  });
}

template struct LogLinearDense<float>;
template struct LogLinearDense<double>;

}  // namespace recollect
