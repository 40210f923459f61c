#include "models/mixers/log_linear_mixer.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <stdexcept>

#include "core/fenwick.hpp"
#include "models/layers/rows.hpp"
#include "models/mixers/log_linear_recurrent.hpp"
#include "models/mixers/registry.hpp"

namespace recollect {

/// What chunks hand on.
template <class S>
struct LogLinearMixer<S>::MyCarry : Carry {
  typename LogLinearChunkwise<S>::States* states;  ///< (H); unset where the core is not chunkwise
  bool backward;
};

/// The core runs at `rows`, which may be more than the caller asked for.
template <class S>
struct LogLinearMixer<S>::MyTape : Tape {
  Rows rows;
  View<S> core;  ///< (R, H width) what the heads gave
  typename Projections<S>::Result qkv;
  typename DecayGate<S>::Result gate;
  View<S> lambda;  ///< (R, H L)
  const typename Lambda<S>::Tape* lambda_tape;
  bool dense;
  typename LogLinearDense<S>::Tape* at_rows;        ///< (H) set where the core is dense
  typename LogLinearChunkwise<S>::Tape* chunkwise;  ///< (H) set where it is chunkwise
};

/// What the rows of the vocabulary determine.
template <class S>
struct LogLinearMixer<S>::Table {
  typename Projections<S>::Result qkv;
  typename DecayGate<S>::Result gate;  ///< (H, V)
  View<S> lambda;                      ///< (V, H L)
  const typename Lambda<S>::Tape* lambda_tape;
};

template <class S>
struct LogLinearMixer<S>::TableGradient {
  typename Projections<S>::Gradients qkv;
  View<S> g;       ///< (H, V)
  View<S> lambda;  ///< (V, H L)
};

template <class S>
LogLinearMixer<S>::LogLinearMixer(const MixerContext& context, ParameterLayout& layout,
                                  std::unique_ptr<Lambda<S>> (*make_lambda)(const LambdaContext&,
                                                                            ParameterLayout&))
    : projections_(context.settings, context.prefix, layout),
      gate_(context.settings, context.prefix, layout),
      lambda_(make_lambda(LambdaContext{context.settings, context.levels, context.prefix}, layout)),
      width_(context.settings.width),
      heads_(context.settings.heads),
      chunk_(context.settings.chunk),
      form_(context.settings.form) {}

template <class S>
bool LogLinearMixer<S>::dense_at(Index count, bool all) const noexcept {
  if (form_ != Form::kFastest) return form_ == Form::kDense;
  // A token's share of the chunkwise form: its chunk, its state, and about two states that it
  // reads.
  return !all && 2 * count <= chunk_ + 4 * (width_ / heads_);
}

template <class S>
CoreInput<S> LogLinearMixer<S>::head_input(const MyTape& tape, Index h) const {
  const Index levels = lambda_->levels();
  return CoreInput<S>{tape.qkv.q_of(h),
                      tape.qkv.k_of(h),
                      tape.qkv.v_of(h),
                      tape.gate.head(h, tape.qkv.tokens()),
                      constant(columns(tape.lambda, h * levels, levels)),
                      tape.qkv.ids};
}

namespace {

template <class S>
void recurrent_forward(const CoreInput<S>& in, View<S> y) {
  LogLinearRecurrent<S> state(in.k.cols());
  for (Index t = 0; t < in.k.rows(); ++t) {
    const S* lambda = in.lambda.data() + t * in.lambda.outerStride();
    state.step(in.q.row(t).data(), in.k.row(t).data(), in.v.row(t).data(),
               in.g == nullptr ? S(0) : in.g[t],
               {lambda, static_cast<std::size_t>(in.lambda.cols())}, y.row(t).data());
  }
}

}  // namespace

template <class S>
auto LogLinearMixer<S>::begin(Index tokens, bool all, bool backward, Workspace<S>& workspace) const
    -> Carry* {
  auto* states = workspace.template array<typename LogLinearChunkwise<S>::States>(heads_);
  MyCarry* carry = workspace.record(MyCarry{{}, states, backward});
  if (all) start_states(tokens, backward, states, workspace);
  return carry;
}

template <class S>
void LogLinearMixer<S>::start_states(Index tokens, bool backward,
                                     typename LogLinearChunkwise<S>::States* states,
                                     Workspace<S>& workspace) const {
  if (form_ == Form::kDense || form_ == Form::kRecurrent) return;
  for (Index h = 0; h < heads_; ++h) {
    states[h] = LogLinearChunkwise<S>::begin(tokens, width_ / heads_, chunk_, lambda_->levels() > 0,
                                             backward, workspace);
  }
}

template <class S>
auto LogLinearMixer<S>::forward(const S* theta, ConstView<S> u, const Lookup<S>* lookup,
                                const Rows& wanted, Carry* opaque_carry, View<S> y,
                                Workspace<S>& workspace) const -> const Tape* {
  const MyCarry& carry = *static_cast<const MyCarry*>(opaque_carry);
  const auto length = lookup == nullptr ? u.rows() : static_cast<Index>(lookup->ids.size());
  const bool dense = dense_at(wanted.count(), wanted.all);
  const bool widen = !dense && !wanted.all;
  Rows rows = wanted;
  if (widen) {
    auto* positions = workspace.template array<std::int32_t>(length);
    std::iota(positions, positions + length, 0);
    rows = Rows{{positions, static_cast<std::size_t>(length)}, true};
    start_states(length, carry.backward, carry.states, workspace);
  }
  const View<S> mine = widen ? workspace.matrix(length, width_) : y;
  const auto* table = lookup == nullptr ? nullptr : static_cast<const Table*>(lookup->table);
  const bool few = table == nullptr && dense && !rows.all;
  const bool in_table =
      table != nullptr && !dense && form_ != Form::kRecurrent && projections_.reads_table(rows);
  const View<S> room =
      workspace.matrix(length, in_table ? 0 : projections_.room_columns(length, rows, few));
  const auto qkv = table == nullptr
                       ? projections_.forward(theta, u, rows, few, room, workspace)
                       : projections_.look_up(table->qkv, lookup->ids, rows, room, workspace);
  const auto gate = table == nullptr
                        ? gate_.forward(theta, u, workspace)
                        : gate_.look_up(table->gate, table->lambda.rows(), lookup->ids, workspace);
  const View<S> lambda = workspace.matrix(rows.count(), heads_ * lambda_->levels());
  const typename Lambda<S>::Tape* lambda_tape = nullptr;
  if (table == nullptr) {
    lambda_tape = lambda_->forward(theta, qkv.u_rows, lambda, workspace);
  } else {
    gather_rows<S>(constant(table->lambda), ids_at(rows, lookup->ids, workspace), lambda);
  }
  auto* at_rows = workspace.template array<typename LogLinearDense<S>::Tape>(heads_);
  auto* chunkwise = workspace.template array<typename LogLinearChunkwise<S>::Tape>(heads_);
  const View<S> core = projections_.core_output(qkv, mine, workspace);
  const MyTape* tape = workspace.record(
      MyTape{{}, rows, core, qkv, gate, lambda, lambda_tape, dense, at_rows, chunkwise});

  for (Index h = 0; h < heads_; ++h) {
    const CoreInput<S> input = head_input(*tape, h);
    const View<S> y_head = columns(core, h * qkv.width, qkv.width);
    if (form_ == Form::kRecurrent) {
      recurrent_forward(input, y_head);
    } else if (dense) {
      at_rows[h] = LogLinearDense<S>::forward(input, rows, carry.backward, y_head, workspace);
    } else {
      chunkwise[h] = LogLinearChunkwise<S>::forward(input, rows.first() / chunk_, carry.states[h],
                                                    y_head, workspace);
    }
  }
  projections_.finish(theta, qkv, constant(core), mine);
  if (widen) gather_rows<S>(constant(mine), wanted.positions, y);
  return tape;
}

template <class S>
void LogLinearMixer<S>::backward(const S* theta, S* gradient, ConstView<S> u,
                                 const Lookup<S>* lookup, const Rows& wanted, const Tape* opaque,
                                 Carry* carry, ConstView<S> dy_wanted, View<S> du,
                                 Workspace<S>& workspace) const {
  if (form_ == Form::kRecurrent) throw std::logic_error("the recurrent form has no backward pass");
  const MyTape& tape = *static_cast<const MyTape*>(opaque);
  const typename Workspace<S>::Scope scope(workspace);
  const Index length = tape.qkv.tokens();
  const Index levels = lambda_->levels();
  const Rows& rows = tape.rows;
  const Index count = rows.count();

  const bool widen = rows.all && !wanted.all;
  const S* dy_data = dy_wanted.data();
  if (widen) {
    View<S> wide = workspace.matrix(length, width_);
    wide.setZero();
    add_to_rows<S>(dy_wanted, wanted.positions, wide);
    dy_data = wide.data();
  }
  const ConstView<S> dy = view(dy_data, count, width_);

  const ConstView<S> core = constant(tape.core);
  const ConstView<S> d_core =
      projections_.finish_backward(theta, gradient, tape.qkv, core, dy, workspace);
  const bool few = lookup == nullptr && tape.dense && !rows.all;
  const View<S> room = workspace.matrix(length, projections_.room_columns(length, rows, few));
  const auto d = projections_.gradients(tape.qkv, room, workspace);
  const View<S> dlambda = workspace.matrix(count, heads_ * levels);
  S* dg = gate_.present() ? workspace.take(heads_ * length) : nullptr;
  for (Index h = 0; h < heads_; ++h) {
    const CoreInput<S> input = head_input(tape, h);
    const auto head = [&](const auto& m) { return columns(m, h * tape.qkv.width, tape.qkv.width); };
    const ConstView<S> dy_head = head(d_core);
    const CoreGradient<S> out{head(d.q), head(d.k), head(d.v), columns(dlambda, h * levels, levels),
                              dg == nullptr ? nullptr : dg + h * length};
    if (tape.dense) {
      LogLinearDense<S>::backward(input, rows, tape.at_rows[h], dy_head, out, workspace);
    } else {
      const auto& states = static_cast<const MyCarry*>(carry)->states[h];
      LogLinearChunkwise<S>::backward(input, rows.first() / chunk_, states, tape.chunkwise[h],
                                      head(core), dy_head, out, workspace);
    }
  }

  if (lookup != nullptr) {
    const TableGradient sums =
        gradient_views(lookup->gradient, static_cast<const Table*>(lookup->table)->lambda.rows());
    projections_.look_up_backward(lookup->ids, rows, d, sums.qkv, workspace);
    gate_.look_up_backward(lookup->ids, dg, sums.g);
    add_to_rows<S>(constant(dlambda), ids_at(rows, lookup->ids, workspace), sums.lambda);
    return;
  }
  projections_.backward(theta, gradient, u, rows, tape.qkv, d, du, workspace);
  gate_.backward(theta, gradient, u, tape.gate, dg, du);
  View<S> du_rows = rows.all ? du : workspace.matrix(count, width_);
  if (!rows.all) du_rows.setZero();
  lambda_->backward(theta, gradient, tape.qkv.u_rows, tape.lambda_tape, constant(tape.lambda),
                    dlambda, du_rows, workspace);
  if (!rows.all) add_to_rows<S>(constant(du_rows), rows.positions, du);
}

template <class S>
auto LogLinearMixer<S>::gradient_views(S* numbers, Index rows) const -> TableGradient {
  S* g = numbers + 3 * rows * width_;
  const Index gates = gate_.present() ? heads_ : 0;
  return TableGradient{projections_.table_gradients(numbers, rows), view(g, gates, rows),
                       view(g + gates * rows, rows, heads_ * lambda_->levels())};
}

template <class S>
Index LogLinearMixer<S>::table_size(Index rows) const noexcept {
  return rows * (3 * width_ + (gate_.present() ? heads_ : 0) + heads_ * lambda_->levels());
}

template <class S>
const void* LogLinearMixer<S>::tabulate(const S* theta, ConstView<S> u, int threads,
                                        Workspace<S>& workspace) const {
  const auto qkv = projections_.tabulate(theta, u, threads, workspace);
  const auto gate = gate_.forward(theta, u, workspace);
  const View<S> lambda = workspace.matrix(u.rows(), heads_ * lambda_->levels());
  const auto* lambda_tape = lambda_->forward(theta, u, lambda, workspace);
  return workspace.record(Table{qkv, gate, lambda, lambda_tape});
}

template <class S>
void LogLinearMixer<S>::tabulate_backward(const S* theta, S* gradient, ConstView<S> u,
                                          const void* opaque, S* table_gradient, View<S> du,
                                          int threads, Workspace<S>& workspace) const {
  const Table& table = *static_cast<const Table*>(opaque);
  const TableGradient sums = gradient_views(table_gradient, u.rows());
  projections_.tabulate_backward(theta, gradient, u, sums.qkv, du, threads);
  lambda_->backward(theta, gradient, u, table.lambda_tape, constant(table.lambda), sums.lambda, du,
                    workspace);
  gate_.backward(theta, gradient, u, table.gate, View<S>(sums.g).data(), du);
}

template <class S>
std::int64_t LogLinearMixer<S>::state_size(std::int64_t tokens) const noexcept {
  const std::int64_t one = width_ * (width_ / heads_);
  if (lambda_->levels() == 0) return tokens > 0 ? one : 0;
  return one * occupied_levels(tokens);
}

template <class S>
std::int64_t LogLinearMixer<S>::state_size_peak(std::int64_t tokens) const noexcept {
  if (tokens <= 0 || lambda_->levels() == 0) return state_size(tokens);
  // 0..T-1 holds a number of all ones with one digit fewer than T - 1.
  const auto full =
      static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(tokens - 1)));
  return std::max(state_size(tokens), width_ * (width_ / heads_) * std::max<std::int64_t>(full, 1));
}

