#include <algorithm>
#include <bit>

#include "core/portable_math.hpp"
#include "models/layers/products.hpp"
#include "models/layers/rows.hpp"
#include "models/mixers/chunk_kernels.hpp"
#include "models/mixers/log_linear.hpp"

namespace recollect {
namespace {

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
  Index start;  ///< in the segment
  Index count;
  ConstView<S> q;
  ConstView<S> k;
  ConstView<S> v;
  ConstView<S> lambda;
  View<S> scores;  ///< (count, count)
  View<S> decays;  ///< (count, count)
  S* from_start;   ///< (count) sums of g

  /// @param room  see room_size()
  Chunk(const CoreInput<S>& in, Index chunk, Index i,
        const typename LogLinearChunkwise<S>::Tape& tape, S* room)
      : start(i * chunk),
        count(std::min(chunk, in.tokens() - start)),
        q(rows_of(in, in.q, room)),
        k(rows_of(in, in.k, room + count * in.q.cols())),
        v(rows_of(in, in.v, room + 2 * count * in.q.cols())),
        lambda(
            recollect::rows(in.lambda, in.has_levels() ? start : 0, in.has_levels() ? count : 0)),
        scores(tape.scores + start * chunk, count, count, Eigen::OuterStride<>(chunk)),
        decays(tape.decays + start * chunk, count, count, Eigen::OuterStride<>(chunk)),
        from_start(tape.from_start + start) {}

  [[nodiscard]] S total() const { return from_start[count - 1]; }

  /// Numbers that rows looked up in tables take.
  [[nodiscard]] static Index room_size(const CoreInput<S>& in, Index chunk) {
    return in.ids.empty() ? 0 : 3 * chunk * in.q.cols();
  }

 private:
  [[nodiscard]] ConstView<S> rows_of(const CoreInput<S>& in, const ConstView<S>& from,
                                     S* room) const {
    if (in.ids.empty()) return recollect::rows(from, start, count);
    const View<S> picked = view(room, count, from.cols());
    gather_rows<S>(from, in.ids.subspan(static_cast<std::size_t>(start)), picked);
    return constant(picked);
  }
};

/// from_start[t] = g summed from the start of the chunk, g_t included.
template <class S>
void fill_from_start(const CoreInput<S>& in, Chunk<S>& chunk) {
  S sum = 0;
  for (Index t = 0; t < chunk.count; ++t) {
    if (in.g != nullptr) sum += in.g[chunk.start + t];
    chunk.from_start[t] = sum;
  }
}

/// scale[t] *= lambda of one level
template <class S>
void weigh(ConstView<S> lambda, Index column, S* scale) {
  for (Index t = 0; t < lambda.rows(); ++t) scale[t] *= lambda(t, column);
}

/// A sequence's states by the chunk that completed them.
template <class S>
class StateViews {
 public:
  StateViews(const typename LogLinearChunkwise<S>::States& states, Index width)
      : states_(states), width_(width) {}

  /// The state that chunk i completed and that waits, or waited, in `slot`.
  [[nodiscard]] View<S> state(Index slot, Index i) const {
    return view(states_.states + place(slot, i) * size(), width_, width_);
  }
  [[nodiscard]] S& block_g(Index slot, Index i) const { return states_.block_g[place(slot, i)]; }
  [[nodiscard]] View<S> d_state(Index slot) const {
    return view(states_.d_states + slot * size(), width_, width_);
  }
  [[nodiscard]] Index size() const { return width_ * width_; }

 private:
  [[nodiscard]] Index place(Index slot, Index i) const { return states_.backward ? i : slot; }

  const typename LogLinearChunkwise<S>::States& states_;
  Index width_;
};

/// Level of the block that waits in the counter's lowest digit.
int lowest_level(Index chunk) { return std::countr_zero(static_cast<std::uint64_t>(chunk)) + 1; }

}  // namespace

template <class S>
auto LogLinearChunkwise<S>::begin(Index tokens, Index width, Index chunk, bool has_levels,
                                  bool backward, Workspace<S>& workspace) -> States {
  const Index chunks = (tokens + chunk - 1) / chunk;
  const Index slots = Counter{has_levels}.slots(chunks);
  const Index size = width * width;
  return States{chunk,
                chunks,
                has_levels,
                backward,
                workspace.take((backward ? chunks - 1 : slots) * size),
                workspace.take(backward ? chunks : slots),
                backward ? workspace.take(slots * size) : nullptr};
}

