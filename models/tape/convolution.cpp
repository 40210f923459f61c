#include "models/tape/convolution.hpp"

#include <algorithm>

namespace recollect::tape {
namespace {

/// Row t of z, or of what stands before it; null where there is none.
template <class S>
const S* row_of(const View<const S>& z, const View<const S>& before, Index t) {
  if (t >= 0) return z.data() + t * z.stride();
  const Index row = before.rows() + t;
  return row >= 0 ? before.data() + row * before.stride() : nullptr;
}

template <class S>
View<const S> value_of(const Var<S>& x) {
  return x.empty() ? View<const S>(nullptr, 0, 0, 0) : x.value();
}

}  // namespace

template <class S>
Var<S> convolve(Tape<S>& tape, const Var<S>& z, const Var<S>& taps, const Var<S>& before) {
  const Index n = z.rows();
  const Index columns = z.cols();
  const Index reach = taps.rows();
  const Output<S> y = tape.matrix(n, columns);
  const View<const S> from = z.value();
  const View<const S> earlier = value_of(before);
  const View<const S> weights = taps.value();
  for (Index t = 0; t < n; ++t) {
    S* to = y.view.data() + t * columns;
    std::fill_n(to, columns, S(0));
    for (Index j = 0; j < reach; ++j) {
      const S* in = row_of(from, earlier, t - j);
      if (in == nullptr) break;
      const S* tap = weights.data() + j * weights.stride();
      for (Index c = 0; c < columns; ++c) to[c] += tap[c] * in[c];
    }
  }
  tape.record(y.var, [z, taps, before, n, columns, reach](Backward<S>& walk, ConstView<S> dy) {
    const View<const S> in = z.value();
    const View<const S> old = value_of(before);
    const View<const S> tap = taps.value();
    // dz_s = sum over j of taps_j dy_{s+j}, s from -m on.
    const auto send = [&](const Slot<S>& slot, Index first) {
      for (Index row = 0; row < slot.to.rows(); ++row) {
        S* to = slot.to.data() + row * slot.to.stride();
        if (!slot.adds()) std::fill_n(to, columns, S(0));
        for (Index j = 0; j < reach; ++j) {
          const Index t = row + first + j;
          if (t < 0 || t >= n) continue;
          const S* out = dy.data() + t * dy.stride();
          const S* weight = tap.data() + j * tap.stride();
          for (Index c = 0; c < columns; ++c) to[c] += weight[c] * out[c];
        }
      }
    };
    if (walk.wants(z)) send(walk.slot(z), 0);
    if (!before.empty() && walk.wants(before)) send(walk.slot(before), -before.rows());
    if (!walk.wants(taps)) return;
    const Slot<S> d = walk.slot(taps);
    if (!d.adds()) set_zero(d.to);
    for (Index t = 0; t < n; ++t) {
      const S* out = dy.data() + t * dy.stride();
      for (Index j = 0; j < reach; ++j) {
        const S* row = row_of(in, old, t - j);
        if (row == nullptr) break;
        S* to = d.to.data() + j * d.to.stride();
        for (Index c = 0; c < columns; ++c) to[c] += out[c] * row[c];
      }
    }
  });
  return y.var;
}

template <class S>
Var<S> last_rows(Tape<S>& tape, const Var<S>& x, Index count, const Var<S>& before) {
  const View<const S> earlier = value_of(before);
  const Index rows = std::min(count, x.rows() + earlier.rows());
  const Index first = x.rows() - rows;  // below 0 where rows of `before` are among them
  const Output<S> y = tape.matrix(rows, x.cols());
  for (Index r = 0; r < rows; ++r) {
    std::copy_n(row_of(x.value(), earlier, first + r), x.cols(), y.view.data() + r * x.cols());
  }
  tape.record(y.var, [x, before, rows, first](Backward<S>& walk, ConstView<S> dy) {
    const auto send = [&](const Var<S>& to, Index from, Index count_of, Index at) {
      if (count_of <= 0 || !walk.wants(to)) return;
      walk.slot(to.rows(at, count_of)).take(recollect::rows(View<const S>(dy), from, count_of));
    };
    const Index old = std::max<Index>(-first, 0);
    if (!before.empty()) send(before, 0, old, before.rows() - old);
    send(x, old, rows - old, first + old);
  });
  return y.var;
}

template Var<float> convolve<float>(Tape<float>&, const Var<float>&, const Var<float>&,
                                    const Var<float>&);
template Var<double> convolve<double>(Tape<double>&, const Var<double>&, const Var<double>&,
                                      const Var<double>&);
template Var<float> last_rows<float>(Tape<float>&, const Var<float>&, Index, const Var<float>&);
template Var<double> last_rows<double>(Tape<double>&, const Var<double>&, Index,
                                       const Var<double>&);

}  // namespace recollect::tape
