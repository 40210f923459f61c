#include "models/level_weights/fixed.hpp"

#include "models/kernels/elementwise.hpp"

namespace recollect {

template <class S>
FixedLevelWeights<S>::FixedLevelWeights(const LevelContext& context, ParameterLayout& layout)
    : scale_(layout.add_matrix(context.prefix + "level_scale", context.model.heads, context.levels,
                               Fill::kConstant,
                               context.model.init == Init::kIdentity ? kSoftplusOne : 1.0)) {}

template <class S>
auto FixedLevelWeights<S>::forward(const S* theta, ConstView<S>, View<S> lambda,
                                   Workspace<S>& workspace) const -> const Tape* {
  const typename Workspace<S>::Scope scope(workspace);
  softplus<S>(nullptr, scale(theta), rows(lambda, 0, 1), workspace.matrix(1, lambda.cols()));
  for (Index r = 1; r < lambda.rows(); ++r) copy(rows(lambda, 0, 1), rows(lambda, r, 1));
  return nullptr;
}

template <class S>
void FixedLevelWeights<S>::backward(const S* theta, S* gradient, ConstView<S>, const Tape*,
                                    ConstView<S>, View<S> dlambda, View<S>,
                                    Workspace<S>& workspace) const {
  const typename Workspace<S>::Scope scope(workspace);
  const View<S> sums = workspace.matrix(1, dlambda.cols());
  const View<S> slope = workspace.matrix(1, dlambda.cols());
  softplus<S>(nullptr, scale(theta), workspace.matrix(1, dlambda.cols()), slope);
  set_zero(sums);
  add_column_sums<S>(dlambda, sums.data());
  multiply<S>(slope, sums);
  add(sums, view(gradient + scale_.offset, 1, scale_.size()));
}

template <class S>
ConstView<S> FixedLevelWeights<S>::scale(const S* theta) const {
  return view(theta + scale_.offset, 1, scale_.size());
}

template class FixedLevelWeights<float>;
template class FixedLevelWeights<double>;

}  // namespace recollect
