#include "models/tape/rows.hpp"

#include <algorithm>
#include <cmath>

#include "models/kernels/row_arithmetic.hpp"

namespace recollect::tape {
namespace {

/// body(r, the product of rows r of a and b) for all of them, in order.
template <class S, class Body>
void for_each_dot(const View<const S>& a, const View<const S>& b, Body&& body) {
  for (Index first = 0; first < a.rows(); first += kDots) {
    const Index count = std::min(kDots, a.rows() - first);
    S dots[kDots];
    dots_of_rows<S>(a.data() + first * a.stride(), a.stride(), b.data() + first * b.stride(),
                    b.stride(), count, a.cols(), dots);
    for (Index i = 0; i < count; ++i) body(first + i, dots[i]);
  }
}

}  // namespace

template <class S>
Var<S> scale_rows(Tape<S>& tape, const Var<S>& x, const Var<S>& factor) {
  assert(factor.rows() == x.rows() || factor.rows() == 1);
  assert(x.cols() % factor.cols() == 0);
  const Index heads = factor.cols();
  const Index width = x.cols() / heads;
  const Index step = factor.rows() == 1 ? 0 : factor.value().stride();
  const auto scaled = [heads, width, step](ConstView<S> from, const S* by, const Slot<S>& slot) {
    for (Index r = 0; r < from.rows(); ++r) {
      for (Index h = 0; h < heads; ++h) {
        const S* in = from.data() + r * from.stride() + h * width;
        S* to = slot.to.data() + r * slot.to.stride() + h * width;
        scale_row(by[r * step + h], in, width, to, slot.write);
      }
    }
  };
  const Output<S> y = tape.matrix(x.rows(), x.cols());
  scaled(x.value(), factor.value().data(), {y.view, Write::kOverwrite});
  tape.record(y.var, [x, factor, heads, width, step, scaled](Backward<S>& walk, ConstView<S> dy) {
    if (walk.wants(x)) scaled(dy, factor.value().data(), walk.slot(x));
    if (!walk.wants(factor)) return;
    const Slot<S> d = walk.slot(factor);
    for (Index h = 0; h < heads; ++h) {
      double total = 0.0;  // over all rows, where they share a factor
      for_each_dot<S>(columns(View<const S>(x.value()), h * width, width),
                      columns(View<const S>(dy), h * width, width), [&](Index r, S dot) {
                        total += static_cast<double>(dot);
                        if (step != 0) d.take(r, h, dot);
                      });
      if (step == 0) d.take(0, h, static_cast<S>(total));
    }
  });
  return y.var;
}

template <class S>
Var<S> normalise_rows(Tape<S>& tape, const Var<S>& x, S epsilon, bool mean, Index heads) {
  assert(x.cols() % heads == 0);
  const Index width = x.cols() / heads;
  const S share = mean ? S(1) / static_cast<S>(width) : S(1);
  const Output<S> y = tape.matrix(x.rows(), x.cols());
  S* inverse = tape.workspace().take(x.rows() * heads);
  for (Index h = 0; h < heads; ++h) {
    const View<const S> in = columns(View<const S>(x.value()), h * width, width);
    const View<S> to = columns(y.view, h * width, width);
    for_each_dot<S>(in, in, [&](Index r, S square) {
      const S by = S(1) / std::sqrt(share * square + epsilon);
      inverse[r * heads + h] = by;
      scale_row(by, in.data() + r * in.stride(), width, to.data() + r * to.stride(),
                Write::kOverwrite);
    });
  }
  const Var<S> own = y.var;
  // y = r x, r = (m |x|^2 + epsilon)^(-1/2):  dx = r (dy - m y (y . dy)), exact with epsilon
  tape.record(own, [x, own, inverse, share, heads, width](Backward<S>& walk, ConstView<S> dy) {
    if (!walk.wants(x)) return;
    const Slot<S> dx = walk.slot(x);
    for (Index h = 0; h < heads; ++h) {
      const View<const S> value = columns(View<const S>(own.value()), h * width, width);
      const View<const S> out = columns(View<const S>(dy), h * width, width);
      const View<S> to = columns(dx.to, h * width, width);
      for_each_dot<S>(value, out, [&](Index r, S dot) {
        scale_difference(inverse[r * heads + h], out.data() + r * out.stride(), share * dot,
                         value.data() + r * value.stride(), width, to.data() + r * to.stride(),
                         dx.write);
      });
    }
  });
  return own;
}

template <class S>
Var<S> gather(Tape<S>& tape, const Var<S>& x, std::span<const std::int32_t> index) {
  const Output<S> y = tape.matrix(static_cast<Index>(index.size()), x.cols());
  const View<const S> from = x.value();
  S* to = y.view.data();
  for (const std::int32_t row : index) {
    if (row < 0) {
      std::fill_n(to, x.cols(), S(0));
    } else {
      std::copy_n(from.data() + row * from.stride(), x.cols(), to);
    }
    to += x.cols();
  }
  tape.record(y.var, [x, index](Backward<S>& walk, ConstView<S> dy) {
    if (!walk.wants(x)) return;
    const Slot<S> dx = walk.slot(x);
    if (!dx.adds()) set_zero(dx.to);
    for (std::size_t r = 0; r < index.size(); ++r) {
      if (index[r] < 0) continue;
      scale_row(S(1), dy.data() + static_cast<Index>(r) * dy.stride(), x.cols(),
                dx.to.data() + index[r] * dx.to.stride(), Write::kAccumulate);
    }
  });
  return y.var;
}

#define RECOLLECT_ROWS(S)                                                     \
  template Var<S> scale_rows<S>(Tape<S>&, const Var<S>&, const Var<S>&);      \
  template Var<S> normalise_rows<S>(Tape<S>&, const Var<S>&, S, bool, Index); \
  template Var<S> gather<S>(Tape<S>&, const Var<S>&, std::span<const std::int32_t>);
RECOLLECT_ROWS(float)
RECOLLECT_ROWS(double)
#undef RECOLLECT_ROWS

}  // namespace recollect::tape
