#include "models/tape_cores/heads.hpp"

namespace recollect {
namespace {

using tape::Backward;
using tape::Slot;
using tape::Var;

/// The core overwrites its gradients: where others add to one, it writes to scratch first.
template <class S>
void finish(const Slot<S>& slot, View<S> scratch) {
  if (slot.adds()) add(scratch, slot.to);
}
template <class S>
[[nodiscard]] View<S> target(const Slot<S>& slot, View<S> scratch) {
  return slot.adds() ? scratch : slot.to;
}

}  // namespace

template <class S>
Var<S> log_linear_heads(tape::Tape<S>& tape, const LogLinearHeads<S>& heads, const TapeHeads<S>& in,
                        const Queries& queries, const typename LogLinearHeads<S>::Carry& carry) {
  const Index n = in.k.rows();
  const Index count = heads.shape().heads;
  S* g = nullptr;  // (H, n)
  if (!in.g.empty()) {
    g = tape.workspace().take(count * n);
    for (Index t = 0; t < n; ++t) {
      for (Index h = 0; h < count; ++h) g[h * n + t] = in.g.value()(t, h);
    }
  }
  const HeadInputs<S> inputs{
      in.q.value(), in.k.value(), in.v.value(), g,
      in.lambda.empty() ? View<const S>(nullptr, in.q.rows(), 0, 0) : in.lambda.value()};
  const tape::Output<S> y = tape.matrix(in.q.rows(), count * heads.shape().value_width);
  const auto kept = heads.forward(inputs, queries, carry, y.view, tape.workspace());
  const Var<S> made = y.var;
  tape.record(made, [&heads, in, inputs, queries, carry, kept, made, n, count](Backward<S>& walk,
                                                                               ConstView<S> dy) {
    const Slot<S> dq = walk.slot(in.q);
    const Slot<S> dk = walk.slot(in.k);
    const Slot<S> dv = walk.slot(in.v);
    const auto room = [&](const Slot<S>& slot) {
      return walk.scratch(slot.adds() ? slot.to.rows() : 0, slot.to.cols());
    };
    const auto q_room = room(dq);
    const auto k_room = room(dk);
    const auto v_room = room(dv);
    const auto g_room = walk.scratch(count, in.g.empty() ? 0 : n);
    const auto lambda_room = walk.scratch(in.q.rows(), in.lambda.cols());
    const HeadGradients<S> out{target(dq, q_room.view()), target(dk, k_room.view()),
                               target(dv, v_room.view()),
                               in.g.empty() ? nullptr : g_room.view().data(), lambda_room.view()};
    {
      const typename Workspace<S>::Scope scope(walk.workspace());
      heads.backward(inputs, queries, carry, kept, made.value(), dy, out, walk.workspace());
    }
    finish(dq, q_room.view());
    finish(dk, k_room.view());
    finish(dv, v_room.view());
    if (!in.g.empty()) {
      const Slot<S> dg = walk.slot(in.g);
      for (Index t = 0; t < n; ++t) {
        for (Index h = 0; h < count; ++h) {
          dg.take(t, h, g_room.view()(h, t));
        }
      }
    }
    if (!in.lambda.empty()) walk.slot(in.lambda).take(lambda_room.view());
  });
  return made;
}

template Var<float> log_linear_heads<float>(tape::Tape<float>&, const LogLinearHeads<float>&,
                                            const TapeHeads<float>&, const Queries&,
                                            const LogLinearHeads<float>::Carry&);
template Var<double> log_linear_heads<double>(tape::Tape<double>&, const LogLinearHeads<double>&,
                                              const TapeHeads<double>&, const Queries&,
                                              const LogLinearHeads<double>::Carry&);

}  // namespace recollect
