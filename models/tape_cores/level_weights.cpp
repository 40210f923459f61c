#include "models/tape_cores/level_weights.hpp"

namespace recollect {

template <class S>
tape::Var<S> level_weights(tape::Tape<S>& tape, const LevelWeights<S>& rule, const S* theta,
                           const tape::Var<S>& u, Index heads) {
  if (rule.levels() == 0) return {};
  const tape::Output<S> lambda = tape.matrix(u.rows(), heads * rule.levels());
  const auto* own = rule.forward(theta, u.value(), lambda.view, tape.workspace());
  tape.count(rule.multiply_adds() * static_cast<double>(u.rows()));
  const tape::Var<S> made = lambda.var;
  tape.record(made, [&rule, theta, u, own, made](tape::Backward<S>& walk, ConstView<S> dy) {
    const auto d_lambda = walk.scratch(made.rows(), made.cols());
    copy<const S, S>(dy, d_lambda.view());
    const tape::Slot<S> du = walk.slot(u);
    if (!du.adds()) set_zero(du.to);
    const typename Workspace<S>::Scope scope(walk.workspace());
    rule.backward(theta, walk.gradient(), u.value(), own, made.value(), d_lambda.view(), du.to,
                  walk.workspace());
  });
  return made;
}

template tape::Var<float> level_weights<float>(tape::Tape<float>&, const LevelWeights<float>&,
                                               const float*, const tape::Var<float>&, Index);
template tape::Var<double> level_weights<double>(tape::Tape<double>&, const LevelWeights<double>&,
                                                 const double*, const tape::Var<double>&, Index);

}  // namespace recollect
