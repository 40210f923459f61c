#include "models/lambda/mlp.hpp"

#include "models/layers/elementwise.hpp"

namespace recollect {
namespace {

/// The same numbers with a row for each head: (R, H L) read as (R H, L).
template <class S>
View<S> by_head(const View<S>& m, Index heads) {
  return view(const_cast<S*>(m.data()), m.rows() * heads, m.cols() / heads);
}

}  // namespace

template <class S>
MlpLambda<S>::MlpLambda(const LambdaContext& context, LevelOutput output, ParameterLayout& layout)
    : output_(output), heads_(context.settings.heads), levels_(context.levels) {
  const Index hidden = context.settings.lambda_hidden;
  const bool identity = context.settings.init == Init::kIdentity;
  const std::string& prefix = context.prefix;
  projection_.weight = layout.add_matrix(prefix + "level_proj.weight", heads_ * levels_,
                                         context.settings.width, Fill::kNormal, 0.02);
  in_.weight =
      layout.add_matrix(prefix + "lambda_mlp.w1.weight", hidden, levels_, Fill::kNormal, 0.02);
  in_bias_ = layout.add_vector(prefix + "lambda_mlp.w1.bias", hidden, Fill::kConstant, 0.0);
  out_.weight =
      layout.add_matrix(prefix + "lambda_mlp.w2.weight", levels_, hidden,
                        identity ? Fill::kConstant : Fill::kNormal, identity ? 0.0 : 0.02);
  out_bias_ = layout.add_vector(prefix + "lambda_mlp.w2.bias", levels_, Fill::kConstant,
                                identity ? kSoftplusOne : 0.0);
}

template <class S>
auto MlpLambda<S>::forward(const S* theta, ConstView<S> u, View<S> lambda,
                           Workspace<S>& workspace) const -> const Tape* {
  const Index count = u.rows() * heads_;
  const Index hidden_units = in_.weight.rows;
  View<S> projected = workspace.matrix(u.rows(), heads_ * levels_);
  const MyTape* tape = workspace.record(MyTape{{},
                                               by_head(projected, heads_),
                                               workspace.matrix(count, hidden_units),
                                               workspace.matrix(count, hidden_units),
                                               workspace.matrix(count, hidden_units),
                                               workspace.matrix(count, levels_)});
  View<S> hidden = tape->hidden;
  View<S> cdf = tape->cdf;
  View<S> activated = tape->activated;
  View<S> output = tape->output;
  projection_.forward<S>(theta, u, projected);
  in_.forward<S>(theta, constant(tape->projected), hidden);
  hidden.rowwise() += in_bias_.row(theta);
  cdf.array() = normal_cdf(hidden.array());
  activated.array() = hidden.array() * cdf.array();
  out_.forward<S>(theta, constant(activated), output);
  output.rowwise() += out_bias_.row(theta);

  View<S> weights = by_head(lambda, heads_);
  if (output_ == LevelOutput::kSoftplus) {
    weights.array() = softplus(output.array());
  } else {
    for (Index r = 0; r < count; ++r) {
      auto row = weights.row(r).array();
      row = (output.row(r).array() - output.row(r).maxCoeff()).exp();
      row /= row.sum();
    }
  }
  return tape;
}

template <class S>
void MlpLambda<S>::backward(const S* theta, S* gradient, ConstView<S> u, const Tape* opaque,
                            ConstView<S> lambda, View<S> dlambda, View<S> du,
                            Workspace<S>& workspace) const {
  const MyTape& tape = *static_cast<const MyTape*>(opaque);
  const typename Workspace<S>::Scope scope(workspace);
  View<S> d_hidden = workspace.matrix(tape.hidden.rows(), tape.hidden.cols());
  View<S> d_projected = workspace.matrix(u.rows(), heads_ * levels_);
  View<S> d_output = by_head(dlambda, heads_);  // becomes the gradient of the output, in place
  if (output_ == LevelOutput::kSoftplus) {
    d_output.array() *= sigmoid(tape.output.array());
  } else {
    const ConstView<S> weights = view(lambda.data(), d_output.rows(), d_output.cols());
    for (Index r = 0; r < d_output.rows(); ++r) {
      const S mean = d_output.row(r).dot(weights.row(r));
      d_output.row(r).array() = (d_output.row(r).array() - mean) * weights.row(r).array();
    }
  }
  out_bias_.row(gradient) += d_output.colwise().sum();
  out_.backward<S>(theta, gradient, constant(tape.activated), constant(d_output), d_hidden,
                   Write::kOverwrite);
  d_hidden.array() *= gelu_slope(tape.hidden.array(), tape.cdf.array());
  in_bias_.row(gradient) += d_hidden.colwise().sum();
  in_.backward<S>(theta, gradient, constant(tape.projected), constant(d_hidden),
                  by_head(d_projected, heads_), Write::kOverwrite);
  projection_.backward<S>(theta, gradient, u, constant(d_projected), du, Write::kAccumulate);
}

template class MlpLambda<float>;
template class MlpLambda<double>;

}  // namespace recollect
