#include "models/level_weights/mlp.hpp"

#include "models/kernels/elementwise.hpp"

namespace recollect {
namespace {

/// The same numbers with a row for each head: (R, H L) read as (R H, L).
template <class S>
View<S> by_head(const View<S>& m, Index heads) {
  return view(m.data(), m.rows() * heads, m.cols() / heads);
}

}  // namespace

template <class S>
MlpLevelWeights<S>::MlpLevelWeights(const LevelContext& context, std::int64_t hidden,
                                    LevelOutput output, ParameterLayout& layout)
    : output_(output), heads_(context.model.heads), levels_(context.levels) {
  const bool identity = context.model.init == Init::kIdentity;
  const std::string& prefix = context.prefix;
  projection_.weight = layout.add_matrix(prefix + "level_proj.weight", heads_ * levels_,
                                         context.model.width, Fill::kNormal, kInitialDeviation);
  in_.weight = layout.add_matrix(prefix + "lambda_mlp.w1.weight", hidden, levels_, Fill::kNormal,
                                 kInitialDeviation);
  in_bias_ = layout.add_vector(prefix + "lambda_mlp.w1.bias", hidden, Fill::kConstant, 0.0);
  out_.weight = layout.add_matrix(prefix + "lambda_mlp.w2.weight", levels_, hidden,
                                  identity ? Fill::kConstant : Fill::kNormal,
                                  identity ? 0.0 : kInitialDeviation);
  out_bias_ = layout.add_vector(prefix + "lambda_mlp.w2.bias", levels_, Fill::kConstant,
                                identity ? kSoftplusOne : 0.0);
}

template <class S>
auto MlpLevelWeights<S>::forward(const S* theta, ConstView<S> u, View<S> lambda,
                                 Workspace<S>& workspace) const -> const Tape* {
  const Index count = u.rows() * heads_;
  const Index hidden_units = in_.weight.rows;
  View<S> projected = workspace.matrix(u.rows(), heads_ * levels_);
  const MyTape* tape = workspace.record(
      MyTape{{},
             by_head(projected, heads_),
             workspace.matrix(count, hidden_units),
             workspace.matrix(count, hidden_units),
             workspace.matrix(output_ == LevelOutput::kSoftplus ? count : 0, levels_)});
  projection_.forward<S>(theta, u, projected);
  in_.forward<S>(theta, tape->projected, tape->hidden_slope);
  gelu<S>(theta + in_bias_.offset, tape->hidden_slope, tape->activated, tape->hidden_slope);
  const View<S> weights = by_head(lambda, heads_);
  const S* bias = theta + out_bias_.offset;
  if (output_ == LevelOutput::kSoftplus) {
    out_.forward<S>(theta, tape->activated, tape->output_slope);
    softplus<S>(bias, tape->output_slope, weights, tape->output_slope);
  } else {
    out_.forward<S>(theta, tape->activated, weights);
    softmax_rows<S>(bias, weights, weights);
  }
  return tape;
}

template <class S>
void MlpLevelWeights<S>::backward(const S* theta, S* gradient, ConstView<S> u, const Tape* opaque,
                                  ConstView<S> lambda, View<S> dlambda, View<S> du,
                                  Workspace<S>& workspace) const {
  const MyTape& tape = *static_cast<const MyTape*>(opaque);
  const typename Workspace<S>::Scope scope(workspace);
  const View<S> d_hidden = workspace.matrix(tape.activated.rows(), tape.activated.cols());
  const View<S> d_projected = workspace.matrix(u.rows(), heads_ * levels_);
  const View<S> d_output = by_head(dlambda, heads_);  // the gradient of the output, in place
  if (output_ == LevelOutput::kSoftplus) {
    multiply<S>(tape.output_slope, d_output);
  } else {
    softmax_rows_backward<S>(view(lambda.data(), d_output.rows(), d_output.cols()), d_output);
  }
  add_column_sums<S>(d_output, gradient + out_bias_.offset);
  out_.backward<S>(theta, gradient, tape.activated, d_output, d_hidden, Write::kOverwrite);
  multiply<S>(tape.hidden_slope, d_hidden);
  add_column_sums<S>(d_hidden, gradient + in_bias_.offset);
  in_.backward<S>(theta, gradient, tape.projected, d_hidden, by_head(d_projected, heads_),
                  Write::kOverwrite);
  projection_.backward<S>(theta, gradient, u, d_projected, du, Write::kAccumulate);
}

template class MlpLevelWeights<float>;
template class MlpLevelWeights<double>;

}  // namespace recollect