template <class S>
std::int64_t LogLinearChunkwise<S>::states_size(std::int64_t tokens, std::int64_t width,
                                                std::int64_t chunk, bool has_levels) noexcept {
  const std::int64_t chunks = (tokens + chunk - 1) / chunk;
  return (chunks - 1 + Counter{has_levels}.slots(chunks)) * width * width + chunks;
}

template <class S>
auto LogLinearChunkwise<S>::forward(const CoreInput<S>& in, Index first_chunk, const States& states,
                                    View<S> y, Workspace<S>& workspace) -> Tape {
  const Index length = in.tokens();
  const Index width = in.k.cols();
  const Index chunk = states.chunk;
  const Counter counter{states.has_levels};
  const StateViews<S> at(states, width);
  const Tape tape{workspace.take(length * chunk), workspace.take(length * chunk),
                  workspace.take(length)};
  const typename Workspace<S>::Scope scope(workspace);
  View<S> scratch = workspace.matrix(chunk, chunk);
  const View<S> scaled_block = workspace.matrix(chunk, width);
  const View<S> own_block = workspace.matrix(width, width);
  S* scale = workspace.take(chunk);
  S* room = workspace.take(Chunk<S>::room_size(in, chunk));

  for (Index start = 0; start < length; start += chunk) {
    const Index i = first_chunk + start / chunk;
    Chunk<S> c(in, chunk, start / chunk, tape, room);
    const View<S> y_chunk = recollect::rows(y, c.start, c.count);
    View<S> scaled = recollect::rows(scaled_block, 0, c.count);
    View<S> weights(scratch.data(), c.count, c.count, Eigen::OuterStride<>(chunk));

    fill_from_start(in, c);
    product_nt_lower<S>(c.q, c.k, c.scores);
    for (Index t = 0; t < c.count; ++t) {
      S* decays = c.decays.data() + t * chunk;
      if (in.g == nullptr) {
        std::fill(decays, decays + t + 1, S(1));
      } else {
        exp_shifted<S>(c.from_start, S(-1), c.from_start[t], t + 1, decays);
      }
      weigh_row<S>(c.lambda, t, t, band_end(t, c.count), c.scores.data() + t * chunk, decays,
                   weights.data() + t * chunk);
    }
    product_nn_lower<S>(constant(weights), c.v, y_chunk);

    S gap = 0;  // decay from the end of the block that is read to the start of this chunk
    counter.for_each_read(i, [&](Index slot, Index j) {
      exp_shifted<S>(c.from_start, S(1), gap, c.count, scale);
      if (in.has_levels()) {
        weigh(c.lambda, level_column(lowest_level(chunk) + slot, c.lambda.cols()), scale);
      }
      scale_rows<S>(scale, c.q, scaled, false);
      product_nn<S>(constant(scaled), constant(at.state(slot, j)), y_chunk, Write::kAccumulate);
      gap += at.block_g(slot, j);
    });

    if (i + 1 == states.chunks) break;  // nobody reads the last chunk's state
    exp_shifted<S>(c.from_start, S(-1), c.total(), c.count, scale);
    scale_rows<S>(scale, c.k, scaled, false);
    const Index to = counter.slot_after(i);
    // Its place is free, unless one state stands for all.
    View<S> own = in.has_levels() || states.backward ? at.state(to, i) : own_block;
    product_tn<S>(constant(scaled), c.v, own);
    S own_g = c.total();
    counter.for_each_merge(i, [&](Index slot, Index j) {
      scale_numbers<S>(portable::exp(own_g), at.state(slot, j).data(), own.data(), at.size(), true);
      own_g += at.block_g(slot, j);
    });
    if (own.data() == own_block.data()) at.state(to, i) = own;
    at.block_g(to, i) = own_g;
  }
  return tape;
}

