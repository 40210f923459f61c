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

namespace {

/// The backward pass of one segment, chunk by chunk from its end. Inside a chunk y = P v with
/// P = (q k^T) * M, so
///
///   dv = P^T dy     dP = dy v^T     dq = (dP * M) k     dk = (dP * M)^T q     dM = dP * (q k^T)
///
/// A state S that the chunk reads adds scale_t q_t S, scale = decay * lambda, and the chunk's own
/// part of the state that it completes is sum_t decay_t k_t v_t^T, so
///
///   dq_t += scale_t S dy_t     dS += sum_t scale_t q_t dy_t^T     dlambda_t += decay_t (q_t . S
///   dy_t) dk_t += decay_t dS v_t     dv_t += decay_t dS^T k_t
///
/// and the gate needs no more than dG_t = dy_t . y_t - dv_t . v_t, summed from the end.
template <class S>
class Backward {
 public:
  Backward(const CoreInput<S>& in, const ChunkStates<S>& states, const CoreGradient<S>& out,
           Workspace<S>& workspace)
      : in_(in),
        states_(states),
        out_(out),
        weights_(workspace.matrix(states.chunk, states.chunk)),
        d_weights_(workspace.matrix(states.chunk, states.chunk)),
        scaled_(workspace.matrix(states.chunk, in.k.cols())),
        through_(workspace.matrix(states.chunk, in.k.cols())),
        decay_(workspace.take(states.chunk)),
        scale_(workspace.take(states.chunk)) {}

  /// @param y  what the forward pass wrote for the segment, and its gradient
  void chunk(const Chunk<S>& c, Index i, ConstView<S> y, ConstView<S> dy) {
    const ConstView<S> dy_chunk = rows(dy, c.start, c.count);
    const View<S> dv = rows(out_.dv, c.start, c.count);
    const S between = states_.begin_backward(i, out_.dg != nullptr);
    inside(c, dy_chunk);
    if (!states_.is_last(i)) completed_state(c, i);
    read_states(c, i, dy_chunk);
    if (out_.dg == nullptr) return;
    gate_gradient<S>(between, dy_chunk, rows(y, c.start, c.count), dv, c.v, out_.dg + c.start);
  }

 private:
  [[nodiscard]] View<S> of(View<S> m, const Chunk<S>& c) const { return rows(m, c.start, c.count); }
  [[nodiscard]] View<S> d_lambda(const Chunk<S>& c) const {
    return in_.has_levels() ? of(out_.dlambda, c) : rows(out_.dlambda, 0, 0);
  }
  [[nodiscard]] View<S> matrix_of(S* state) const {
    return view(state, in_.k.cols(), in_.v.cols());
  }

  void inside(const Chunk<S>& c, ConstView<S> dy) {
    const Index chunk = states_.chunk;
    const View<S> weights(weights_.data(), c.count, c.count, chunk);
    const View<S> d_weights(d_weights_.data(), c.count, c.count, chunk);
    product_nt_lower<S>(dy, c.v, d_weights);
    for (Index t = 0; t < c.count; ++t) {
      const Index row = t * chunk;
      weigh_row_backward<S>(c.lambda, t, t, band_end(t, c.count), c.scores.data() + row,
                            c.decays.data() + row, d_weights.data() + row, weights.data() + row,
                            d_lambda(c));
    }
    product_tn_lower<S>(weights, dy, of(out_.dv, c));
    product_nn_lower<S>(d_weights, c.k, of(out_.dq, c));
    product_tn_lower<S>(d_weights, c.q, of(out_.dk, c));
  }

  /// The state that chunk i completed: its own part, and the states that merged into it.
  void completed_state(const Chunk<S>& c, Index i) {
    const View<S> ds = matrix_of(states_.d_state(states_.counter.slot_after(i)));
    const View<S> scaled = rows(scaled_, 0, c.count);
    const View<S> through = rows(through_, 0, c.count);
    exp_shifted<S>(c.from_start, S(-1), c.total(), c.count, scale_);
    scale_rows<S>(scale_, c.k, scaled, false);
    product_nn<S>(scaled, ds, of(out_.dv, c), Write::kAccumulate);
    product_nt<S>(c.v, ds, through);
    scale_rows<S>(scale_, through, of(out_.dk, c), true);
    states_.complete_backward(i, c.total());
  }

  void read_states(const Chunk<S>& c, Index i, ConstView<S> dy) {
    const View<S> scaled = rows(scaled_, 0, c.count);
    const View<S> through = rows(through_, 0, c.count);
    S gap = 0;
    states_.counter.for_each_read(i, [&](Index slot, Index j) {
      const Index column = level_column(states_.level(slot), c.lambda.cols());
      exp_shifted<S>(c.from_start, S(1), gap, c.count, decay_);
      std::copy(decay_, decay_ + c.count, scale_);
      if (in_.has_levels()) weigh<S>(c.lambda, column, scale_);
      product_nt<S>(dy, matrix_of(states_.state(slot, j)), through);
      read_backward<S>(decay_, scale_, c.q, through, of(out_.dq, c), scaled, d_lambda(c), column);
      product_tn<S>(scaled, dy, matrix_of(states_.d_state(slot)), Write::kAccumulate);
      gap += states_.g_of(slot, j);
    });
  }

  const CoreInput<S>& in_;
  const ChunkStates<S>& states_;
  const CoreGradient<S>& out_;
  View<S> weights_;    // (chunk, chunk) P
  View<S> d_weights_;  // (chunk, chunk) dP, then dP * M
  View<S> scaled_;     // (chunk, dk)
  View<S> through_;    // (chunk, dk)
  S* decay_;           // (chunk)
  S* scale_;           // (chunk)
};

}  // namespace

template <class S>
void LogLinearChunkwise<S>::backward(const CoreInput<S>& in, Index first_chunk,
                                     const States& states, const Tape& tape, ConstView<S> y,
                                     ConstView<S> dy, const CoreGradient<S>& out,
                                     Workspace<S>& workspace) {
  const typename Workspace<S>::Scope scope(workspace);
  const Index chunk = states.chunk;
  Backward<S> pass(in, states, out, workspace);
  S* room = workspace.take(Chunk<S>::room_size(in, chunk));
  set_zero(out.dlambda);
  for (Index start = (in.tokens() - 1) / chunk * chunk; start >= 0; start -= chunk) {
    const Chunk<S> c(in, chunk, start / chunk, tape, room);
    pass.chunk(c, first_chunk + start / chunk, y, dy);
  }
}

template struct LogLinearChunkwise<float>;
template struct LogLinearChunkwise<double>;

}  // namespace recollect
