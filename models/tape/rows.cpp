#include "models/tape/rows.hpp"

#include <algorithm>
#include <cmath>

#include "models/kernels/row_arithmetic.hpp"

namespace recollect::tape {

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
      for (Index r = 0; r < x.rows(); ++r) {
        const S* in = x.value().data() + r * x.value().stride() + h * width;
        const S* out = dy.data() + r * dy.stride() + h * width;
        const S product = dot_of_rows(in, out, width);
        total += static_cast<double>(product);
        if (step != 0) d.take(r, h, product);
      }
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
  for (Index r = 0; r < x.rows(); ++r) {
    for (Index h = 0; h < heads; ++h) {
      const S* in = x.value().data() + r * x.value().stride() + h * width;
      const S by = S(1) / std::sqrt(share * dot_of_rows(in, in, width) + epsilon);
      inverse[r * heads + h] = by;
      scale_row(by, in, width, y.view.data() + r * y.view.stride() + h * width, Write::kOverwrite);
    }
  }
  const Var<S> own = y.var;
  // y = r x, r = (m |x|^2 + epsilon)^(-1/2):  dx = r (dy - m y (y . dy)), exact with epsilon
  tape.record(own, [x, own, inverse, share, heads, width](Backward<S>& walk, ConstView<S> dy) {
    if (!walk.wants(x)) return;
    const Slot<S> dx = walk.slot(x);
    for (Index r = 0; r < x.rows(); ++r) {
      for (Index h = 0; h < heads; ++h) {
        const S* value = own.value().data() + r * own.value().stride() + h * width;
        const S* out = dy.data() + r * dy.stride() + h * width;
        S* to = dx.to.data() + r * dx.to.stride() + h * width;
        const S along = share * dot_of_rows(value, out, width);
        scale_difference(inverse[r * heads + h], out, along, value, width, to, dx.write);
      }
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