template <class S>
void LogLinearChunkwise<S>::backward(const CoreInput<S>& in, Index first_chunk,
                                     const States& states, const Tape& tape, ConstView<S> y,
                                     ConstView<S> dy, const CoreGradient<S>& out,
                                     Workspace<S>& workspace) {
  const Index length = in.tokens();
  const Index width = in.k.cols();
  const Index chunk = states.chunk;
  const Counter counter{states.has_levels};
  const StateViews<S> at(states, width);
  const typename Workspace<S>::Scope scope(workspace);
  View<S> weight_block = workspace.matrix(chunk, chunk);
  View<S> d_weight_block = workspace.matrix(chunk, chunk);
  const View<S> scaled_block = workspace.matrix(chunk, width);
  const View<S> through_block = workspace.matrix(chunk, width);
  S* decay = workspace.take(chunk);
  S* scale = workspace.take(chunk);
  S* room = workspace.take(Chunk<S>::room_size(in, chunk));
  View<S> dlambda_all = out.dlambda;
  dlambda_all.setZero();

  for (Index start = (length - 1) / chunk * chunk; start >= 0; start -= chunk) {
    const Index i = first_chunk + start / chunk;
    const Chunk<S> c(in, chunk, start / chunk, tape, room);
    const ConstView<S> dy_chunk = recollect::rows(dy, c.start, c.count);
    View<S> dq = recollect::rows(out.dq, c.start, c.count);
    View<S> dk = recollect::rows(out.dk, c.start, c.count);
    View<S> dv = recollect::rows(out.dv, c.start, c.count);
    View<S> dlambda =
        recollect::rows(out.dlambda, in.has_levels() ? c.start : 0, in.has_levels() ? c.count : 0);
    View<S> weights(weight_block.data(), c.count, c.count, Eigen::OuterStride<>(chunk));
    View<S> d_weights(d_weight_block.data(), c.count, c.count, Eigen::OuterStride<>(chunk));
    View<S> scaled = recollect::rows(scaled_block, 0, c.count);
    View<S> through = recollect::rows(through_block, 0, c.count);

    // What flows between the chunks up to this one and those after it.
    S between = 0;
    if (i + 1 == states.chunks) {
      counter.for_each_read(i, [&](Index slot, Index) { at.d_state(slot).setZero(); });
    } else if (out.dg != nullptr) {
      counter.for_each_read(i + 1, [&](Index slot, Index j) {
        between += inner_product<S>(at.d_state(slot).data(), at.state(slot, j).data(), at.size());
      });
    }

    // Inside the chunk: y = (scores * mask) v.
    product_nt_lower<S>(dy_chunk, c.v, d_weights);
    for (Index t = 0; t < c.count; ++t) {
      const Index row = t * chunk;
      weigh_row_backward<S>(c.lambda, t, t, band_end(t, c.count), c.scores.data() + row,
                            c.decays.data() + row, d_weights.data() + row, weights.data() + row,
                            dlambda);
    }
    product_tn_lower<S>(constant(weights), dy_chunk, dv);
    product_nn_lower<S>(constant(d_weights), c.k, dq);
    product_tn_lower<S>(constant(d_weights), c.q, dk);

    // The state that chunk i completed: its own part, and the states that merged into it.
    if (i + 1 < states.chunks) {
      const View<S> ds = at.d_state(counter.slot_after(i));
      exp_shifted<S>(c.from_start, S(-1), c.total(), c.count, scale);
      scale_rows<S>(scale, c.k, scaled, false);
      product_nn<S>(constant(scaled), constant(ds), dv, Write::kAccumulate);
      product_nt<S>(c.v, constant(ds), through);
      scale_rows<S>(scale, constant(through), dk, true);
      S gap = c.total();
      counter.for_each_merge(i, [&](Index slot, Index j) {
        scale_numbers<S>(portable::exp(gap), ds.data(), at.d_state(slot).data(), at.size(), false);
        gap += at.block_g(slot, j);
      });
    }

    // The states that chunk i read.
    S gap = 0;
    counter.for_each_read(i, [&](Index slot, Index j) {
      const Index column = level_column(lowest_level(chunk) + slot, c.lambda.cols());
      exp_shifted<S>(c.from_start, S(1), gap, c.count, decay);
      std::copy(decay, decay + c.count, scale);
      if (in.has_levels()) weigh(c.lambda, column, scale);
      product_nt<S>(dy_chunk, constant(at.state(slot, j)), through);
      read_backward<S>(decay, scale, c.q, constant(through), dq, scaled, dlambda, column);
      product_tn<S>(constant(scaled), dy_chunk, at.d_state(slot), Write::kAccumulate);
      gap += at.block_g(slot, j);
    });

    if (out.dg != nullptr) {
      gate_gradient<S>(between, dy_chunk, recollect::rows(y, c.start, c.count), constant(dv), c.v,
                       out.dg + c.start);
    }
  }
}

template struct LogLinearChunkwise<float>;
template struct LogLinearChunkwise<double>;

}  // namespace recollect
