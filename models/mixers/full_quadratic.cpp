#include "models/mixers/full_quadratic.hpp"

#include <algorithm>
#include <cmath>

#include "models/attention/softmax_attention.hpp"
#include "models/shortcuts/qkv_table.hpp"

namespace recollect {

template <class S>
struct FullQuadratic<S>::MyCarry : Carry {
  S* qkv;    ///< (T, 3 D); null where only some tokens are queried
  S* d_qkv;  ///< the same
  S* table_gradient = nullptr;
};

template <class S>
struct FullQuadratic<S>::MyTape : Tape {
  typename Projections<S>::Result qkv;
  View<S> core;   ///< (R, H width) the output of the heads
  View<S> mixed;  ///< (R, D) core, or W_v of it where values are absorbed
  S* log_sum;     ///< (H, R)
};

/// The same mixer as a first layer: q, k and v are looked up by id.
template <class S>
class FullQuadratic<S>::Table final : public FirstLayer<S> {
 public:
  Table(const FullQuadratic& mixer, Index vocab) : mixer_(mixer), vocab_(vocab) {}

  [[nodiscard]] Index gradient_size(std::int64_t) const noexcept override {
    return 3 * vocab_ * mixer_.output_.columns();
  }
  void begin_step(const S* theta, ConstView<S> u, const StepShape& step,
                  Workspace<S>& workspace) override {
    table_ = workspace.record(QkvTable<S>(mixer_.projections_, theta, u, step.threads, workspace));
  }
  void end_step(const S* theta, S* gradient, ConstView<S> u, S* table_gradient, View<S> du,
                int threads, Workspace<S>&) override {
    mixer_.projections_.all().template backward<S>(theta, gradient, u, d_table(table_gradient), du,
                                                   threads);
  }
  [[nodiscard]] Carry* begin(const SequenceShape& shape, std::span<const std::int32_t>,
                             S* table_gradient, Workspace<S>& workspace) const override {
    auto* carry = static_cast<MyCarry*>(mixer_.begin(shape, workspace));
    carry->table_gradient = table_gradient;
    return carry;
  }
  [[nodiscard]] const Tape* forward(const S* theta, std::span<const std::int32_t> ids,
                                    const Queries& queries, Carry* opaque, View<S> y,
                                    Workspace<S>& workspace) const override {
    const MyCarry& carry = *static_cast<const MyCarry*>(opaque);
    const View<S> room =
        mixer_.room(carry.qkv, static_cast<Index>(ids.size()), queries, false, workspace);
    const auto qkv = table_->look_up(mixer_.projections_, ids, queries, room, workspace);
    return mixer_.attend(theta, qkv, queries, carry, y, workspace);
  }
  void backward(const S* theta, S* gradient, std::span<const std::int32_t> ids,
                const Queries& queries, const Tape* tape, Carry* opaque, ConstView<S> dy,
                Workspace<S>& workspace) const override {
    const MyCarry& carry = *static_cast<const MyCarry*>(opaque);
    const typename Workspace<S>::Scope scope(workspace);
    const auto d = mixer_.attend_backward(theta, gradient, *static_cast<const MyTape*>(tape),
                                          queries, carry, dy, false, workspace);
    QkvTable<S>::look_up_backward(mixer_.projections_, ids, queries, d,
                                  d_table(carry.table_gradient), workspace);
  }
  [[nodiscard]] Cost cost(const SequenceShape&) const noexcept override { return {}; }

 private:
  [[nodiscard]] View<S> d_table(S* elements) const {
    return view(elements, vocab_, 3 * mixer_.output_.columns());
  }

