#include "models/tape/convolution.hpp"

#include <algorithm>

#include "models/kernels/convolution.hpp"
#include "models/kernels/elementwise.hpp"
#include "models/kernels/row_arithmetic.hpp"

namespace recollect::tape {
namespace {

// Sums and what becomes of them stay in the first-level cache.
constexpr Index kRowsAtOnce = 32;

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
Var<S> convolve(Tape<S>& tape, const Var<S>& z, const Var<S>& taps, const Var<S>& before,
                Activation activation) {
  const Index n = z.rows();
  const bool bends = activation == Activation::kSilu;
  const Output<S> y = tape.matrix(n, z.cols());
  // Of the activation, at the sums; they stand there until it is known.
  const View<S> slope = tape.workspace().matrix(bends ? n : 0, z.cols());
  // The kernel reads rows that lie one after another.
  const auto with_before = [z, before](View<S> room) {
    const View<const S> earlier = before.value();
    copy<const S, S>(earlier, recollect::rows(room, 0, before.rows()));
    copy<const S, S>(z.value(), recollect::rows(room, before.rows(), z.rows()));
  };
  const auto fill = [&](const View<const S>& rows_of_all) {
    if (!bends) {
      recollect::convolve<S>(taps.value(), rows_of_all, Residual::kNo, y.view);
      return;
    }
    const Index earlier = rows_of_all.rows() - n;
    for (Index first = 0; first < n; first += kRowsAtOnce) {
      const Index count = std::min(kRowsAtOnce, n - first);
      const Index from = std::max<Index>(earlier + first - (taps.rows() - 1), 0);
      const View<S> part = recollect::rows(slope, first, count);
      recollect::convolve<S>(taps.value(),
                             recollect::rows(rows_of_all, from, earlier + first + count - from),
                             Residual::kNo, part);
      recollect::silu<S>(part, recollect::rows(y.view, first, count), part);
    }
  };
  if (before.empty()) {
    fill(z.value());
  } else {
    const typename Workspace<S>::Scope scope(tape.workspace());
    const View<S> room = tape.workspace().matrix(before.rows() + n, z.cols());
    with_before(room);
    fill(room);
  }
  const ConstView<S> kept = slope;
  tape.record(y.var, [z, taps, before, with_before, kept](Backward<S>& walk, ConstView<S> dy) {
    const Index earlier = before.empty() ? 0 : before.rows();
    const auto z_room = walk.scratch(earlier == 0 ? 0 : earlier + z.rows(), z.cols());
    if (earlier > 0) with_before(z_room.view());
    const ConstView<S> from = earlier == 0 ? z.value() : View<const S>(z_room.view());
    const auto sum_room = walk.scratch(kept.rows(), kept.cols());
    if (kept.rows() > 0) multiply_rows<S>(dy, kept, sum_room.view(), Write::kOverwrite);
    const ConstView<S> d_sums = kept.rows() > 0 ? View<const S>(sum_room.view()) : dy;
    const auto d_taps_room = walk.scratch(walk.wants(taps) ? 0 : taps.rows(), taps.cols());
    const View<S> d_taps = [&] {
      if (!walk.wants(taps)) return d_taps_room.view();
      const Slot<S> slot = walk.slot(taps);
      if (!slot.adds()) set_zero(slot.to);
      return slot.to;
    }();
    const Slot<S> none{View<S>(nullptr, 0, 0, 0), Write::kOverwrite};
    const Slot<S> dz = walk.wants(z) ? walk.slot(z) : none;
    const bool direct = earlier == 0 && walk.wants(z) && !dz.adds();
    const auto dz_room = walk.scratch(direct ? 0 : earlier + z.rows(), z.cols());
    recollect::convolve_backward<S>(taps.value(), from, Residual::kNo, d_sums,
                                    direct ? dz.to : dz_room.view(), d_taps);
    if (direct) return;
    if (walk.wants(z)) dz.take(recollect::rows(dz_room.view(), earlier, z.rows()));
    if (earlier > 0 && walk.wants(before)) {
      walk.slot(before).take(recollect::rows(dz_room.view(), 0, earlier));
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
                                    const Var<float>&, Activation);
template Var<double> convolve<double>(Tape<double>&, const Var<double>&, const Var<double>&,
                                      const Var<double>&, Activation);
template Var<float> last_rows<float>(Tape<float>&, const Var<float>&, Index, const Var<float>&);
template Var<double> last_rows<double>(Tape<double>&, const Var<double>&, Index,
                                       const Var<double>&);

}  // namespace recollect::tape
