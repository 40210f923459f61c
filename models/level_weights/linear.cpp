#include "models/level_weights/linear.hpp"

#include "models/kernels/elementwise.hpp"

namespace recollect {

template <class S>
LinearLevelWeights<S>::LinearLevelWeights(const LevelContext& context, ParameterLayout& layout)
    : projection_{layout.add_matrix(context.prefix + "level_proj.weight",
                                    context.model.heads * context.levels, context.model.width,
                                    Fill::kNormal, kInitialDeviation)},
      scale_(layout.add_matrix(context.prefix + "level_scale", context.model.heads, context.levels,
                               Fill::kConstant, 1.0)) {}

template <class S>
auto LinearLevelWeights<S>::forward(const S* theta, ConstView<S> u, View<S> lambda,
                                    Workspace<S>& workspace) const -> const Tape* {
  const MyTape* tape = workspace.record(MyTape{{},
                                               workspace.matrix(lambda.rows(), lambda.cols()),
                                               workspace.matrix(lambda.rows(), lambda.cols())});
  projection_.forward<S>(theta, u, tape->projected);
  scale_columns<S>(theta + scale_.offset, tape->projected, tape->slope);
  softplus<S>(nullptr, tape->slope, lambda, tape->slope);
  return tape;
}

template <class S>
void LinearLevelWeights<S>::backward(const S* theta, S* gradient, ConstView<S> u,
                                     const Tape* opaque, ConstView<S>, View<S> dlambda, View<S> du,
                                     Workspace<S>&) const {
  const MyTape& tape = *static_cast<const MyTape*>(opaque);
  multiply<S>(tape.slope, dlambda);
  add_column_sums_of_products<S>(dlambda, tape.projected, gradient + scale_.offset);
  scale_columns<S>(theta + scale_.offset, dlambda, dlambda);
  projection_.backward<S>(theta, gradient, u, dlambda, du, Write::kAccumulate);
}

template class LinearLevelWeights<float>;
template class LinearLevelWeights<double>;

}  // namespace recollect