  const FullQuadratic& mixer_;
  Index vocab_;
  const QkvTable<S>* table_ = nullptr;  // in the workspace of begin_step()
};

template <class S>
FullQuadratic<S>::FullQuadratic(const LayerContext& context, ParameterLayout& layout)
    : projections_(context, layout), output_(context, context.model.width, layout) {
  if (context.vocab == 0 || !context.execution.shortcuts) return;
  first_layer_ = std::make_unique<Table>(*this, context.vocab);
}

template <class S>
void FullQuadratic<S>::begin_step(const S* theta, const StepShape& step) {
  projections_.begin_step(theta, step.longest);
  output_.begin_step(theta);
}

template <class S>
S FullQuadratic<S>::scale() const {
  return S(1) / std::sqrt(static_cast<S>(projections_.head_width()));
}

template <class S>
auto FullQuadratic<S>::begin(const SequenceShape& shape, Workspace<S>& workspace) const -> Carry* {
  MyCarry carry{{}, nullptr, nullptr};
  const auto size = static_cast<Index>(3 * shape.tokens * output_.columns());
  if (shape.all()) {
    carry.qkv = workspace.take(size);
    if (shape.backward) {
      carry.d_qkv = workspace.take(size);
      std::fill(carry.d_qkv, carry.d_qkv + size, S(0));
    }
  }
  return workspace.record(carry);
}

template <class S>
View<S> FullQuadratic<S>::room(S* kept, Index tokens, const Queries& queries, bool may_absorb,
                               Workspace<S>& workspace) const {
  const Index columns = projections_.room_columns(tokens, queries, may_absorb);
  return queries.all ? view(kept + queries.first() * columns, tokens, columns)
                     : workspace.matrix(tokens, columns);
}

template <class S>
auto FullQuadratic<S>::forward(const S* theta, ConstView<S> u, const Queries& queries,
                               Carry* opaque, View<S> y, Workspace<S>& workspace) const
    -> const Tape* {
  const MyCarry& carry = *static_cast<const MyCarry*>(opaque);
  const bool may_absorb = !queries.all;
  const View<S> place = room(carry.qkv, u.rows(), queries, may_absorb, workspace);
  const auto qkv = projections_.forward(theta, u, queries, may_absorb, place, workspace);
  return attend(theta, qkv, queries, carry, y, workspace);
}

template <class S>
auto FullQuadratic<S>::attend(const S* theta, const typename Projections<S>::Result& qkv,
                              const Queries& queries, const MyCarry& carry, View<S> y,
                              Workspace<S>& workspace) const -> const MyTape* {
  const Index heads = projections_.heads();
  const View<S> mixed = workspace.matrix(queries.count(), output_.columns());
  const MyTape* tape = workspace.record(MyTape{{},
                                               qkv,
                                               projections_.core_output(qkv, mixed, workspace),
                                               mixed,
                                               workspace.take(heads * queries.count())});
  const Index end = queries.first() + qkv.k.rows();
  for (Index h = 0; h < heads; ++h) {
    const auto head = [&](auto m) { return columns(m, h * qkv.width, qkv.width); };
    // Where all tokens are queried, those of earlier segments are keys as well.
    const auto keys = [&](Index part, ConstView<S> own) -> ConstView<S> {
      if (queries.all) {
        return until(carry.qkv, end, part * output_.columns() + h * qkv.width, qkv.width);
      }
      return qkv.absorbed ? own : head(own);
    };
    SoftmaxAttention<S>::forward(head(qkv.q), keys(1, qkv.k), keys(2, qkv.v), queries, scale(),
                                 head(tape->core), tape->log_sum + h * queries.count(), workspace);
  }
  projections_.finish(theta, qkv, tape->core, mixed);
  output_.forward(mixed, y);
  return tape;
}

template <class S>
auto FullQuadratic<S>::attend_backward(const S* theta, S* gradient, const MyTape& tape,
                                       const Queries& queries, const MyCarry& carry,
                                       ConstView<S> dy, bool may_absorb,
                                       Workspace<S>& workspace) const ->
    typename Projections<S>::Gradients {
  const auto& qkv = tape.qkv;
  const View<S> d_mixed = workspace.matrix(queries.count(), output_.columns());
  output_.backward(theta, gradient, tape.mixed, dy, d_mixed);
  const ConstView<S> d_core =
      projections_.finish_backward(theta, gradient, qkv, tape.core, d_mixed, workspace);
  const auto d = projections_.gradients(
      qkv, room(carry.d_qkv, qkv.k.rows(), queries, may_absorb, workspace), workspace);
  if (!queries.all) {
    set_zero(d.k);
    set_zero(d.v);
  }
  const Index end = queries.first() + qkv.k.rows();
  for (Index h = 0; h < projections_.heads(); ++h) {
    const auto head = [&](auto m) { return columns(m, h * qkv.width, qkv.width); };
    const auto whole = [&](S* kept, Index part) {
      return until(kept, end, part * output_.columns() + h * qkv.width, qkv.width);
    };
    const auto keys = [&](Index part, ConstView<S> own) -> ConstView<S> {
      if (queries.all) return whole(carry.qkv, part);
      return qkv.absorbed ? own : head(own);
    };
    // Gradients of earlier segments' keys and values grow until those segments are reached.
    const auto d_keys = [&](Index part, View<S> own) {
      return queries.all ? whole(carry.d_qkv, part) : head(own);
    };
    SoftmaxAttention<S>::backward(head(qkv.q), keys(1, qkv.k), keys(2, qkv.v), queries, scale(),
                                  head(tape.core), tape.log_sum + h * queries.count(), head(d_core),
                                  head(d.q), d_keys(1, d.k), d_keys(2, d.v), workspace);
  }
  return d;
}

template <class S>
void FullQuadratic<S>::backward(const S* theta, S* gradient, ConstView<S> u, const Queries& queries,
                                const Tape* opaque, Carry* carry, ConstView<S> dy, View<S> du,
                                Workspace<S>& workspace) const {
  const MyTape& tape = *static_cast<const MyTape*>(opaque);
  const typename Workspace<S>::Scope scope(workspace);
  const auto d = attend_backward(theta, gradient, tape, queries,
                                 *static_cast<const MyCarry*>(carry), dy, !queries.all, workspace);
  projections_.backward(theta, gradient, u, queries, tape.qkv, d, du, workspace);
}

template <class S>
Cost FullQuadratic<S>::cost(const SequenceShape& shape) const noexcept {
  const std::int64_t width = output_.columns();
  const auto tokens = static_cast<double>(shape.tokens);
  const double pairs =
      shape.all() ? tokens * (tokens + 1) / 2 : static_cast<double>(shape.queries) * tokens;
  Cost cost = projections_.cost(shape, !shape.all());
  cost.multiply_adds +=
      2 * static_cast<double>(width) * pairs + static_cast<double>(shape.queries * width * width);
  cost.state = 2 * shape.tokens * width;  // the key-value cache
  cost.state_peak = cost.state;
  if (shape.all()) {  // q, k and v, and their gradients, are kept for the whole sequence
    cost.carry = (shape.backward ? 6 : 3) * shape.tokens * width;
    cost.tape -= 3 * shape.tokens * width;
    if (shape.backward) cost.scratch -= 3 * shape.tokens * width;
  }
  cost.tape += shape.queries * (width + projections_.heads());
  cost.scratch += SoftmaxAttention<S>::scratch(shape.queries);
  if (shape.backward) cost.scratch += shape.queries * width;
  return cost;
}

template <class S>
MixerView<S> FullQuadratic<S>::inspect(const Tape* opaque) const {
  const MyTape& tape = *static_cast<const MyTape*>(opaque);
  return {.heads = projections_.heads(),
          .attention = AttentionKind::kSoftmax,
          .q = tape.qkv.q,
          .k = tape.qkv.k,
          .scale = scale()};
}

template class FullQuadratic<float>;
template class FullQuadratic<double>;

}  // namespace recollect
