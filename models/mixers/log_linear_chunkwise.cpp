#include <algorithm>
#include <bit>
#include <cmath>

#include "core/fenwick.hpp"
#include "models/layers/products.hpp"
#include "models/mixers/log_linear.hpp"

namespace recollect {
namespace {

template <class S>
using ArrayRow = Eigen::Map<Eigen::Array<S, 1, Eigen::Dynamic>>;

/// The binary counter over chunks. With levels, digit b of i says whether a state of 2^b chunks is
/// waiting when chunk i begins; without, one state covers all chunks before i.
struct Counter {
  bool has_levels;

  /// Number of states that may be waiting at once.
  [[nodiscard]] Index slots(Index chunks) const noexcept {
    return has_levels ? std::bit_width(static_cast<std::uint64_t>(chunks)) : 1;
  }

  /// Calls visit(slot, state) for the states that chunk i reads, nearest block first; `state` is
  /// the index of the chunk that completed it.
  template <class Visit>
  void for_each_read(Index i, Visit&& visit) const {
    visit_ones(i, ~std::uint64_t{0}, visit);
  }

  /// The same for the states that merge with chunk i's own: those of the trailing ones of i.
  template <class Visit>
  void for_each_merge(Index i, Visit&& visit) const {
    visit_ones(i, (std::uint64_t{1} << std::countr_one(static_cast<std::uint64_t>(i))) - 1, visit);
  }

  /// The slot that the state completed by chunk i goes to.
  [[nodiscard]] Index slot_after(Index i) const noexcept {
    return has_levels ? std::countr_one(static_cast<std::uint64_t>(i)) : 0;
  }

 private:
  template <class Visit>
  void visit_ones(Index i, std::uint64_t mask, Visit&& visit) const {
    if (!has_levels) {
      if (i > 0) visit(Index{0}, i - 1);
      return;
    }
    const auto digits = static_cast<std::uint64_t>(i);
    for (std::uint64_t ones = digits & mask; ones != 0; ones &= ones - 1) {
      const int slot = std::countr_zero(ones);
      visit(Index{slot}, static_cast<Index>((digits >> slot) << slot) - 1);
    }
  }
};

/// One chunk's share of all inputs, and how its rows see what lies before it.
template <class S>
struct Chunk {
  Index index;
  Index start;
  Index count;
  ConstView<S> q;
  ConstView<S> k;
  ConstView<S> v;
  ConstView<S> lambda;
  View<S> scores;  ///< (count, count)
  View<S> decays;  ///< (count, count)
  ArrayRow<S> from_start;

  Chunk(const CoreInput<S>& in, Index chunk, Index i,
        const typename LogLinearChunkwise<S>::Tape& tape)
      : index(i),
        start(i * chunk),
        count(std::min(chunk, in.k.rows() - start)),
        q(recollect::rows(in.q, start, count)),
        k(recollect::rows(in.k, start, count)),
        v(recollect::rows(in.v, start, count)),
        lambda(
            recollect::rows(in.lambda, in.has_levels() ? start : 0, in.has_levels() ? count : 0)),
        scores(tape.scores + start * chunk, count, count, Eigen::OuterStride<>(chunk)),
        decays(tape.decays + start * chunk, count, count, Eigen::OuterStride<>(chunk)),
        from_start(tape.from_start + start, count) {}

