#include "models/level_weights/fixed.hpp"

#include "models/kernels/elementwise.hpp"

namespace recollect {

template <class S>
FixedLambda<S>::FixedLambda(const LambdaContext& context, ParameterLayout& layout)
    : scale_(layout.add_matrix(context.prefix + "level_scale", context.settings.heads,
                               context.levels, Fill::kConstant,
                               context.settings.init == Init::kIdentity ? kSoftplusOne : 1.0)) {}

template <class S>
auto FixedLambda<S>::forward(const S* theta, ConstView<S>, View<S> lambda,
                             Workspace<S>& workspace) const -> const Tape* {
  const typename Workspace<S>::Scope scope(workspace);
  softplus<S>(nullptr, scale(theta), rows(lambda, 0, 1), workspace.matrix(1, lambda.cols()));
  for (Index r = 1; r < lambda.rows(); ++r) lambda.row(r) = lambda.row(0);
  return nullptr;
}

template <class S>
void FixedLambda<S>::backward(const S* theta, S* gradient, ConstView<S>, const Tape*, ConstView<S>,
                              View<S> dlambda, View<S>, Workspace<S>& workspace) const {
  const typename Workspace<S>::Scope scope(workspace);
  VectorView<S> sums = workspace.vector(dlambda.cols());
  const View<S> slope = workspace.matrix(1, dlambda.cols());
  softplus<S>(nullptr, scale(theta), workspace.matrix(1, dlambda.cols()), slope);
  sums.setZero();
  add_column_sums<S>(constant(dlambda), sums.data());
  scale_.row(gradient).array() += sums.array() * slope.array();
}

template <class S>
ConstView<S> FixedLambda<S>::scale(const S* theta) const {
  return view(theta + scale_.offset, 1, scale_.size());
}

template class FixedLambda<float>;
template class FixedLambda<double>;

}  // namespace recollect
