#include "models/layers/mlp.hpp"

#include "models/layers/elementwise.hpp"

namespace recollect {

template <class S>
Mlp::Tape<S> Mlp::forward(const S* theta, ConstView<S> x, View<S> y,
                          Workspace<S>& workspace) const {
  const Index hidden = in.weight.rows;
  const Tape<S> tape{workspace.matrix(x.rows(), hidden), workspace.matrix(x.rows(), hidden)};
  in.forward<S>(theta, x, tape.slope);
  gelu<S>(nullptr, constant(tape.slope), tape.activated, tape.slope);
  out.forward<S>(theta, constant(tape.activated), y);
  return tape;
}

template <class S>
void Mlp::backward(const S* theta, S* gradient, ConstView<S> x, const Tape<S>& tape,
                   ConstView<S> dy, View<S> dx, Write write, Workspace<S>& workspace) const {
  const typename Workspace<S>::Scope scope(workspace);
  const View<S> d_hidden = workspace.matrix(tape.slope.rows(), tape.slope.cols());
  out.backward<S>(theta, gradient, constant(tape.activated), dy, d_hidden, Write::kOverwrite);
  multiply<S>(constant(tape.slope), d_hidden);
  in.backward<S>(theta, gradient, x, constant(d_hidden), dx, write);
}

#define RECOLLECT_INSTANTIATE(S)                                                               \
  template Mlp::Tape<S> Mlp::forward<S>(const S*, ConstView<S>, View<S>, Workspace<S>&) const; \
  template void Mlp::backward<S>(const S*, S*, ConstView<S>, const Tape<S>&, ConstView<S>,     \
                                 View<S>, Write, Workspace<S>&) const;
RECOLLECT_INSTANTIATE(float)
RECOLLECT_INSTANTIATE(double)
#undef RECOLLECT_INSTANTIATE

}  // namespace recollect
