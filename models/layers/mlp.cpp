#include "models/layers/mlp.hpp"

#include "models/kernels/elementwise.hpp"

namespace recollect {

template <class S>
Mlp::Tape<S> Mlp::forward(const S* theta, ConstView<S> x, View<S> y,
                          Workspace<S>& workspace) const {
  const Index hidden = in.weight.rows;
  const Tape<S> tape{workspace.matrix(x.rows(), hidden), workspace.matrix(x.rows(), hidden),
                     workspace.matrix(gate ? x.rows() : 0, hidden)};
  in.forward<S>(theta, x, tape.slope);
  if (gate) {
    gate->forward<S>(theta, x, tape.activated);
    silu<S>(tape.slope, tape.gated, tape.slope);
    multiply<S>(tape.activated, tape.slope);
    multiply<S>(tape.gated, tape.activated);
  } else {
    gelu<S>(nullptr, tape.slope, tape.activated, tape.slope);
  }
  out.forward<S>(theta, tape.activated, y);
  return tape;
}

template <class S>
void Mlp::backward(const S* theta, S* gradient, ConstView<S> x, const Tape<S>& tape,
                   ConstView<S> dy, View<S> dx, Write write, Workspace<S>& workspace) const {
  const typename Workspace<S>::Scope scope(workspace);
  const View<S> d_hidden = workspace.matrix(tape.slope.rows(), tape.slope.cols());
  out.backward<S>(theta, gradient, tape.activated, dy, d_hidden, Write::kOverwrite);
  if (gate) {
    const View<S> d_gate = workspace.matrix(d_hidden.rows(), d_hidden.cols());
    copy(d_hidden, d_gate);
    multiply<S>(tape.gated, d_gate);
    gate->backward<S>(theta, gradient, x, d_gate, dx, write);
    write = Write::kAccumulate;
  }
  multiply<S>(tape.slope, d_hidden);
  in.backward<S>(theta, gradient, x, d_hidden, dx, write);
}

template Mlp::Tape<float> Mlp::forward<float>(const float*, ConstView<float>, View<float>,
                                              Workspace<float>&) const;
template void Mlp::backward<float>(const float*, float*, ConstView<float>, const Tape<float>&,
                                   ConstView<float>, View<float>, Write, Workspace<float>&) const;
template Mlp::Tape<double> Mlp::forward<double>(const double*, ConstView<double>, View<double>,
                                                Workspace<double>&) const;
template void Mlp::backward<double>(const double*, double*, ConstView<double>, const Tape<double>&,
                                    ConstView<double>, View<double>, Write,
                                    Workspace<double>&) const;

}  // namespace recollect
