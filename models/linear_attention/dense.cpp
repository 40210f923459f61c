#include <algorithm>

#include "models/kernels/products.hpp"
#include "models/linear_attention/chunk_kernels.hpp"
#include "models/linear_attention/core.hpp"

namespace recollect {
namespace {

constexpr Index kQueriesAtOnce = 32;

/// The gate summed between tokens, by blocks: a row's decays add up from the row outwards, so that
/// the near ones, which are large, are the exact ones; and nothing after the row has a say.
template <class S>
class GateSums {
 public:
  GateSums(const S* g, Index length, Workspace<S>& workspace)
      : from_start_(g == nullptr ? nullptr : workspace.take(length)) {
    if (g == nullptr) return;
    for (Index t = 0; t < length; ++t) {
      from_start_[t] = t % kTokens == 0 ? g[t] : from_start_[t - 1] + g[t];
    }
  }

  /// decays[s] = exp(g_{s+1} + ... + g_t), s <= t
  void fill_decays(Index t, S* decays) const {
    if (from_start_ == nullptr) {
      std::fill(decays, decays + t + 1, S(1));
      return;
    }
    Index first = t / kTokens * kTokens;
    S gap = from_start_[t];
    exp_shifted<S>(from_start_ + first, S(-1), gap, t - first + 1, decays + first);
    while (first > 0) {
      gap += from_start_[first - 1];  // the whole block before
      first -= kTokens;
      exp_shifted<S>(from_start_ + first, S(-1), gap, kTokens, decays + first);
    }
  }

 private:
  static constexpr Index kTokens = 64;

  S* from_start_;  ///< (T) g summed from the start of the token's block, itself included; or null
};

/// One block of rows and everything before its last one.
template <class S>
struct RowBlock {
  Index first;    ///< index of the block's first row
  Index count;    ///< rows
  Index columns;  ///< tokens 0..columns-1 are seen
};

/// Where a block's rows of a tape's matrix stand.
template <class S>
View<S> block_of(S* matrix, const Queries& queries, const RowBlock<S>& block) {
  const Index reach = queries.positions.back() + 1;
  return View<S>(matrix + block.first * reach, block.count, block.columns, reach);
}

template <class S, class Body>
void for_each_row_block(const Queries& queries, Body&& body) {
  for (Index first = 0; first < queries.count(); first += kQueriesAtOnce) {
    const Index count = std::min(kQueriesAtOnce, queries.count() - first);
    const Index last = queries.positions[static_cast<std::size_t>(first + count - 1)];
    body(RowBlock<S>{first, count, last + 1});
  }
}

}  // namespace

template <class S>
auto LogLinearDense<S>::forward(const CoreInput<S>& in, const Queries& queries, bool backward,
                                View<S> y, Workspace<S>& workspace) -> Tape {
  Tape tape{nullptr, nullptr};
  if (queries.count() == 0) return tape;
  // As if every row saw all tokens: what a sequence takes must not depend on where it is scored.
  const Index kept = backward ? queries.count() * in.k.rows() : 0;
  tape = Tape{workspace.take(kept), workspace.take(kept)};
  const typename Workspace<S>::Scope whole_scope(workspace);
  const GateSums<S> sums(in.g, in.k.rows(), workspace);
  for_each_row_block<S>(queries, [&](const RowBlock<S>& block) {
    const typename Workspace<S>::Scope scope(workspace);
    const auto room = [&](S* kept_matrix) {
      return backward ? block_of(kept_matrix, queries, block)
                      : workspace.matrix(block.count, block.columns);
    };
    View<S> scores = room(tape.scores);
    View<S> decays = room(tape.decays);
    View<S> weights = workspace.matrix(block.count, block.columns);
    product_nt<S>(recollect::rows(in.q, block.first, block.count),
                  recollect::rows(in.k, 0, block.columns), scores);
    for (Index r = 0; r < block.count; ++r) {
      const Index t = queries.positions[static_cast<std::size_t>(block.first + r)];
      sums.fill_decays(t, decays.row(r).data());
      weigh_row<S>(in.lambda, block.first + r, t, block.columns, scores.row(r).data(),
                   decays.row(r).data(), weights.row(r).data());
    }
    product_nn<S>(weights, recollect::rows(in.v, 0, block.columns),
                  recollect::rows(y, block.first, block.count));
  });
  return tape;
}

template <class S>
void LogLinearDense<S>::backward(const CoreInput<S>& in, const Queries& queries, const Tape& tape,
                                 ConstView<S> dy, const CoreGradient<S>& out,
                                 Workspace<S>& workspace) {
  View<S> dk = out.dk;
  View<S> dv = out.dv;
  View<S> dlambda = out.dlambda;
  set_zero(dlambda);
  if (out.dg != nullptr) std::fill(out.dg, out.dg + in.k.rows(), S(0));
  Index reached = 0;  // tokens whose gradients hold something
  for_each_row_block<S>(queries, [&](const RowBlock<S>& block) {
    const typename Workspace<S>::Scope scope(workspace);
    const View<S> scores = block_of(tape.scores, queries, block);
    const View<S> decays = block_of(tape.decays, queries, block);
    View<S> weights = workspace.matrix(block.count, block.columns);
    View<S> d_weights = workspace.matrix(block.count, block.columns);
    const ConstView<S> q = recollect::rows(in.q, block.first, block.count);
    const ConstView<S> k = recollect::rows(in.k, 0, block.columns);
    const ConstView<S> dy_block = recollect::rows(dy, block.first, block.count);
    product_nt<S>(dy_block, recollect::rows(in.v, 0, block.columns), d_weights);
    for (Index r = 0; r < block.count; ++r) {
      const Index t = queries.positions[static_cast<std::size_t>(block.first + r)];
      weigh_row_backward<S>(in.lambda, block.first + r, t, block.columns, scores.row(r).data(),
                            decays.row(r).data(), d_weights.row(r).data(), weights.row(r).data(),
                            dlambda);
      if (out.dg != nullptr) {  // g_s+1 .. g_t stand between token s and row t
        gate_gradient_row<S>(scores.row(r).data(), d_weights.row(r).data(), t, out.dg);
      }
    }
    // Rows come in order: what this block reaches beyond the ones before holds nothing yet.
    const auto add = [&](ConstView<S> a, ConstView<S> b, View<S> to) {
      product_tn<S>(columns(a, 0, reached), b, recollect::rows(to, 0, reached), Write::kAccumulate);
      product_tn<S>(columns(a, reached, block.columns - reached), b,
                    recollect::rows(to, reached, block.columns - reached));
    };
    add(weights, dy_block, dv);
    product_nn<S>(d_weights, k, recollect::rows(out.dq, block.first, block.count));
    add(d_weights, q, dk);
    reached = block.columns;
  });
  set_zero(recollect::rows(dk, reached, dk.rows() - reached));
  set_zero(recollect::rows(dv, reached, dv.rows() - reached));
}

template struct LogLinearDense<float>;
template struct LogLinearDense<double>;

}  // namespace recollect
