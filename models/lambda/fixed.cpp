#include "models/lambda/fixed.hpp"

#include "models/layers/elementwise.hpp"

namespace recollect {

template <class S>
FixedLambda<S>::FixedLambda(const LambdaContext& context, ParameterLayout& layout)
    : scale_(layout.add_matrix(context.prefix + "level_scale", context.settings.heads,
                               context.levels, Fill::kConstant,
                               context.settings.init == Init::kIdentity ? kSoftplusOne : 1.0)) {}

template <class S>
auto FixedLambda<S>::forward(const S* theta, ConstView<S>, View<S> lambda, Workspace<S>&) const
    -> const Tape* {
  lambda.row(0).array() = softplus(scale_.row(theta).array());
  for (Index r = 1; r < lambda.rows(); ++r) lambda.row(r) = lambda.row(0);
  return nullptr;
}

template <class S>
void FixedLambda<S>::backward(const S* theta, S* gradient, ConstView<S>, const Tape*, ConstView<S>,
                              View<S> dlambda, View<S>, Workspace<S>&) const {
  scale_.row(gradient).array() +=
      dlambda.colwise().sum().array() * sigmoid(scale_.row(theta).array());
}

template class FixedLambda<float>;
template class FixedLambda<double>;

}  // namespace recollect