  [[nodiscard]] S total() const { return from_start(count - 1); }
};

/// exp of what decays from the end of each token to the end of the chunk.
template <class S>
void fill_to_end(const Chunk<S>& chunk, ArrayRow<S> to_end) {
  to_end = (chunk.total() - chunk.from_start).exp();
}

template <class S>
void fill_inside(const CoreInput<S>& in, Chunk<S>& chunk) {
  S sum = 0;
  for (Index t = 0; t < chunk.count; ++t) {
    if (in.g != nullptr) sum += in.g[chunk.start + t];
    chunk.from_start(t) = sum;
    auto row = chunk.decays.row(t).array();
    if (in.g == nullptr) {
      row.head(t + 1).setOnes();
    } else {
      row.head(t + 1) = (sum - chunk.from_start.head(t + 1)).exp();
    }
    row.tail(chunk.count - t - 1).setZero();
  }
  product_nt_lower<S>(chunk.q, chunk.k, chunk.scores);
}

/// weights = decays * lambda of the level, elementwise: M inside the chunk.
template <class S>
void fill_mask(const CoreInput<S>& in, const Chunk<S>& chunk, View<S> mask) {
  mask = chunk.decays;
  if (!in.has_levels()) return;
  for (Index t = 0; t < chunk.count; ++t) {
    for_each_block(t, [&](int level, Index begin, Index count) {
      mask.row(t).segment(begin, count) *= chunk.lambda(t, in.level_column(level));
    });
  }
}

}  // namespace

template <class S>
auto LogLinearChunkwise<S>::forward(const CoreInput<S>& in, Index chunk, View<S> y,
                                    Workspace<S>& workspace) -> Tape {
  const Index length = in.k.rows();
  const Index width = in.k.cols();
  const Index chunks = (length + chunk - 1) / chunk;
  const int chunk_level = std::countr_zero(static_cast<std::uint64_t>(chunk)) + 1;
  const Counter counter{in.has_levels()};
  const Tape tape{workspace.take(length * chunk), workspace.take(length * chunk),
                  workspace.take(length), workspace.take((chunks - 1) * width * width),
                  workspace.take(chunks)};
  const typename Workspace<S>::Scope scope(workspace);
  View<S> scratch = workspace.matrix(chunk, chunk);
  const View<S> scaled_block = workspace.matrix(chunk, width);
  ArrayRow<S> scale(workspace.take(chunk), chunk);
  const auto state = [&](Index i) { return view(tape.states + i * width * width, width, width); };

  for (Index i = 0; i < chunks; ++i) {
    Chunk<S> c(in, chunk, i, tape);
    const View<S> y_chunk = recollect::rows(y, c.start, c.count);
    View<S> scaled = recollect::rows(scaled_block, 0, c.count);
    View<S> mask(scratch.data(), c.count, c.count, Eigen::OuterStride<>(chunk));

    fill_inside(in, c);
    fill_mask(in, c, mask);
    mask.array() *= c.scores.array();
    product_nn_lower<S>(constant(mask), c.v, y_chunk);

    S gap = 0;  // decay from the end of the block that is read to the start of this chunk
    counter.for_each_read(i, [&](Index slot, Index j) {
      scale.head(c.count) = (c.from_start + gap).exp();
      if (in.has_levels()) {
        scale.head(c.count) *=
            c.lambda.col(in.level_column(chunk_level + slot)).array().transpose();
      }
      scaled = scale.head(c.count).matrix().asDiagonal() * c.q;
      product_nn<S>(constant(scaled), constant(state(j)), y_chunk, Write::kAccumulate);
      gap += tape.block_g[j];
    });

    tape.block_g[i] = c.total();
    if (i + 1 == chunks) break;  // nobody reads the last chunk's state
    fill_to_end<S>(c, ArrayRow<S>(scale.data(), c.count));
    scaled = scale.head(c.count).matrix().asDiagonal() * c.k;
    View<S> own = state(i);
    product_tn<S>(constant(scaled), c.v, own);
    counter.for_each_merge(i, [&](Index, Index j) {
      own += std::exp(tape.block_g[i]) * state(j);
      tape.block_g[i] += tape.block_g[j];
    });
  }
  return tape;
}

template <class S>
void LogLinearChunkwise<S>::backward(const CoreInput<S>& in, Index chunk, const Tape& tape,
                                     ConstView<S> y, ConstView<S> dy, const CoreGradient<S>& out,
                                     Workspace<S>& workspace) {
  const Index length = in.k.rows();
  const Index width = in.k.cols();
  const Index chunks = (length + chunk - 1) / chunk;
  const int chunk_level = std::countr_zero(static_cast<std::uint64_t>(chunk)) + 1;
  const Counter counter{in.has_levels()};
  const typename Workspace<S>::Scope scope(workspace);
  View<S> mask_block = workspace.matrix(chunk, chunk);
  View<S> weight_block = workspace.matrix(chunk, chunk);
  const View<S> scaled_block = workspace.matrix(chunk, width);
  const View<S> through_block = workspace.matrix(chunk, width);
  ArrayRow<S> decay(workspace.take(chunk), chunk);
  ArrayRow<S> scale(workspace.take(chunk), chunk);
  S* slots = workspace.take(counter.slots(chunks) * width * width);
  const auto state = [&](Index i) { return view(tape.states + i * width * width, width, width); };
  const auto d_state = [&](Index slot) { return view(slots + slot * width * width, width, width); };
  counter.for_each_read(chunks - 1, [&](Index slot, Index) { d_state(slot).setZero(); });
  View<S> dlambda_all = out.dlambda;
  dlambda_all.setZero();

  for (Index i = chunks - 1; i >= 0; --i) {
    const Chunk<S> c(in, chunk, i, tape);
    const ConstView<S> dy_chunk = recollect::rows(dy, c.start, c.count);
    View<S> dq = recollect::rows(out.dq, c.start, c.count);
    View<S> dk = recollect::rows(out.dk, c.start, c.count);
    View<S> dv = recollect::rows(out.dv, c.start, c.count);
    View<S> dlambda =
        recollect::rows(out.dlambda, in.has_levels() ? c.start : 0, in.has_levels() ? c.count : 0);
    View<S> mask(mask_block.data(), c.count, c.count, Eigen::OuterStride<>(chunk));
    View<S> weights(weight_block.data(), c.count, c.count, Eigen::OuterStride<>(chunk));
    View<S> scaled = recollect::rows(scaled_block, 0, c.count);
    View<S> through = recollect::rows(through_block, 0, c.count);
    auto decay_row = decay.head(c.count);
    auto scale_row = scale.head(c.count);

    // What flows between the chunks up to this one and those after it.
    S between = 0;
    if (out.dg != nullptr && i + 1 < chunks) {
      counter.for_each_read(i + 1, [&](Index slot, Index j) {
        between += d_state(slot).cwiseProduct(state(j)).sum();
      });
    }

    // Inside the chunk: y = (scores * mask) v.
    product_nt_lower<S>(dy_chunk, c.v, weights);  // the gradient of scores * mask
    mask.array() = weights.array() * c.scores.array() * c.decays.array();
    if (in.has_levels()) {
      for (Index t = 0; t < c.count; ++t) {
        for_each_block(t, [&](int level, Index begin, Index count) {
          dlambda(t, in.level_column(level)) += mask.row(t).segment(begin, count).sum();
        });
      }
    }
    fill_mask(in, c, mask);
    weights.array() *= mask.array();  // the gradient of the scores
    mask.array() *= c.scores.array();
    product_tn_lower<S>(constant(mask), dy_chunk, dv);
    product_nn_lower<S>(constant(weights), c.k, dq);
    product_tn_lower<S>(constant(weights), c.q, dk);

    // The state that chunk i completed: its own part, and the states that merged into it.
    if (i + 1 < chunks) {
      const View<S> ds = d_state(counter.slot_after(i));
      fill_to_end<S>(c, ArrayRow<S>(scale.data(), c.count));
      scaled = scale_row.matrix().asDiagonal() * c.k;
      product_nn<S>(constant(scaled), constant(ds), dv, Write::kAccumulate);
      product_nt<S>(c.v, constant(ds), through);
      dk += scale_row.matrix().asDiagonal() * through;
      S gap = c.total();
      counter.for_each_merge(i, [&](Index slot, Index j) {
        d_state(slot) = std::exp(gap) * ds;
        gap += tape.block_g[j];
      });
    }

    // The states that chunk i read.
    S gap = 0;
    counter.for_each_read(i, [&](Index slot, Index j) {
      decay_row = (c.from_start + gap).exp();
      scale_row = decay_row;
      product_nt<S>(dy_chunk, constant(state(j)), through);
      if (in.has_levels()) {
        const Index column = in.level_column(chunk_level + slot);
        scale_row *= c.lambda.col(column).array().transpose();
        dlambda.col(column).array() +=
            (through.array() * c.q.array()).rowwise().sum() * decay_row.transpose();
      }
      dq += scale_row.matrix().asDiagonal() * through;
      scaled = scale_row.matrix().asDiagonal() * c.q;
      product_tn<S>(constant(scaled), dy_chunk, d_state(slot), Write::kAccumulate);
      gap += tape.block_g[j];
    });

    if (out.dg == nullptr) continue;
    const ConstView<S> y_chunk = recollect::rows(y, c.start, c.count);
    for (Index t = c.count - 1; t >= 0; --t) {
      between += dy_chunk.row(t).dot(y_chunk.row(t)) - dv.row(t).dot(c.v.row(t));
      out.dg[c.start + t] = between;
    }
  }
}

template struct LogLinearChunkwise<float>;
template struct LogLinearChunkwise<double>;

}  // namespace recollect
