#include "models/linear_attention/log_linear_mixer.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <stdexcept>

#include "math/fenwick.hpp"
#include "math/parallel.hpp"
#include "models/kernels/rows.hpp"
#include "models/linear_attention/recurrent.hpp"
#include "models/registry.hpp"

namespace recollect {

/// What chunks hand on.
template <class S>
struct LogLinearMixer<S>::MyCarry : Carry {
  ChunkStates<S>* states;  ///< (H); unset where the core is not chunkwise
  bool backward;
  const typename ById::Sequence** by_id;  ///< (H); null where the core does not run by id
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

template <class S>
struct LogLinearMixer<S>::ByIdTape : Tape {
  typename ById::Tape* heads;  ///< (H)
};

/// What the rows of the vocabulary determine.
template <class S>
struct LogLinearMixer<S>::Table {
  typename Projections<S>::Result qkv;
  typename DecayGate<S>::Result gate;  ///< (H, V)
  View<S> lambda;                      ///< (V, H L)
  const typename Lambda<S>::Tape* lambda_tape;
  bool by_id;      ///< whether the core runs by id
  View<S> scores;  ///< (H V, V) where it does; else empty
  View<S> values;  ///< (H V, D)
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
      form_(context.settings.form),
      vocab_(context.vocab),
      by_id_(vocab_ > 0 && context.settings.first_layer_by_id(vocab_)) {}

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
auto LogLinearMixer<S>::begin(Index tokens, const Lookup<S>* lookup, bool all, bool backward,
                              Workspace<S>& workspace) const -> Carry* {
  if (lookup != nullptr && folds_output(lookup->table)) {
    const Table& table = *static_cast<const Table*>(lookup->table);
    auto** heads = workspace.template array<const typename ById::Sequence*>(heads_);
    const auto numbering = ById::number(lookup->ids, table.lambda.rows(), workspace);
    for (Index h = 0; h < heads_; ++h) {
      heads[h] =
          workspace.record(ById::begin(numbering, by_id_table(table, h), backward, workspace));
    }
    return workspace.record(MyCarry{{}, nullptr, backward, heads});
  }
  auto* states = workspace.template array<ChunkStates<S>>(heads_);
  MyCarry* carry = workspace.record(MyCarry{{}, states, backward, nullptr});
  if (all) start_states(tokens, backward, states, workspace);
  return carry;
}

template <class S>
void LogLinearMixer<S>::start_states(Index tokens, bool backward, ChunkStates<S>* states,
                                     Workspace<S>& workspace) const {
  if (form_ == Form::kDense || form_ == Form::kRecurrent) return;
  const Index head = width_ / heads_;
  for (Index h = 0; h < heads_; ++h) {
    states[h] = ChunkStates<S>::begin(tokens, head * head, chunk_, lambda_->levels() > 0, backward,
                                      workspace);
  }
}

template <class S>
auto LogLinearMixer<S>::forward(const S* theta, ConstView<S> u, const Lookup<S>* lookup,
                                const Rows& wanted, Carry* opaque_carry, View<S> y,
                                Workspace<S>& workspace) const -> const Tape* {
  const MyCarry& carry = *static_cast<const MyCarry*>(opaque_carry);
  if (carry.by_id != nullptr) return forward_by_id(*lookup, wanted, carry, y, workspace);
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
  if (const auto& mine = *static_cast<const MyCarry*>(carry); mine.by_id != nullptr) {
    return backward_by_id(*lookup, wanted, opaque, mine, dy_wanted, workspace);
  }
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
    const auto& table = *static_cast<const Table*>(lookup->table);
    const TableGradient sums = gradient_views(lookup->gradient, table.lambda.rows(), false);
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
auto LogLinearMixer<S>::gradient_views(S* numbers, Index rows, bool by_id) const -> TableGradient {
  S* g = numbers + rows * wide_columns(rows, by_id);
  const Index gates = gate_.present() ? heads_ : 0;
  return TableGradient{projections_.table_gradients(numbers, rows), view(g, gates, rows),
                       view(g + gates * rows, rows, heads_ * lambda_->levels())};
}

template <class S>
Index LogLinearMixer<S>::wide_columns(Index rows, bool by_id) const noexcept {
  return by_id ? heads_ * (rows + width_) : 3 * width_;
}

template <class S>
Index LogLinearMixer<S>::table_size(Index rows) const noexcept {
  const Index wide = std::max(wide_columns(rows, false), by_id_ ? wide_columns(rows, true) : 0);
  return rows * (wide + (gate_.present() ? heads_ : 0) + heads_ * lambda_->levels());
}

template <class S>
const void* LogLinearMixer<S>::tabulate(const S* theta, ConstView<S> u, const Linear& out,
                                        std::int64_t tokens, int threads,
                                        Workspace<S>& workspace) const {
  const auto qkv = projections_.tabulate(theta, u, threads, workspace);
  const auto gate = gate_.forward(theta, u, workspace);
  const View<S> lambda = workspace.matrix(u.rows(), heads_ * lambda_->levels());
  const auto* lambda_tape = lambda_->forward(theta, u, lambda, workspace);
  // A row meets every other row: worth it for so many tokens.
  const bool by_id = by_id_ && tokens >= 8 * u.rows();
  const Index places = by_id ? heads_ * u.rows() : 0;
  const Table* table =
      workspace.record(Table{qkv, gate, lambda, lambda_tape, by_id,
                             workspace.matrix(places, u.rows()), workspace.matrix(places, width_)});
  if (by_id) tabulate_scores(theta, out, threads, *table);
  return table;
}

template <class S>
void LogLinearMixer<S>::tabulate_backward(const S* theta, S* gradient, ConstView<S> u,
                                          const Linear& out, const void* opaque, S* table_gradient,
                                          View<S> du, int threads, Workspace<S>& workspace) const {
  const Table& table = *static_cast<const Table*>(opaque);
  const TableGradient sums = gradient_views(table_gradient, u.rows(), table.by_id);
  if (table.by_id) {
    const View<S> room = workspace.matrix(u.rows(), 3 * width_);
    const auto d = projections_.table_gradients(View<S>(room).data(), u.rows());
    tabulate_scores_backward(theta, gradient, out, threads, table, table_gradient, d);
    projections_.tabulate_backward(theta, gradient, u, d, du, threads);
  } else {
    projections_.tabulate_backward(theta, gradient, u, sums.qkv, du, threads);
  }
  lambda_->backward(theta, gradient, u, table.lambda_tape, constant(table.lambda), sums.lambda, du,
                    workspace);
  gate_.backward(theta, gradient, u, table.gate, View<S>(sums.g).data(), du);
}

template <class S>
bool LogLinearMixer<S>::folds_output(const void* table) const noexcept {
  return static_cast<const Table*>(table)->by_id;
}

template <class S>
auto LogLinearMixer<S>::by_id_table(const Table& table, Index h) const -> typename ById::Table {
  const Index rows = table.lambda.rows();
  const Index levels = lambda_->levels();
  return typename ById::Table{constant(recollect::rows(table.scores, h * rows, rows)),
                              constant(recollect::rows(table.values, h * rows, rows)),
                              table.gate.head(h, rows),
                              constant(columns(table.lambda, h * levels, levels))};
}

template <class S>
auto LogLinearMixer<S>::by_id_gradient(S* numbers, Index rows, Index h) const ->
    typename ById::TableGradient {
  const TableGradient sums = gradient_views(numbers, rows, true);
  const Index levels = lambda_->levels();
  return typename ById::TableGradient{
      view(numbers + h * rows * rows, rows, rows),
      view(numbers + heads_ * rows * rows + h * rows * width_, rows, width_),
      gate_.present() ? View<S>(sums.g).data() + h * rows : nullptr,
      columns(sums.lambda, h * levels, levels)};
}

template <class S>
auto LogLinearMixer<S>::forward_by_id(const Lookup<S>& lookup, const Rows& rows,
                                      const MyCarry& carry, View<S> z,
                                      Workspace<S>& workspace) const -> const Tape* {
  auto* heads = workspace.template array<typename ById::Tape>(heads_);
  for (Index h = 0; h < heads_; ++h) {
    heads[h] = ById::forward(*carry.by_id[h], rows.first(), lookup.ids, z,
                             h == 0 ? Write::kOverwrite : Write::kAccumulate, workspace);
  }
  return workspace.record(ByIdTape{{}, heads});
}

template <class S>
void LogLinearMixer<S>::backward_by_id(const Lookup<S>& lookup, const Rows& rows, const Tape* tape,
                                       const MyCarry& carry, ConstView<S> dz,
                                       Workspace<S>& workspace) const {
  for (Index h = 0; h < heads_; ++h) {
    const auto out = by_id_gradient(lookup.gradient, vocab_, h);
    ById::backward(*carry.by_id[h], rows.first(), lookup.ids,
                   static_cast<const ByIdTape*>(tape)->heads[h], dz, out, workspace);
    if (rows.first() == 0) ById::end(*carry.by_id[h], out);
  }
}

namespace {

/// Rows of a matrix that a thread takes at a time.
constexpr Index kRowsAtOnce = 16;

/// body(first row, count) for all rows, dealt to the threads.
template <class Body>
void for_each_rows(Index rows, int threads, Body&& body) {
  parallel_for(static_cast<int>((rows + kRowsAtOnce - 1) / kRowsAtOnce), threads,
               [&](int item, int) {
                 const Index first = item * kRowsAtOnce;
                 body(first, std::min(kRowsAtOnce, rows - first));
               });
}

}  // namespace

template <class S>
void LogLinearMixer<S>::tabulate_scores(const S* theta, const Linear& out, int threads,
                                        const Table& table) const {
  const Index vocab = table.lambda.rows();
  for_each_rows(vocab, threads, [&](Index first, Index count) {
    for (Index h = 0; h < heads_; ++h) {
      const Index here = h * vocab + first;
      product_nt<S>(rows(table.qkv.q_of(h), first, count), table.qkv.k_of(h),
                    rows(table.scores, here, count));
      product_nt<S>(rows(table.qkv.v_of(h), first, count),
                    columns(out.weight.in(theta), h * table.qkv.width, table.qkv.width),
                    rows(table.values, here, count));
    }
  });
}

template <class S>
void LogLinearMixer<S>::tabulate_scores_backward(
    const S* theta, S* gradient, const Linear& out, int threads, const Table& table, S* numbers,
    const typename Projections<S>::Gradients& d) const {
  const Index vocab = table.lambda.rows();
  const auto head = [&](const auto& m, Index h) {
    return columns(m, h * table.qkv.width, table.qkv.width);
  };
  for_each_rows(vocab, threads, [&](Index first, Index count) {
    for (Index h = 0; h < heads_; ++h) {
      const auto sums = by_id_gradient(numbers, vocab, h);
      product_nn<S>(constant(rows(sums.scores, first, count)), table.qkv.k_of(h),
                    rows(head(d.q, h), first, count));
      product_tn<S>(constant(columns(sums.scores, first, count)), table.qkv.q_of(h),
                    rows(head(d.k, h), first, count));
      product_nn<S>(constant(rows(sums.values, first, count)), head(out.weight.in(theta), h),
                    rows(head(d.v, h), first, count));
    }
  });
  for_each_rows(width_, threads, [&](Index first, Index count) {
    for (Index h = 0; h < heads_; ++h) {
      product_tn<S>(constant(columns(by_id_gradient(numbers, vocab, h).values, first, count)),
                    table.qkv.v_of(h), rows(head(out.weight.in(gradient), h), first, count),
                    Write::kAccumulate);
    }
  });
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
Footprint LogLinearMixer<S>::footprint(std::int64_t tokens, std::int64_t rows, bool all,
                                       bool folded) const noexcept {
  if (folded) {
    const std::int64_t ids = ById::Numbering::padded(std::min(tokens, vocab_));
    return Footprint{heads_ * tokens * (ids + ById::kChunk + 1), ById::backward_room(ids)};
  }
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
    if (widen) size.tape += carry_size(tokens, true, false);
  }
  size.scratch += mine * levels + gates;
  if (widen) size.scratch += tokens * width_;
  const std::int64_t core =
      dense ? 2 * std::min<std::int64_t>(mine, 32) * tokens : 2 * chunk_ * (chunk_ + head);
  size.scratch += std::max(core, mine * lambda_->scratch_row());
  return size;
}

template <class S>
std::int64_t LogLinearMixer<S>::carry_size(std::int64_t tokens, bool all,
                                           bool folded) const noexcept {
  if (!all || form_ == Form::kDense || form_ == Form::kRecurrent) return 0;
  const Index head = width_ / heads_;
  const bool levels = lambda_->levels() > 0;
  return folded ? ById::room(tokens, vocab_, width_, heads_, levels)
                : heads_ * ChunkStates<S>::room(tokens, head * head, chunk_, levels);
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
