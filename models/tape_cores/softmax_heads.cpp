#include "models/tape_cores/softmax_heads.hpp"

#include <algorithm>
#include <cmath>

#include "models/attention/softmax_attention.hpp"

namespace recollect {

using tape::Backward;
using tape::Slot;
using tape::Var;

template <class S>
struct SoftmaxHeads<S>::Keys {
  View<const S> k, v;
  VisibleKeys visible;
};

template <class S>
S SoftmaxHeads<S>::scale() const {
  return S(1) / std::sqrt(static_cast<S>(shape_.key_width));
}

template <class S>
auto SoftmaxHeads<S>::begin(const SequenceShape& shape, Workspace<S>& workspace) const -> Carry* {
  Carry carry;
  if (shape.all()) {
    const auto tokens = static_cast<Index>(shape.tokens);
    carry.whole = shape.backward || shape_.window == 0 || shape_.window >= tokens;
    const Index rows = carry.whole ? tokens : shape_.window - 1;
    const Index keys = rows * shape_.heads * shape_.key_width;
    const Index values = rows * shape_.heads * shape_.value_width;
    carry.k = workspace.take(keys);
    carry.v = workspace.take(values);
    if (shape.backward) {
      carry.dk = workspace.take(keys);
      carry.dv = workspace.take(values);
      std::fill_n(carry.dk, keys, S(0));
      std::fill_n(carry.dv, values, S(0));
    }
  }
  return workspace.record(carry);
}

template <class S>
auto SoftmaxHeads<S>::keys_of(const Var<S>& k, const Var<S>& v, const Queries& queries,
                              Carry& carry, Workspace<S>& workspace) const -> Keys {
  if (!queries.all) return {k.value(), v.value(), {0, shape_.window}};
  const Index n = k.rows();
  const Index first = queries.first();
  if (carry.whole) {
    const auto kept = [&](S* all, const Var<S>& own) {
      const View<S> seen = view(all, first + n, own.cols());
      copy<const S, S>(own.value(), rows(seen, first, n));
      return seen;
    };
    return {kept(carry.k, k), kept(carry.v, v), {0, shape_.window}};
  }
  const Index before = carry.kept;
  const Index last = std::min(before + n, shape_.window - 1);
  const auto joined = [&](S* handed_on, const Var<S>& own) {
    const View<S> seen = workspace.matrix(before + n, own.cols());
    copy(view(handed_on, before, own.cols()), rows(seen, 0, before));
    copy<const S, S>(own.value(), rows(seen, before, n));
    copy(rows(seen, before + n - last, last), view(handed_on, last, own.cols()));
    return seen;
  };
  carry.kept = last;
  return {joined(carry.k, k), joined(carry.v, v), {first - before, shape_.window}};
}

template <class S>
Var<S> SoftmaxHeads<S>::run(tape::Tape<S>& tape, const Var<S>& q, const Var<S>& k, const Var<S>& v,
                            const Queries& queries, Carry& carry) const {
  const Keys keys = keys_of(k, v, queries, carry, tape.workspace());
  const tape::Output<S> y = tape.matrix(q.rows(), shape_.heads * shape_.value_width);
  S* log_sums = tape.workspace().take(shape_.heads * q.rows());
  const auto key_columns = [this](auto m, Index h) {
    return columns(m, h * shape_.key_width, shape_.key_width);
  };
  const auto value_columns = [this](auto m, Index h) {
    return columns(m, h * shape_.value_width, shape_.value_width);
  };
  for (Index h = 0; h < shape_.heads; ++h) {
    SoftmaxAttention<S>::forward(
        key_columns(q.value(), h), key_columns(keys.k, h), value_columns(keys.v, h), queries,
        scale(), value_columns(y.view, h), log_sums + h * q.rows(), tape.workspace(), keys.visible);
  }
  const Var<S> made = y.var;
  tape.record(made, [this, q, k, v, queries, &carry, keys, made, log_sums, key_columns,
                     value_columns](Backward<S>& walk, ConstView<S> dy) {
    const Slot<S> dq = walk.slot(q);
    const Slot<S> dk = walk.slot(k);
    const Slot<S> dv = walk.slot(v);
    const auto q_room = walk.scratch(dq.adds() ? q.rows() : 0, q.cols());
    const View<S> dq_own = dq.adds() ? q_room.view() : dq.to;
    // Gradients of earlier segments' keys and values grow until those segments are reached.
    const auto grown = [&](const Slot<S>& slot, S* all, Index count) {
      if (queries.all) return view(all, count, slot.to.cols());
      if (!slot.adds()) set_zero(slot.to);
      return slot.to;
    };
    const View<S> dk_seen = grown(dk, carry.dk, keys.k.rows());
    const View<S> dv_seen = grown(dv, carry.dv, keys.v.rows());
    for (Index h = 0; h < shape_.heads; ++h) {
      SoftmaxAttention<S>::backward(
          key_columns(q.value(), h), key_columns(keys.k, h), value_columns(keys.v, h), queries,
          scale(), value_columns(made.value(), h), log_sums + h * q.rows(),
          value_columns(View<const S>(dy), h), key_columns(dq_own, h), key_columns(dk_seen, h),
          value_columns(dv_seen, h), walk.workspace(), keys.visible);
    }
    if (dq.adds()) add(dq_own, dq.to);
    if (!queries.all) return;
    dk.take(rows(dk_seen, queries.first(), k.rows()));
    dv.take(rows(dv_seen, queries.first(), v.rows()));
  });
  return made;
}

template <class S>
double SoftmaxHeads<S>::multiply_adds(const SequenceShape& shape) const noexcept {
  const auto tokens = static_cast<double>(shape.tokens);
  const double window =
      shape_.window == 0 ? tokens : std::min(tokens, static_cast<double>(shape_.window));
  const double pairs = shape.all() ? window * (window + 1) / 2 + (tokens - window) * window
                                   : static_cast<double>(shape.queries) * window;
  return pairs * static_cast<double>(shape_.heads * (shape_.key_width + shape_.value_width));
}

template <class S>
std::int64_t SoftmaxHeads<S>::state(std::int64_t tokens) const noexcept {
  const std::int64_t rows =
      shape_.window == 0 ? tokens : std::min<std::int64_t>(tokens, shape_.window);
  return rows * shape_.heads * (shape_.key_width + shape_.value_width);
}

template class SoftmaxHeads<float>;
template class SoftmaxHeads<double>;

}  // namespace recollect
