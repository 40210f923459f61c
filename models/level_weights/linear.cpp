#include "models/level_weights/linear.hpp"

#include "models/kernels/elementwise.hpp"

namespace recollect {

template <class S>
LinearLambda<S>::LinearLambda(const LambdaContext& context, ParameterLayout& layout)
    : projection_{layout.add_matrix(context.prefix + "level_proj.weight",
                                    context.settings.heads * context.levels, context.settings.width,
                                    Fill::kNormal, 0.02)},
      scale_(layout.add_matrix(context.prefix + "level_scale", context.settings.heads,
                               context.levels, Fill::kConstant, 1.0)) {}

template <class S>
auto LinearLambda<S>::forward(const S* theta, ConstView<S> u, View<S> lambda,
                              Workspace<S>& workspace) const -> const Tape* {
  const MyTape* tape = workspace.record(MyTape{{},
                                               workspace.matrix(lambda.rows(), lambda.cols()),
                                               workspace.matrix(lambda.rows(), lambda.cols())});
  projection_.forward<S>(theta, u, tape->projected);
  scale_columns<S>(theta + scale_.offset, constant(tape->projected), tape->slope);
  softplus<S>(nullptr, constant(tape->slope), lambda, tape->slope);
  return tape;
}

template <class S>
void LinearLambda<S>::backward(const S* theta, S* gradient, ConstView<S> u, const Tape* opaque,
                               ConstView<S>, View<S> dlambda, View<S> du, Workspace<S>&) const {
  const MyTape& tape = *static_cast<const MyTape*>(opaque);
  multiply<S>(constant(tape.slope), dlambda);
  add_column_sums_of_products<S>(constant(dlambda), constant(tape.projected),
                                 gradient + scale_.offset);
  scale_columns<S>(theta + scale_.offset, constant(dlambda), dlambda);
  projection_.backward<S>(theta, gradient, u, constant(dlambda), du, Write::kAccumulate);
}

template class LinearLambda<float>;
template class LinearLambda<double>;

}  // namespace recollect
