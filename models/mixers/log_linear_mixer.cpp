#include "models/mixers/log_linear_mixer.hpp"

#include "models/kernels/rows.hpp"
#include "models/shortcuts/log_linear_table.hpp"

namespace recollect {

template <class S>
struct LogLinearMixer<S>::MyCarry : Carry {
  typename LogLinearHeads<S>::Carry heads;
};

/// The core runs at `queries`, which may be more than the caller asked for.
template <class S>
struct LogLinearMixer<S>::MyTape : Tape {
  Queries queries;
  bool expanded;
  typename Projections<S>::Result qkv;
  typename DecayGate<S>::Result gate;
  View<S> lambda;  ///< (R, H L)
  const typename LevelWeights<S>::Tape* lambda_tape;
  View<S> core;       ///< (R, H width) the output of the heads
  View<S> mixed;      ///< (R, D) core, or W_v of it where values are absorbed
  View<S> output_in;  ///< what W_o reads: mixed, at the queries that were asked for
  typename LogLinearHeads<S>::Tape heads;

  [[nodiscard]] HeadInputs<S> inputs() const {
    return HeadInputs<S>{qkv.q, qkv.k, qkv.v, gate.g, lambda};
  }
};

template <class S>
LogLinearMixer<S>::LogLinearMixer(const LayerContext& context, const LogLinearCore& core,
                                  LogLinearParts<S>&& parts)
    : parts_(std::move(parts)) {
  if (context.vocab == 0 || !context.execution.shortcuts) return;
  first_layer_ = std::make_unique<LogLinearTable<S>>(parts_, context.vocab, core.first_layer_by_id);
}

template <class S>
void LogLinearMixer<S>::begin_step(const S* theta, const StepShape& step) {
  parts_.projections.begin_step(theta, step.longest);
  parts_.output.begin_step(theta);
}

template <class S>
auto LogLinearMixer<S>::begin(const SequenceShape& shape, Workspace<S>& workspace) const -> Carry* {
  return workspace.record(MyCarry{{}, parts_.heads.begin(shape, workspace)});
}

template <class S>
auto LogLinearMixer<S>::forward(const S* theta, ConstView<S> u, const Queries& asked,
                                Carry* opaque_carry, View<S> y, Workspace<S>& workspace) const
    -> const Tape* {
  MyCarry& carry = *static_cast<MyCarry*>(opaque_carry);
  const auto& projections = parts_.projections;
  const bool expanded = parts_.heads.expands(asked);
  const Queries queries = expanded ? expand_queries(u.rows(), workspace) : asked;
  if (expanded) parts_.heads.begin_states(u.rows(), carry.heads, workspace);

  const bool may_absorb = !queries.all && parts_.heads.dense_at(queries);
  const View<S> mixed = workspace.matrix(queries.count(), parts_.width());
  const View<S> room =
      workspace.matrix(u.rows(), projections.room_columns(u.rows(), queries, may_absorb));
  const auto qkv = projections.forward(theta, u, queries, may_absorb, room, workspace);
  const auto gate = parts_.gate.forward(theta, u, workspace);
  const View<S> lambda = workspace.matrix(queries.count(), parts_.head_count() * parts_.levels());
  const auto* lambda_tape = parts_.level_weights->forward(theta, qkv.u_queries, lambda, workspace);
  const View<S> core = projections.core_output(qkv, mixed, workspace);
  const View<S> output_in = expanded ? workspace.matrix(asked.count(), parts_.width()) : mixed;
  MyTape* tape = workspace.record(
      MyTape{{}, queries, expanded, qkv, gate, lambda, lambda_tape, core, mixed, output_in, {}});
  tape->heads = parts_.heads.forward(tape->inputs(), queries, carry.heads, core, workspace);
  projections.finish(theta, qkv, core, mixed);
  if (expanded) gather_rows<S>(mixed, asked.positions, output_in);
  parts_.output.forward(output_in, y);
  return tape;
}

template <class S>
void LogLinearMixer<S>::backward(const S* theta, S* gradient, ConstView<S> u, const Queries& asked,
                                 const Tape* opaque, Carry* opaque_carry, ConstView<S> dy,
                                 View<S> du, Workspace<S>& workspace) const {
  const MyTape& tape = *static_cast<const MyTape*>(opaque);
  const MyCarry& carry = *static_cast<const MyCarry*>(opaque_carry);
  const typename Workspace<S>::Scope scope(workspace);
  const auto& projections = parts_.projections;
  const Queries& queries = tape.queries;
  const Index heads = parts_.head_count();

  const View<S> d_mixed = parts_.output_backward(
      theta, gradient, tape.output_in, asked, tape.expanded ? queries.count() : 0, dy, workspace);
  const ConstView<S> d_core =
      projections.finish_backward(theta, gradient, tape.qkv, tape.core, d_mixed, workspace);
  const bool may_absorb = !queries.all && tape.heads.dense;
  const View<S> room =
      workspace.matrix(u.rows(), projections.room_columns(u.rows(), queries, may_absorb));
  const auto d = projections.gradients(tape.qkv, room, workspace);
  const View<S> d_lambda = workspace.matrix(queries.count(), heads * parts_.levels());
  S* dg = parts_.gate.present() ? workspace.take(heads * u.rows()) : nullptr;
  parts_.heads.backward(tape.inputs(), queries, carry.heads, tape.heads, tape.core, d_core,
                        HeadGradients<S>{d.q, d.k, d.v, dg, d_lambda}, workspace);

  projections.backward(theta, gradient, u, queries, tape.qkv, d, du, workspace);
  parts_.gate.backward(theta, gradient, u, tape.gate, dg, du);
  if (queries.all) {
    parts_.level_weights->backward(theta, gradient, tape.qkv.u_queries, tape.lambda_tape,
                                   tape.lambda, d_lambda, du, workspace);
    return;
  }
  const View<S> du_queries = workspace.matrix(queries.count(), u.cols());
  set_zero(du_queries);
  parts_.level_weights->backward(theta, gradient, tape.qkv.u_queries, tape.lambda_tape, tape.lambda,
                                 d_lambda, du_queries, workspace);
  add_to_rows<S>(du_queries, queries.positions, du);
}

template <class S>
Cost LogLinearMixer<S>::cost(const SequenceShape& shape) const noexcept {
  SequenceShape computed = shape;
  const bool dense = parts_.heads.dense_at(shape);
  const bool expanded = !dense && !shape.all();
  if (expanded) computed.queries = shape.tokens;
  const std::int64_t width = parts_.width();
  const std::int64_t lambda = parts_.head_count() * parts_.levels();
  const std::int64_t gates = parts_.gate.present() ? parts_.head_count() * shape.tokens : 0;

  Cost cost = parts_.heads.cost(computed);
  const Cost qkv = parts_.projections.cost(computed, dense && !shape.all());
  cost.multiply_adds +=
      qkv.multiply_adds + parts_.gate.multiply_adds(shape.tokens) +
      parts_.level_weights->multiply_adds() * static_cast<double>(computed.queries) +
      static_cast<double>(shape.queries * width * width);
  cost.tape += qkv.tape + 2 * gates + computed.queries * (width + lambda) +
               computed.queries * parts_.level_weights->tape_row();
  if (expanded) cost.tape += cost.carry + shape.tokens + shape.queries * width;
  if (expanded) cost.carry = 0;
  if (!shape.backward) return cost;
  cost.scratch += qkv.scratch + computed.queries * (width + lambda) + gates +
                  computed.queries * parts_.level_weights->scratch_row();
  return cost;
}

template <class S>
MixerView<S> LogLinearMixer<S>::inspect(const Tape* opaque) const {
  const MyTape& tape = *static_cast<const MyTape*>(opaque);
  return {.heads = parts_.head_count(),
          .lambda = tape.lambda,
          .gate = tape.gate.g,
          .attention = AttentionKind::kLinear,
          .q = tape.qkv.q,
          .k = tape.qkv.k};
}

template class LogLinearMixer<float>;
template class LogLinearMixer<double>;

}  // namespace recollect
