#include "models/lambda/linear.hpp"

#include "models/layers/elementwise.hpp"

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
  const MyTape* tape = workspace.record(MyTape{{}, workspace.matrix(lambda.rows(), lambda.cols())});
  projection_.forward<S>(theta, u, tape->projected);
  const auto scale = scale_.row(theta).array();
  for (Index r = 0; r < lambda.rows(); ++r) {
    lambda.row(r).array() = softplus(tape->projected.row(r).array() * scale);
  }
  return tape;
}

template <class S>
void LinearLambda<S>::backward(const S* theta, S* gradient, ConstView<S> u, const Tape* tape,
                               ConstView<S>, View<S> dlambda, View<S> du, Workspace<S>&) const {
  const View<S>& projected = static_cast<const MyTape*>(tape)->projected;
  const auto scale = scale_.row(theta).array();
  auto d_scale = scale_.row(gradient).array();
  for (Index r = 0; r < dlambda.rows(); ++r) {
    auto row = dlambda.row(r).array();
    row *= sigmoid(projected.row(r).array() * scale);
    d_scale += row * projected.row(r).array();
    row *= scale;
  }
  projection_.backward<S>(theta, gradient, u, constant(dlambda), du, Write::kAccumulate);
}

template class LinearLambda<float>;
template class LinearLambda<double>;

}  // namespace recollect
