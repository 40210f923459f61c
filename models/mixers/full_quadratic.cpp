#include "models/mixers/full_quadratic.hpp"

#include <cmath>

#include "models/mixers/registry.hpp"
#include "models/mixers/softmax_attention.hpp"

namespace recollect {

template <class S>
FullQuadratic<S>::FullQuadratic(const MixerContext& context, ParameterLayout& layout)
    : projections_(context.settings, context.prefix, layout),
      width_(context.settings.width),
      heads_(context.settings.heads) {}

template <class S>
S FullQuadratic<S>::scale() const {
  return S(1) / std::sqrt(static_cast<S>(width_ / heads_));
}

template <class S>
auto FullQuadratic<S>::forward(const S* theta, ConstView<S> u, const Lookup<S>* lookup,
                               const Rows& rows, View<S> y, Workspace<S>& workspace) const
    -> const Tape* {
  using Qkv = typename Projections<S>::Result;
  const Qkv qkv = lookup == nullptr ? projections_.forward(theta, u, rows, !rows.all, workspace)
                                    : projections_.look_up(*static_cast<const Qkv*>(lookup->table),
                                                           lookup->ids, rows, workspace);
  const MyTape* tape = workspace.record(MyTape{
      {}, qkv, projections_.core_output(qkv, y, workspace), workspace.take(heads_ * rows.count())});
  for (Index h = 0; h < heads_; ++h) {
    SoftmaxAttention<S>::forward(qkv.q_of(h), qkv.k_of(h), qkv.v_of(h), rows, scale(),
                                 columns(tape->core, h * qkv.width, qkv.width),
                                 tape->log_sum + h * rows.count(), workspace);
  }
  projections_.finish(theta, qkv, constant(tape->core), y);
  return tape;
}

template <class S>
void FullQuadratic<S>::backward(const S* theta, S* gradient, ConstView<S> u,
                                const Lookup<S>* lookup, const Rows& rows, const Tape* opaque,
                                ConstView<S> dy, View<S> du, Workspace<S>& workspace) const {
  const MyTape& tape = *static_cast<const MyTape*>(opaque);
  const auto& qkv = tape.qkv;
  const typename Workspace<S>::Scope scope(workspace);
  const ConstView<S> core = constant(tape.core);
  const ConstView<S> d_core =
      projections_.finish_backward(theta, gradient, qkv, core, dy, workspace);
  const auto d = projections_.gradients(qkv, workspace);
  for (Index h = 0; h < heads_; ++h) {
    const auto head = [&](const auto& m) { return columns(m, h * qkv.width, qkv.width); };
    SoftmaxAttention<S>::backward(qkv.q_of(h), qkv.k_of(h), qkv.v_of(h), rows, scale(), head(core),
                                  tape.log_sum + h * rows.count(), head(d_core), head(d.q),
                                  head(d.k), head(d.v), workspace);
  }
  if (lookup != nullptr) {
    projections_.look_up_backward(
        lookup->ids, rows, d, projections_.table_gradients(lookup->gradient, table_rows(*lookup)));
    return;
  }
  View<S> du_rows = workspace.matrix(rows.count(), width_);
  du_rows.setZero();
  projections_.backward(theta, gradient, u, rows, qkv, d, du_rows, du, workspace);
}

template <class S>
Index FullQuadratic<S>::table_rows(const Lookup<S>& lookup) const {
  return static_cast<const typename Projections<S>::Result*>(lookup.table)->k.rows();
}

template <class S>
const void* FullQuadratic<S>::tabulate(const S* theta, ConstView<S> u,
                                       Workspace<S>& workspace) const {
  return workspace.record(projections_.tabulate(theta, u, workspace));
}

template <class S>
void FullQuadratic<S>::tabulate_backward(const S* theta, S* gradient, ConstView<S> u, const void*,
                                         S* table_gradient, View<S> du, Workspace<S>&) const {
  projections_.tabulate_backward(theta, gradient, u,
                                 projections_.table_gradients(table_gradient, u.rows()), du);
}

template <class S>
Index FullQuadratic<S>::table_size(Index rows) const noexcept {
  return 3 * rows * width_;
}

template <class S>
Footprint FullQuadratic<S>::footprint(std::int64_t tokens, std::int64_t rows,
                                      bool all) const noexcept {
  const Footprint projections = projections_.footprint(tokens, rows, all, !all);
  return Footprint{projections.tape + rows * heads_, projections.scratch + 2 * 64 * 64};
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
