#include "models/tape/add_row.hpp"

#include "models/kernels/elementwise.hpp"

namespace recollect::tape {

template <class S>
Var<S> add_row(Tape<S>& tape, const Var<S>& x, const Var<S>& row) {
  assert(row.rows() == 1 && row.cols() == x.cols());
  const Output<S> y = tape.matrix(x.rows(), x.cols());
  const S* more = row.value().data();
  for (Index r = 0; r < x.rows(); ++r) {
    const S* from = x.value().data() + r * x.value().stride();
    S* to = y.view.data() + r * y.view.stride();
    for (Index c = 0; c < x.cols(); ++c) to[c] = from[c] + more[c];
  }
  tape.record(y.var, [x, row](Backward<S>& walk, ConstView<S> dy) {
    if (walk.wants(x)) walk.slot(x).take(dy);
    if (!walk.wants(row)) return;
    const Slot<S> d = walk.slot(row);
    if (!d.adds()) set_zero(d.to);
    add_column_sums<S>(dy, d.to.data());
  });
  return y.var;
}

template Var<float> add_row<float>(Tape<float>&, const Var<float>&, const Var<float>&);
template Var<double> add_row<double>(Tape<double>&, const Var<double>&, const Var<double>&);

}  // namespace recollect::tape
