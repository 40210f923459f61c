#include "models/shortcuts/log_linear_table.hpp"

#include "models/choose_path.hpp"
#include "models/kernels/rows.hpp"

namespace recollect {

template <class S>
struct LogLinearTable<S>::Table {
  QkvTable<S> qkv;
  typename DecayGate<S>::Result gate;  ///< (H, V)
  View<S> lambda;                      ///< (V, H L)
  const typename LevelWeights<S>::Tape* lambda_tape;
  const ByIdHeads<S>* by_id;  ///< null where the core runs by row
};

template <class S>
struct LogLinearTable<S>::MyCarry : Carry {
  S* table_gradient;
  typename LogLinearHeads<S>::Carry heads;
  const typename ByIdHeads<S>::Carry* by_id;
};

template <class S>
struct LogLinearTable<S>::MyTape : Tape {
  const typename ByIdHeads<S>::Tape* by_id;  ///< the others are unset where it is not null
  Queries queries;
  bool expanded;
  typename Projections<S>::Result qkv;
  std::span<const std::int32_t> ids;  ///< where q, k and v are rows of the table; else empty
  const S* g;
  View<S> lambda;
  View<S> mixed;
  View<S> output_in;
  typename LogLinearHeads<S>::Tape heads;

  [[nodiscard]] HeadInputs<S> inputs() const {
    return HeadInputs<S>{qkv.q, qkv.k, qkv.v, g, lambda, ids};
  }
};

template <class S>
bool LogLinearTable<S>::by_id(std::int64_t tokens) const noexcept {
  return may_run_by_id_ && choose_path::tabulate_by_id(tokens, vocab_);
}

template <class S>
Index LogLinearTable<S>::gradient_size(std::int64_t tokens) const noexcept {
  const Index wide = by_id(tokens)
                         ? ByIdHeads<S>::gradient_size(parts_.head_count(), vocab_, parts_.width())
                         : 3 * vocab_ * parts_.width();
  return wide + vocab_ * (gate_rows() + parts_.head_count() * parts_.levels());
}

template <class S>
auto LogLinearTable<S>::gradient_of(S* elements, Index wide) const -> Gradient {
  S* g = elements + wide;
  return Gradient{view(elements, vocab_, 3 * parts_.width()), view(g, gate_rows(), vocab_),
                  view(g + gate_rows() * vocab_, vocab_, parts_.head_count() * parts_.levels())};
}

template <class S>
void LogLinearTable<S>::begin_step(const S* theta, ConstView<S> u, const StepShape& step,
                                   Workspace<S>& workspace) {
  const QkvTable<S> qkv(parts_.projections, theta, u, step.threads, workspace);
  const auto gate = parts_.gate.forward(theta, u, workspace);
  const View<S> lambda = workspace.matrix(u.rows(), parts_.head_count() * parts_.levels());
  const auto* lambda_tape = parts_.level_weights->forward(theta, u, lambda, workspace);
  const ByIdHeads<S>* by_id_heads = nullptr;
  if (by_id(step.tokens)) {
    by_id_heads = workspace.record(ByIdHeads<S>(parts_.head_count(), qkv, gate.g, lambda,
                                                parts_.output.linear().weight.in(theta),
                                                step.threads, workspace));
  }
  table_ = workspace.record(Table{qkv, gate, lambda, lambda_tape, by_id_heads});
}

template <class S>
void LogLinearTable<S>::end_step(const S* theta, S* gradient, ConstView<S> u, S* table_gradient,
                                 View<S> du, int threads, Workspace<S>& workspace) {
  const Linear& all = parts_.projections.all();
  const bool by_id = table_->by_id != nullptr;
  const Gradient sums = gradient_of(
      table_gradient, by_id ? table_->by_id->gradient_size() : 3 * vocab_ * parts_.width());
  if (by_id) {
    const View<S> d_qkv = workspace.matrix(u.rows(), 3 * parts_.width());
    table_->by_id->end_step(table_gradient, parts_.output.linear().weight.in(theta),
                            parts_.output.linear().weight.in(gradient), d_qkv, threads);
    all.template backward<S>(theta, gradient, u, d_qkv, du, threads);
  } else {
    all.template backward<S>(theta, gradient, u, sums.qkv, du, threads);
  }
  parts_.level_weights->backward(theta, gradient, u, table_->lambda_tape, table_->lambda,
                                 sums.lambda, du, workspace);
  parts_.gate.backward(theta, gradient, u, table_->gate, sums.g.data(), du);
}

template <class S>
auto LogLinearTable<S>::begin(const SequenceShape& shape, std::span<const std::int32_t> ids,
                              S* table_gradient, Workspace<S>& workspace) const -> Carry* {
  if (table_->by_id != nullptr) {
    const auto* carry = table_->by_id->begin(ids, shape.backward, workspace);
    return workspace.record(MyCarry{{}, table_gradient, {}, carry});
  }
  return workspace.record(
      MyCarry{{}, table_gradient, parts_.heads.begin(shape, workspace), nullptr});
}

template <class S>
auto LogLinearTable<S>::forward(const S* theta, std::span<const std::int32_t> ids,
                                const Queries& asked, Carry* opaque_carry, View<S> y,
                                Workspace<S>& workspace) const -> const Tape* {
  (void)theta;
  MyCarry& carry = *static_cast<MyCarry*>(opaque_carry);
  if (carry.by_id != nullptr) {
    const auto* heads = table_->by_id->forward(*carry.by_id, ids, asked.first(), y, workspace);
    return workspace.record(MyTape{{}, heads, asked, false, {}, {}, nullptr, {}, {}, {}, {}});
  }
  const auto length = static_cast<Index>(ids.size());
  const auto& projections = parts_.projections;
  const bool expanded = parts_.heads.expands(asked);
  const Queries queries = expanded ? expand_queries(length, workspace) : asked;
  if (expanded) parts_.heads.begin_states(length, carry.heads, workspace);

  const bool in_place = !parts_.heads.dense_at(queries) &&
                        parts_.heads.shape().form != Form::kRecurrent &&
                        QkvTable<S>::read_in_place(projections, queries);
  const View<S> room =
      workspace.matrix(length, in_place ? 0 : projections.room_columns(length, queries, false));
  const auto qkv = in_place ? table_->qkv.in_place(projections)
                            : table_->qkv.look_up(projections, ids, queries, room, workspace);
  const auto gate = parts_.gate.look_up(table_->gate, vocab_, ids, workspace);
  const View<S> lambda = workspace.matrix(queries.count(), parts_.head_count() * parts_.levels());
  gather_rows<S>(table_->lambda, ids_at(queries, ids, workspace), lambda);
  const View<S> mixed = workspace.matrix(queries.count(), parts_.width());
  const View<S> output_in = expanded ? workspace.matrix(asked.count(), parts_.width()) : mixed;
  MyTape* tape = workspace.record(MyTape{{},
                                         nullptr,
                                         queries,
                                         expanded,
                                         qkv,
                                         in_place ? ids : std::span<const std::int32_t>(),
                                         gate.g,
                                         lambda,
                                         mixed,
                                         output_in,
                                         {}});
  tape->heads = parts_.heads.forward(tape->inputs(), queries, carry.heads, mixed, workspace);
  if (expanded) gather_rows<S>(mixed, asked.positions, output_in);
  parts_.output.forward(output_in, y);
  return tape;
}

template <class S>
void LogLinearTable<S>::backward(const S* theta, S* gradient, std::span<const std::int32_t> ids,
                                 const Queries& asked, const Tape* opaque, Carry* opaque_carry,
                                 ConstView<S> dy, Workspace<S>& workspace) const {
  const MyTape& tape = *static_cast<const MyTape*>(opaque);
  const MyCarry& carry = *static_cast<const MyCarry*>(opaque_carry);
  if (carry.by_id != nullptr) {
    const Gradient sums = gradient_of(carry.table_gradient, table_->by_id->gradient_size());
    table_->by_id->backward(*carry.by_id, *tape.by_id, ids, asked.first(), dy, carry.table_gradient,
                            sums.g, sums.lambda, workspace);
    return;
  }
  const typename Workspace<S>::Scope scope(workspace);
  const auto length = static_cast<Index>(ids.size());
  const auto& projections = parts_.projections;
  const Queries& queries = tape.queries;
  const Index heads = parts_.head_count();

  const View<S> d_mixed = parts_.output_backward(
      theta, gradient, tape.output_in, asked, tape.expanded ? queries.count() : 0, dy, workspace);
  const View<S> room = workspace.matrix(length, projections.room_columns(length, queries, false));
  const auto d = projections.gradients(tape.qkv, room, workspace);
  const View<S> d_lambda = workspace.matrix(queries.count(), heads * parts_.levels());
  S* dg = parts_.gate.present() ? workspace.take(heads * length) : nullptr;
  parts_.heads.backward(tape.inputs(), queries, carry.heads, tape.heads, tape.mixed, d_mixed,
                        HeadGradients<S>{d.q, d.k, d.v, dg, d_lambda}, workspace);

  const Gradient sums = gradient_of(carry.table_gradient, 3 * vocab_ * parts_.width());
  QkvTable<S>::look_up_backward(projections, ids, queries, d, sums.qkv, workspace);
  parts_.gate.look_up_backward(ids, dg, sums.g);
  add_to_rows<S>(d_lambda, ids_at(queries, ids, workspace), sums.lambda);
}

template <class S>
Cost LogLinearTable<S>::cost(const SequenceShape& shape) const noexcept {
  // The row's way takes as much as the mixer itself; by id, states count ids.
  Cost cost;
  if (!may_run_by_id_ || !shape.all()) return cost;
  return ByIdHeads<S>::cost(shape, parts_.head_count(), vocab_, parts_.width(),
                            parts_.levels() > 0);
}

template class LogLinearTable<float>;
template class LogLinearTable<double>;

}  // namespace recollect