template <class S>
Footprint LogLinearMixer<S>::footprint(std::int64_t tokens, std::int64_t rows,
                                       bool all) const noexcept {
  const bool dense = dense_at(rows, all);
  const bool widen = !dense && !all;
  const std::int64_t mine = dense ? rows : tokens;
  const std::int64_t head = width_ / heads_;
  const std::int64_t levels = heads_ * lambda_->levels();
  const std::int64_t gates = gate_.present() ? heads_ * tokens : 0;

  Footprint size = projections_.footprint(tokens, mine, all || widen, dense && !all);
  size.tape += 2 * gates + mine * (levels + lambda_->tape_row());
  if (widen) size.tape += tokens * (width_ + 1);
  if (dense) {
    size.tape += 2 * heads_ * mine * tokens;
  } else {
    size.tape += heads_ * tokens * (2 * chunk_ + 1);
    if (widen) size.tape += carry_size(tokens, true);
  }
  size.scratch += mine * levels + gates;
  if (widen) size.scratch += tokens * width_;
  const std::int64_t core =
      dense ? 2 * std::min<std::int64_t>(mine, 32) * tokens : 2 * chunk_ * (chunk_ + head);
  size.scratch += std::max(core, mine * lambda_->scratch_row());
  return size;
}

template <class S>
std::int64_t LogLinearMixer<S>::carry_size(std::int64_t tokens, bool all) const noexcept {
  if (!all || form_ == Form::kDense || form_ == Form::kRecurrent) return 0;
  return heads_ *
         LogLinearChunkwise<S>::states_size(tokens, width_ / heads_, chunk_, lambda_->levels() > 0);
}

template <class S>
double LogLinearMixer<S>::multiply_adds(std::int64_t tokens, std::int64_t rows,
                                        bool all) const noexcept {
  const bool dense = dense_at(rows, all);
  const std::int64_t mine = dense ? rows : tokens;
  const auto width = static_cast<double>(width_);
  double count = projections_.multiply_adds(tokens, mine) + gate_.multiply_adds(tokens) +
                 lambda_->multiply_adds() * static_cast<double>(mine);
  if (dense) return count + 2.0 * width * static_cast<double>(mine) * static_cast<double>(tokens);
  const Index head = width_ / heads_;
  const double state = width * static_cast<double>(head);
  for (std::int64_t i = 0, start = 0; start < tokens; ++i, start += chunk_) {
    const auto here = static_cast<double>(std::min<std::int64_t>(chunk_, tokens - start));
    const int read =
        lambda_->levels() == 0 ? (i > 0 ? 1 : 0) : std::popcount(static_cast<std::uint64_t>(i));
    count += width * here * (here + 1.0) + state * here * read;
    if (start + chunk_ < tokens) count += state * here;
  }
  return count;
}

template class LogLinearMixer<float>;
template class LogLinearMixer<double>;

}  // namespace recollect
