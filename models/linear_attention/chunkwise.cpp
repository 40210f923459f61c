#include <algorithm>
#include <bit>

#include "math/fenwick.hpp"
#include "models/kernels/products.hpp"
#include "models/kernels/rows.hpp"
#include "models/linear_attention/chunk_kernels.hpp"
#include "models/linear_attention/core.hpp"

namespace recollect {
namespace {

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
        v(rows_of(in, in.v, room + 2 * count * in.k.cols())),
        lambda(
            recollect::rows(in.lambda, in.has_levels() ? start : 0, in.has_levels() ? count : 0)),
        scores(tape.scores + start * chunk, count, count, chunk),
        decays(tape.decays + start * chunk, count, count, chunk),
        from_start(tape.from_start + start) {}

  [[nodiscard]] S total() const { return from_start[count - 1]; }

  /// Numbers that rows looked up in tables take.
  [[nodiscard]] static Index room_size(const CoreInput<S>& in, Index chunk) {
    return in.ids.empty() ? 0 : chunk * (2 * in.k.cols() + in.v.cols());
  }

 private:
  [[nodiscard]] ConstView<S> rows_of(const CoreInput<S>& in, const ConstView<S>& from,
                                     S* room) const {
    if (in.ids.empty()) return recollect::rows(from, start, count);
    const View<S> picked = view(room, count, from.cols());
    gather_rows<S>(from, in.ids.subspan(static_cast<std::size_t>(start)), picked);
    return picked;
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

}  // namespace

template <class S>
auto LogLinearChunkwise<S>::forward(const CoreInput<S>& in, Index first_chunk, const States& states,
                                    View<S> y, Workspace<S>& workspace) -> Tape {
  const Index length = in.tokens();
  const Index key_width = in.k.cols();
  const Index chunk = states.chunk;
  const ChunkCounter& counter = states.counter;
  const auto matrix_of = [&](S* state) { return view(state, key_width, in.v.cols()); };
  const Tape tape{workspace.take(length * chunk), workspace.take(length * chunk),
                  workspace.take(length)};
  const typename Workspace<S>::Scope scope(workspace);
  View<S> scratch = workspace.matrix(chunk, chunk);
  const View<S> scaled_block = workspace.matrix(chunk, key_width);
  S* own_room = workspace.take(states.size);
  S* scale = workspace.take(chunk);
  S* room = workspace.take(Chunk<S>::room_size(in, chunk));

  for (Index start = 0; start < length; start += chunk) {
    const Index i = first_chunk + start / chunk;
    Chunk<S> c(in, chunk, start / chunk, tape, room);
    const View<S> y_chunk = recollect::rows(y, c.start, c.count);
    View<S> scaled = recollect::rows(scaled_block, 0, c.count);
    View<S> weights(scratch.data(), c.count, c.count, chunk);

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
    product_nn_lower<S>(weights, c.v, y_chunk);

    S gap = 0;  // decay from the end of the block that is read to the start of this chunk
    counter.for_each_read(i, [&](Index slot, Index j) {
      exp_shifted<S>(c.from_start, S(1), gap, c.count, scale);
      if (in.has_levels()) {
        weigh(c.lambda, level_column(states.level(slot), c.lambda.cols()), scale);
      }
      scale_rows<S>(scale, c.q, scaled, false);
      product_nn<S>(scaled, matrix_of(states.state(slot, j)), y_chunk, Write::kAccumulate);
      gap += states.g_of(slot, j);
    });

    if (states.is_last(i)) break;  // nobody reads the last chunk's state
    exp_shifted<S>(c.from_start, S(-1), c.total(), c.count, scale);
    scale_rows<S>(scale, c.k, scaled, false);
    S* own = states.own(i, own_room);
    product_tn<S>(scaled, c.v, matrix_of(own));
    states.complete(i, own, c.total());
  }
  return tape;
}

template <class S>
void LogLinearChunkwise<S>::backward(const CoreInput<S>& in, Index first_chunk,
                                     const States& states, const Tape& tape, ConstView<S> y,
                                     ConstView<S> dy, const CoreGradient<S>& out,
                                     Workspace<S>& workspace) {
  const Index length = in.tokens();
  const Index key_width = in.k.cols();
  const Index chunk = states.chunk;
  const ChunkCounter& counter = states.counter;
  const auto matrix_of = [&](S* state) { return view(state, key_width, in.v.cols()); };
  const typename Workspace<S>::Scope scope(workspace);
  View<S> weight_block = workspace.matrix(chunk, chunk);
  View<S> d_weight_block = workspace.matrix(chunk, chunk);
  const View<S> scaled_block = workspace.matrix(chunk, key_width);
  const View<S> through_block = workspace.matrix(chunk, key_width);
  S* decay = workspace.take(chunk);
  S* scale = workspace.take(chunk);
  S* room = workspace.take(Chunk<S>::room_size(in, chunk));
  View<S> dlambda_all = out.dlambda;
  set_zero(dlambda_all);

  for (Index start = (length - 1) / chunk * chunk; start >= 0; start -= chunk) {
    const Index i = first_chunk + start / chunk;
    const Chunk<S> c(in, chunk, start / chunk, tape, room);
    const ConstView<S> dy_chunk = recollect::rows(dy, c.start, c.count);
    View<S> dq = recollect::rows(out.dq, c.start, c.count);
    View<S> dk = recollect::rows(out.dk, c.start, c.count);
    View<S> dv = recollect::rows(out.dv, c.start, c.count);
    View<S> dlambda =
        recollect::rows(out.dlambda, in.has_levels() ? c.start : 0, in.has_levels() ? c.count : 0);
    View<S> weights(weight_block.data(), c.count, c.count, chunk);
    View<S> d_weights(d_weight_block.data(), c.count, c.count, chunk);
    View<S> scaled = recollect::rows(scaled_block, 0, c.count);
    View<S> through = recollect::rows(through_block, 0, c.count);

    const S between = states.begin_backward(i, out.dg != nullptr);

    // Inside the chunk: y = (scores * mask) v.
    product_nt_lower<S>(dy_chunk, c.v, d_weights);
    for (Index t = 0; t < c.count; ++t) {
      const Index row = t * chunk;
      weigh_row_backward<S>(c.lambda, t, t, band_end(t, c.count), c.scores.data() + row,
                            c.decays.data() + row, d_weights.data() + row, weights.data() + row,
                            dlambda);
    }
    product_tn_lower<S>(weights, dy_chunk, dv);
    product_nn_lower<S>(d_weights, c.k, dq);
    product_tn_lower<S>(d_weights, c.q, dk);

    // The state that chunk i completed: its own part, and the states that merged into it.
    if (!states.is_last(i)) {
      const View<S> ds = matrix_of(states.d_state(counter.slot_after(i)));
      exp_shifted<S>(c.from_start, S(-1), c.total(), c.count, scale);
      scale_rows<S>(scale, c.k, scaled, false);
      product_nn<S>(scaled, ds, dv, Write::kAccumulate);
      product_nt<S>(c.v, ds, through);
      scale_rows<S>(scale, through, dk, true);
      states.complete_backward(i, c.total());
    }

    // The states that chunk i read.
    S gap = 0;
    counter.for_each_read(i, [&](Index slot, Index j) {
      const Index column = level_column(states.level(slot), c.lambda.cols());
      exp_shifted<S>(c.from_start, S(1), gap, c.count, decay);
      std::copy(decay, decay + c.count, scale);
      if (in.has_levels()) weigh(c.lambda, column, scale);
      product_nt<S>(dy_chunk, matrix_of(states.state(slot, j)), through);
      read_backward<S>(decay, scale, c.q, through, dq, scaled, dlambda, column);
      product_tn<S>(scaled, dy_chunk, matrix_of(states.d_state(slot)), Write::kAccumulate);
      gap += states.g_of(slot, j);
    });

    if (out.dg != nullptr) {
      gate_gradient<S>(between, dy_chunk, recollect::rows(y, c.start, c.count), dv, c.v,
                       out.dg + c.start);
    }
  }
}

template struct LogLinearChunkwise<float>;
template struct LogLinearChunkwise<double>;

}  // namespace recollect
