#include "models/tape/products.hpp"

#include "models/tape/lower.hpp"

namespace recollect::tape {
namespace {

template <class S>
Write write_of(const Into<S>& into) {
  return into.add ? Write::kAccumulate : Write::kOverwrite;
}

/// m n k, for the triangle of a square matrix half of it.
double work(Index m, Index n, Index k, double share = 1.0) {
  return share * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
}

template <class S>
Output<S> output_of(Tape<S>& tape, const Into<S>& into, Index rows, Index cols) {
  if (into.to.var.empty()) return tape.matrix(rows, cols);
  assert(into.to.view.rows() == rows && into.to.view.cols() == cols);
  return into.to;
}

/// Whether the operation's record is the one that begins its output: a block of a matrix never is.
template <class S>
bool begins(const Into<S>& into) {
  return into.to.var.empty() || (!into.add && into.to.var.whole());
}

/// Records y as a product of a and b, whose gradients are products again: to_a(dy, b, Slot) and
/// to_b(dy, a, Slot).
template <class S, class ToA, class ToB>
Var<S> recorded(Tape<S>& tape, const Output<S>& y, const Var<S>& a, const Var<S>& b, bool begins_y,
                const ToA& to_a, const ToB& to_b) {
  tape.record(
      y.var,
      [a, b, to_a, to_b](Backward<S>& walk, ConstView<S> dy) {
        if (walk.wants(a)) to_a(dy, b.value(), walk.slot(a));
        if (walk.wants(b)) to_b(dy, a.value(), walk.slot(b));
      },
      begins_y);
  return y.var;
}

}  // namespace

template <class S>
Var<S> product(Tape<S>& tape, const Var<S>& a, const Var<S>& b, const Into<S>& into) {
  const Output<S> y = output_of(tape, into, a.rows(), b.cols());
  product_nn<S>(a.value(), b.value(), y.view, write_of(into));
  tape.count(work(a.rows(), b.cols(), a.cols()));
  return recorded(
      tape, y, a, b, begins(into),
      [](ConstView<S> dy, ConstView<S> right, const Slot<S>& da) {
        product_nt<S>(dy, right, da.to, da.write);
      },
      [](ConstView<S> dy, ConstView<S> left, const Slot<S>& db) {
        product_tn<S>(left, dy, db.to, db.write);
      });
}

template <class S>
Var<S> product_bt(Tape<S>& tape, const Var<S>& a, const Var<S>& b, const Into<S>& into) {
  const Output<S> y = output_of(tape, into, a.rows(), b.rows());
  product_nt<S>(a.value(), b.value(), y.view, write_of(into));
  tape.count(work(a.rows(), b.rows(), a.cols()));
  return recorded(
      tape, y, a, b, begins(into),
      [](ConstView<S> dy, ConstView<S> right, const Slot<S>& da) {
        product_nn<S>(dy, right, da.to, da.write);
      },
      [](ConstView<S> dy, ConstView<S> left, const Slot<S>& db) {
        product_tn<S>(dy, left, db.to, db.write);
      });
}

template <class S>
Var<S> product_at(Tape<S>& tape, const Var<S>& a, const Var<S>& b, const Into<S>& into) {
  const Output<S> y = output_of(tape, into, a.cols(), b.cols());
  product_tn<S>(a.value(), b.value(), y.view, write_of(into));
  tape.count(work(a.cols(), b.cols(), a.rows()));
  return recorded(
      tape, y, a, b, begins(into),
      [](ConstView<S> dy, ConstView<S> right, const Slot<S>& da) {
        product_nt<S>(right, dy, da.to, da.write);
      },
      [](ConstView<S> dy, ConstView<S> left, const Slot<S>& db) {
        product_nn<S>(left, dy, db.to, db.write);
      });
}

template <class S>
Var<S> lower_product(Tape<S>& tape, const Var<S>& a, const Var<S>& b) {
  const Output<S> y = tape.matrix(a.rows(), a.rows());
  lower_of_nt<S>(a.value(), b.value(), y.view, Write::kOverwrite);
  tape.count(work(a.rows(), a.rows() + 1, a.cols(), 0.5));
  return recorded(
      tape, y, a, b, true,
      [](ConstView<S> dy, ConstView<S> right, const Slot<S>& da) {
        product_nn_lower<S>(dy, right, da.to, da.write);
      },
      [](ConstView<S> dy, ConstView<S> left, const Slot<S>& db) {
        product_tn_lower<S>(dy, left, db.to, db.write);
      });
}

template <class S>
Var<S> product_lower(Tape<S>& tape, const Var<S>& l, const Var<S>& b, const Into<S>& into) {
  const Output<S> y = output_of(tape, into, l.rows(), b.cols());
  product_nn_lower<S>(l.value(), b.value(), y.view, write_of(into));
  tape.count(work(l.rows(), l.rows() + 1, b.cols(), 0.5));
  return recorded(
      tape, y, l, b, begins(into),
      [](ConstView<S> dy, ConstView<S> right, const Slot<S>& dl) {
        lower_of_nt<S>(dy, right, dl.to, dl.write);
      },
      [](ConstView<S> dy, ConstView<S> left, const Slot<S>& db) {
        product_tn_lower<S>(left, dy, db.to, db.write);
      });
}

template <class S>
Var<S> product_lower_t(Tape<S>& tape, const Var<S>& l, const Var<S>& b, const Into<S>& into) {
  const Output<S> y = output_of(tape, into, l.rows(), b.cols());
  product_tn_lower<S>(l.value(), b.value(), y.view, write_of(into));
  tape.count(work(l.rows(), l.rows() + 1, b.cols(), 0.5));
  return recorded(
      tape, y, l, b, begins(into),
      [](ConstView<S> dy, ConstView<S> right, const Slot<S>& dl) {
        lower_of_nt<S>(right, dy, dl.to, dl.write);
      },
      [](ConstView<S> dy, ConstView<S> left, const Slot<S>& db) {
        product_nn_lower<S>(left, dy, db.to, db.write);
      });
}

template <class S>
Var<S> product_of_lowers(Tape<S>& tape, const Var<S>& a, const Var<S>& b) {
  const Output<S> y = tape.matrix(a.rows(), a.rows());
  lower_of_lowers<S>(a.value(), b.value(), y.view, Write::kOverwrite);
  tape.count(work(a.rows(), a.rows(), a.rows(), 1.0 / 6.0));
  // y = a b:  da = lower(dy b^T),  db = lower(a^T dy)
  return recorded(
      tape, y, a, b, true,
      [](ConstView<S> dy, ConstView<S> right, const Slot<S>& da) {
        lower_of_lowers_nt<S>(dy, right, da.to, da.write);
      },
      [](ConstView<S> dy, ConstView<S> left, const Slot<S>& db) {
        lower_of_lowers_tn<S>(left, dy, db.to, db.write);
      });
}

template <class S>
Var<S> unit_lower_inverse(Tape<S>& tape, const Var<S>& a) {
  const Index n = a.rows();
  const Output<S> x = tape.matrix(n, n);
  {
    const typename Workspace<S>::Scope scope(tape.workspace());
    invert_unit_lower<S>(a.value(), x.view, tape.workspace().matrix(n, n));
  }
  tape.count(work(n, n, n, 1.0 / 6.0));
  const Var<S> inverse = x.var;
  // d(X) = -X dA X, so dA = -strictly lower part of X^T dX X^T; of dX X^T the lower part is enough.
  tape.record(inverse, [a, inverse, n](Backward<S>& walk, ConstView<S> dx) {
    if (!walk.wants(a)) return;
    const Slot<S> da = walk.slot(a);
    const auto right = walk.scratch(n, n);
    const auto both = walk.scratch(n, n);
    lower_of_lowers_nt<S>(dx, inverse.value(), right.view(), Write::kOverwrite);
    lower_of_lowers_tn<S>(inverse.value(), right.view(), both.view(), Write::kOverwrite);
    for (Index t = 0; t < n; ++t) {
      S* to = da.to.data() + t * da.to.stride();
      const S* from = both.view().data() + t * n;
      for (Index s = 0; s < t; ++s) to[s] = da.adds() ? to[s] - from[s] : -from[s];
      if (!da.adds()) std::fill(to + t, to + band_end(t, n), S(0));
    }
  });
  return inverse;
}

#define RECOLLECT_PRODUCTS(S)                                                                 \
  template Var<S> product<S>(Tape<S>&, const Var<S>&, const Var<S>&, const Into<S>&);         \
  template Var<S> product_bt<S>(Tape<S>&, const Var<S>&, const Var<S>&, const Into<S>&);      \
  template Var<S> product_at<S>(Tape<S>&, const Var<S>&, const Var<S>&, const Into<S>&);      \
  template Var<S> lower_product<S>(Tape<S>&, const Var<S>&, const Var<S>&);                   \
  template Var<S> product_lower<S>(Tape<S>&, const Var<S>&, const Var<S>&, const Into<S>&);   \
  template Var<S> product_lower_t<S>(Tape<S>&, const Var<S>&, const Var<S>&, const Into<S>&); \
  template Var<S> product_of_lowers<S>(Tape<S>&, const Var<S>&, const Var<S>&);               \
  template Var<S> unit_lower_inverse<S>(Tape<S>&, const Var<S>&);
RECOLLECT_PRODUCTS(float)
RECOLLECT_PRODUCTS(double)
#undef RECOLLECT_PRODUCTS

}  // namespace recollect::tape
