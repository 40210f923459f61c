#include "models/tape/elementwise.hpp"

#include <cmath>

#include "math/portable_math.hpp"
#include "models/kernels/elementwise.hpp"
#include "models/kernels/row_arithmetic.hpp"

namespace recollect::tape {
namespace {

/// to = or += from * factor, number by number.
template <class S>
void send_product(ConstView<S> from, ConstView<S> factor, const Slot<S>& slot) {
  multiply_rows<S>(from, factor, slot.to, slot.write);
}

/// bias += the column sums of d.
template <class S>
void send_to_bias(Backward<S>& walk, const Var<S>& bias, ConstView<S> d) {
  if (bias.empty() || !walk.wants(bias)) return;
  const Slot<S> slot = walk.slot(bias);
  if (!slot.adds()) set_zero(slot.to);
  add_column_sums<S>(d, slot.to.data());
}

/// y = f(x + bias), where the forward pass makes the slope at the argument beside the value.
template <class S, class Function>
Var<S> with_slope(Tape<S>& tape, const Var<S>& x, const Var<S>& bias, const Function& function) {
  const Output<S> y = tape.matrix(x.rows(), x.cols());
  const View<S> slope = tape.workspace().matrix(x.rows(), x.cols());
  function(bias.empty() ? nullptr : bias.value().data(), x.value(), y.view, slope);
  const ConstView<S> kept = slope;
  tape.record(y.var, [x, bias, kept](Backward<S>& walk, ConstView<S> dy) {
    if (bias.empty()) {
      if (walk.wants(x)) send_product<S>(dy, kept, walk.slot(x));
      return;
    }
    const auto room = walk.scratch(x.rows(), x.cols());
    const View<S> d = room.view();
    copy<const S, S>(dy, d);
    recollect::multiply<S>(kept, d);
    if (walk.wants(x)) walk.slot(x).take(d);
    send_to_bias<S>(walk, bias, d);
  });
  return y.var;
}

}  // namespace

template <class S>
Var<S> sum(Tape<S>& tape, const Var<S>& a, const Var<S>& b) {
  const Output<S> y = tape.matrix(a.rows(), a.cols());
  copy<const S, S>(a.value(), y.view);
  add<const S, S>(b.value(), y.view);
  tape.record(y.var, [a, b](Backward<S>& walk, ConstView<S> dy) {
    if (walk.wants(a)) walk.slot(a).take(dy);
    if (walk.wants(b)) walk.slot(b).take(dy);
  });
  return y.var;
}

template <class S>
Var<S> difference(Tape<S>& tape, const Var<S>& a, const Var<S>& b) {
  const Output<S> y = tape.matrix(a.rows(), a.cols());
  copy<const S, S>(a.value(), y.view);
  const View<const S> less = b.value();
  for_each_element(y.view, less, [](S& to, const S& value) { to -= value; });
  tape.record(y.var, [a, b](Backward<S>& walk, ConstView<S> dy) {
    if (walk.wants(a)) walk.slot(a).take(dy);
    if (!walk.wants(b)) return;
    const Slot<S> db = walk.slot(b);
    const View<const S> d = dy;
    if (db.adds()) {
      for_each_element(db.to, d, [](S& to, const S& value) { to -= value; });
    } else {
      for_each_element(db.to, d, [](S& to, const S& value) { to = -value; });
    }
  });
  return y.var;
}

template <class S>
Var<S> multiply(Tape<S>& tape, const Var<S>& a, const Var<S>& b) {
  const Output<S> y = tape.matrix(a.rows(), a.cols());
  send_product<S>(a.value(), b.value(), {y.view, Write::kOverwrite});
  tape.record(y.var, [a, b](Backward<S>& walk, ConstView<S> dy) {
    if (walk.wants(a)) send_product<S>(dy, b.value(), walk.slot(a));
    if (walk.wants(b)) send_product<S>(dy, a.value(), walk.slot(b));
  });
  return y.var;
}

template <class S>
Var<S> scale(Tape<S>& tape, const Var<S>& x, S factor) {
  const Output<S> y = tape.matrix(x.rows(), x.cols());
  const View<const S> from = x.value();
  for_each_element(y.view, from, [factor](S& to, const S& value) { to = factor * value; });
  tape.record(y.var, [x, factor](Backward<S>& walk, ConstView<S> dy) {
    if (!walk.wants(x)) return;
    const Slot<S> dx = walk.slot(x);
    const View<const S> d = dy;
    if (dx.adds()) {
      for_each_element(dx.to, d, [factor](S& to, const S& value) { to += factor * value; });
    } else {
      for_each_element(dx.to, d, [factor](S& to, const S& value) { to = factor * value; });
    }
  });
  return y.var;
}

template <class S>
Var<S> exponential(Tape<S>& tape, const Var<S>& x) {
  const Output<S> y = tape.matrix(x.rows(), x.cols());
  const View<const S> from = x.value();
  for_each_element(y.view, from, [](S& to, const S& value) {
    to = static_cast<S>(portable::exp(static_cast<double>(value)));
  });
  const Var<S> own = y.var;
  tape.record(own, [x, own](Backward<S>& walk, ConstView<S> dy) {
    if (walk.wants(x)) send_product<S>(dy, own.value(), walk.slot(x));
  });
  return own;
}

template <class S>
Var<S> sigmoid(Tape<S>& tape, const Var<S>& x, S factor) {
  return with_slope<S>(tape, x, {}, [factor](const S*, ConstView<S> in, View<S> y, View<S> slope) {
    recollect::sigmoid<S>(factor, in, y, slope);
  });
}

template <class S>
Var<S> silu(Tape<S>& tape, const Var<S>& x) {
  return with_slope<S>(tape, x, {}, [](const S*, ConstView<S> in, View<S> y, View<S> slope) {
    recollect::silu<S>(in, y, slope);
  });
}

template <class S>
Var<S> softplus(Tape<S>& tape, const Var<S>& x, const Var<S>& bias) {
  return with_slope<S>(tape, x, bias, recollect::softplus<S>);
}

template <class S>
Var<S> gelu(Tape<S>& tape, const Var<S>& x, const Var<S>& bias) {
  return with_slope<S>(tape, x, bias, recollect::gelu<S>);
}

template <class S>
Var<S> scale_columns(Tape<S>& tape, const Var<S>& x, const Var<S>& factor) {
  const Index period = factor.cols();
  assert(factor.rows() == 1 && x.cols() % period == 0);
  const Output<S> y = tape.matrix(x.rows(), x.cols());
  const auto scaled = [period](ConstView<S> from, const S* by, const Slot<S>& slot) {
    if (period == 1 && from.contiguous() && slot.to.contiguous()) {
      scale_row(*by, from.data(), from.size(), slot.to.data(), slot.write);
      return;
    }
    for (Index r = 0; r < from.rows(); ++r) {
      const S* in = from.data() + r * from.stride();
      S* to = slot.to.data() + r * slot.to.stride();
      for (Index first = 0; first < from.cols(); first += period) {
        multiply_rows(in + first, by, period, to + first, slot.write);
      }
    }
  };
  scaled(x.value(), factor.value().data(), {y.view, Write::kOverwrite});
  tape.record(y.var, [x, factor, period, scaled](Backward<S>& walk, ConstView<S> dy) {
    if (walk.wants(x)) scaled(dy, factor.value().data(), walk.slot(x));
    if (!walk.wants(factor)) return;
    const Slot<S> d = walk.slot(factor);
    const ConstView<S> in = x.value();
    if (period == 1 && in.contiguous() && dy.contiguous()) {
      d.take(0, 0, dot_of_rows(in.data(), dy.data(), in.size()));
      return;
    }
    if (!d.adds()) set_zero(d.to);
    for (Index first = 0; first < x.cols(); first += period) {
      add_column_sums_of_products<S>(columns(View<const S>(in), first, period),
                                     columns(View<const S>(dy), first, period), d.to.data());
    }
  });
  return y.var;
}

#define RECOLLECT_ELEMENTWISE(S)                                         \
  template Var<S> sum<S>(Tape<S>&, const Var<S>&, const Var<S>&);        \
  template Var<S> difference<S>(Tape<S>&, const Var<S>&, const Var<S>&); \
  template Var<S> multiply<S>(Tape<S>&, const Var<S>&, const Var<S>&);   \
  template Var<S> scale<S>(Tape<S>&, const Var<S>&, S);                  \
  template Var<S> exponential<S>(Tape<S>&, const Var<S>&);               \
  template Var<S> sigmoid<S>(Tape<S>&, const Var<S>&, S);                \
  template Var<S> silu<S>(Tape<S>&, const Var<S>&);                      \
  template Var<S> softplus<S>(Tape<S>&, const Var<S>&, const Var<S>&);   \
  template Var<S> gelu<S>(Tape<S>&, const Var<S>&, const Var<S>&);       \
  template Var<S> scale_columns<S>(Tape<S>&, const Var<S>&, const Var<S>&);
RECOLLECT_ELEMENTWISE(float)
RECOLLECT_ELEMENTWISE(double)
#undef RECOLLECT_ELEMENTWISE

}  // namespace recollect::tape
