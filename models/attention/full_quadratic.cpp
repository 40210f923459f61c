#include "models/attention/full_quadratic.hpp"

#include <algorithm>
#include <cmath>

#include "models/registry.hpp"
#include "models/attention/softmax_attention.hpp"

namespace recollect {

template <class S>
FullQuadratic<S>::FullQuadratic(const MixerContext& context, ParameterLayout& layout)
    : projections_(context.settings, context.prefix, layout),
      width_(context.settings.width),
      heads_(context.settings.heads) {}

template <class S>
S FullQuadratic<S>::scale() const {
  const Index head = width_ / heads_;
  return S(1) / std::sqrt(static_cast<S>(head));
}

template <class S>
auto FullQuadratic<S>::begin(Index tokens, const Lookup<S>*, bool all, bool backward,
                             Workspace<S>& workspace) const -> Carry* {
  MyCarry carry{{}, nullptr, nullptr};
  if (all) {
    carry.qkv = workspace.take(3 * tokens * width_);
    if (backward) {
      carry.d_qkv = workspace.take(3 * tokens * width_);
      std::fill(carry.d_qkv, carry.d_qkv + 3 * tokens * width_, S(0));
    }
  }
  return workspace.record(carry);
}

template <class S>
auto FullQuadratic<S>::forward(const S* theta, ConstView<S> u, const Lookup<S>* lookup,
                               const Rows& rows, Carry* carry, View<S> y,
                               Workspace<S>& workspace) const -> const Tape* {
  using Qkv = typename Projections<S>::Result;
  S* everything = static_cast<const MyCarry*>(carry)->qkv;
  const Index length = lookup == nullptr ? u.rows() : static_cast<Index>(lookup->ids.size());
  const bool few = lookup == nullptr && !rows.all;
  const Index room_columns = projections_.room_columns(length, rows, few);
  const View<S> room = rows.all
                           ? view(everything + rows.first() * room_columns, length, room_columns)
                           : workspace.matrix(length, room_columns);
  const Qkv qkv = lookup == nullptr ? projections_.forward(theta, u, rows, few, room, workspace)
                                    : projections_.look_up(*static_cast<const Qkv*>(lookup->table),
                                                           lookup->ids, rows, room, workspace);
  const MyTape* tape = workspace.record(MyTape{
      {}, qkv, projections_.core_output(qkv, y, workspace), workspace.take(heads_ * rows.count())});
  const Index end = rows.first() + length;
  for (Index h = 0; h < heads_; ++h) {
    const auto until_end = [&](Index part) {
      return constant(until(everything, end, part * width_ + h * qkv.width, qkv.width));
    };
    SoftmaxAttention<S>::forward(qkv.q_of(h), rows.all ? until_end(1) : qkv.k_of(h),
                                 rows.all ? until_end(2) : qkv.v_of(h), rows, scale(),
                                 columns(tape->core, h * qkv.width, qkv.width),
                                 tape->log_sum + h * rows.count(), workspace);
  }
  projections_.finish(theta, qkv, constant(tape->core), y);
  return tape;
}

template <class S>
void FullQuadratic<S>::backward(const S* theta, S* gradient, ConstView<S> u,
                                const Lookup<S>* lookup, const Rows& rows, const Tape* opaque,
                                Carry* opaque_carry, ConstView<S> dy, View<S> du,
                                Workspace<S>& workspace) const {
  const MyTape& tape = *static_cast<const MyTape*>(opaque);
  const MyCarry& carry = *static_cast<const MyCarry*>(opaque_carry);
  const auto& qkv = tape.qkv;
  const typename Workspace<S>::Scope scope(workspace);
  const ConstView<S> core = constant(tape.core);
  const ConstView<S> d_core =
      projections_.finish_backward(theta, gradient, qkv, core, dy, workspace);
  const Index length = qkv.k.rows();
  const Index room_columns =
      projections_.room_columns(length, rows, lookup == nullptr && !rows.all);
  const View<S> room = rows.all
                           ? view(carry.d_qkv + rows.first() * room_columns, length, room_columns)
                           : workspace.matrix(length, room_columns);
  auto d = projections_.gradients(qkv, room, workspace);
  if (!rows.all) {
    d.k.setZero();
    d.v.setZero();
  }
  const Index end = rows.first() + length;
  for (Index h = 0; h < heads_; ++h) {
    const auto head = [&](const auto& m) { return columns(m, h * qkv.width, qkv.width); };
    // Gradients of earlier segments' keys and values grow until their turn comes.
    const auto until_end = [&](S* numbers, Index part) {
      return until(numbers, end, part * width_ + h * qkv.width, qkv.width);
    };
    SoftmaxAttention<S>::backward(
        qkv.q_of(h), rows.all ? constant(until_end(carry.qkv, 1)) : qkv.k_of(h),
        rows.all ? constant(until_end(carry.qkv, 2)) : qkv.v_of(h), rows, scale(), head(core),
        tape.log_sum + h * rows.count(), head(d_core), head(d.q),
        rows.all ? until_end(carry.d_qkv, 1) : head(d.k),
        rows.all ? until_end(carry.d_qkv, 2) : head(d.v), workspace);
  }
  if (lookup != nullptr) {
    projections_.look_up_backward(
        lookup->ids, rows, d, projections_.table_gradients(lookup->gradient, table_rows(*lookup)),
        workspace);
    return;
  }
  projections_.backward(theta, gradient, u, rows, qkv, d, du, workspace);
}

template <class S>
Index FullQuadratic<S>::table_rows(const Lookup<S>& lookup) const {
  return static_cast<const typename Projections<S>::Result*>(lookup.table)->k.rows();
}

template <class S>
const void* FullQuadratic<S>::tabulate(const S* theta, ConstView<S> u, const Linear&, std::int64_t,
                                       int threads, Workspace<S>& workspace) const {
  return workspace.record(projections_.tabulate(theta, u, threads, workspace));
}

template <class S>
void FullQuadratic<S>::tabulate_backward(const S* theta, S* gradient, ConstView<S> u, const Linear&,
                                         const void*, S* table_gradient, View<S> du, int threads,
                                         Workspace<S>&) const {
  projections_.tabulate_backward(
      theta, gradient, u, projections_.table_gradients(table_gradient, u.rows()), du, threads);
}

template <class S>
Index FullQuadratic<S>::table_size(Index rows) const noexcept {
  return 3 * rows * width_;
}

template <class S>
Footprint FullQuadratic<S>::footprint(std::int64_t tokens, std::int64_t rows, bool all,
                                      bool) const noexcept {
  Footprint size = projections_.footprint(tokens, rows, all, !all);
  if (all) {  // these live in the carry
    size.tape -= 3 * tokens * width_;
    size.scratch -= 3 * tokens * width_;
  }
  return Footprint{size.tape + rows * heads_, size.scratch + SoftmaxAttention<S>::scratch(rows)};
}

template <class S>
double FullQuadratic<S>::multiply_adds(std::int64_t tokens, std::int64_t rows,
                                       bool all) const noexcept {
  const auto t = static_cast<double>(tokens);
  const double pairs = all ? t * (t + 1) / 2 : static_cast<double>(rows) * t;
  return projections_.multiply_adds(tokens, rows) + 2 * static_cast<double>(width_) * pairs;
}

template class FullQuadratic<float>;
template class FullQuadratic<double>;

}  // namespace recollect
