#include "models/mixers/full_quadratic.hpp"

#include "models/mixers/registry.hpp"
#include "models/mixers/softmax_attention.hpp"

namespace recollect {

template <class S>
FullQuadratic<S>::FullQuadratic(const MixerContext& context, ParameterLayout& layout)
    : projections_(context.settings, context.prefix, layout),
      width_(context.settings.width),
      heads_(context.settings.heads) {}

template <class S>
auto FullQuadratic<S>::forward(const S* theta, ConstView<S> u, const Lookup<S>* lookup,
                               const Rows& rows, View<S> y, Workspace<S>& workspace) const
    -> const Tape* {
  using Qkv = typename Projections<S>::Result;
  const Qkv qkv = lookup == nullptr ? projections_.forward(theta, u, rows, workspace)
                                    : projections_.look_up(*static_cast<const Qkv*>(lookup->table),
                                                           lookup->ids, rows, workspace);
  const MyTape* tape = workspace.record(MyTape{{}, qkv, workspace.take(heads_ * rows.count())});
  const Index d = width_ / heads_;
  for (Index h = 0; h < heads_; ++h) {
    const auto head = [&](View<S> m) { return columns(m, h * d, d); };
    SoftmaxAttention<S>::forward(constant(head(tape->qkv.q)), constant(head(tape->qkv.k)),
                                 constant(head(tape->qkv.v)), rows, head(y),
                                 tape->log_sum + h * rows.count(), workspace);
  }
  return tape;
}

template <class S>
void FullQuadratic<S>::backward(const S* theta, S* gradient, ConstView<S> u,
                                const Lookup<S>* lookup, const Rows& rows, const Tape* tape,
                                ConstView<S> y, ConstView<S> dy, View<S> du,
                                Workspace<S>& workspace) const {
  const auto& qkv = static_cast<const MyTape*>(tape)->qkv;
  const S* log_sum = static_cast<const MyTape*>(tape)->log_sum;
  const typename Workspace<S>::Scope scope(workspace);
  View<S> dq = workspace.matrix(rows.count(), width_);
  View<S> dk = workspace.matrix(qkv.k.rows(), width_);
  View<S> dv = workspace.matrix(qkv.k.rows(), width_);
  const Index d = width_ / heads_;
  for (Index h = 0; h < heads_; ++h) {
    const auto head = [&](const auto& m) { return columns(m, h * d, d); };
    SoftmaxAttention<S>::backward(constant(head(qkv.q)), constant(head(qkv.k)),
                                  constant(head(qkv.v)), rows, head(y), log_sum + h * rows.count(),
                                  head(dy), head(dq), head(dk), head(dv), workspace);
  }
  if (lookup != nullptr) {
    projections_.look_up_backward(
        lookup->ids, rows, dq, dk, dv,
        projections_.gradient_views(lookup->gradient, table_rows(*lookup)));
    return;
  }
  View<S> du_rows = workspace.matrix(rows.count(), width_);
  du_rows.setZero();
  projections_.backward(theta, gradient, u, rows, qkv, dq, dk, dv, du_rows, du);
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
                                 projections_.gradient_views(table_gradient, u.rows()), du);
}

template <class S>
Index FullQuadratic<S>::table_size(Index rows) const noexcept {
  return 3 * rows * width_;
}

template <class S>
Footprint FullQuadratic<S>::footprint(std::int64_t tokens, std::int64_t rows,
                                      bool all) const noexcept {
  const std::int64_t both = (rows + 2 * tokens) * width_;  // of q, k, v, and of their gradients
  return Footprint{both + rows * (heads_ + (all ? 0 : width_)), both + rows * width_ + 2 * 64 * 64};
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
