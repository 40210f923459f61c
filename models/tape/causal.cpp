#include "models/tape/causal.hpp"

#include <algorithm>

#include "math/portable_math.hpp"
#include "models/kernels/row_arithmetic.hpp"
#include "models/linear_attention/chunk_kernels.hpp"

namespace recollect::tape {
namespace {

// Rows whose sums run beside each other: one alone would wait for itself.
constexpr Index kRowsAtOnce = 4;

/// A column as numbers one after another: itself, or a copy.
template <class S>
const S* numbers_of(Tape<S>& tape, const Var<S>& column) {
  const View<const S> value = column.value();
  if (value.stride() == 1 || value.rows() <= 1) return value.data();
  S* copied = tape.workspace().take(value.rows());
  for (Index t = 0; t < value.rows(); ++t) copied[t] = value(t, 0);
  return copied;
}

}  // namespace

template <class S>
Var<S> cumulative_sum(Tape<S>& tape, const Var<S>& x) {
  const Index n = x.rows();
  const Output<S> y = tape.matrix(n, 1);
  S sum = 0;
  for (Index t = 0; t < n; ++t) y.view(t, 0) = sum += x.value()(t, 0);
  tape.record(y.var, [x, n](Backward<S>& walk, ConstView<S> dy) {
    if (!walk.wants(x)) return;
    const Slot<S> dx = walk.slot(x);
    S after = 0;
    for (Index t = n - 1; t >= 0; --t) dx.take(t, 0, after += dy(t, 0));
  });
  return y.var;
}

template <class S>
Var<S> decay_since(Tape<S>& tape, const Var<S>& G, const Var<S>& shift) {
  const Index n = G.rows();
  const Output<S> y = tape.matrix(n, 1);
  exp_shifted<S>(numbers_of(tape, G), S(1), shift.empty() ? S(0) : shift.value()(0, 0), n,
                 y.view.data());
  const Var<S> own = y.var;
  tape.record(own, [G, shift, own, n](Backward<S>& walk, ConstView<S> dy) {
    S total = 0;
    if (walk.wants(G)) {
      const Slot<S> d = walk.slot(G);
      for (Index t = 0; t < n; ++t) d.take(t, 0, dy(t, 0) * own.value()(t, 0));
    }
    if (shift.empty() || !walk.wants(shift)) return;
    for (Index t = 0; t < n; ++t) total += dy(t, 0) * own.value()(t, 0);
    walk.slot(shift).take(0, 0, total);
  });
  return own;
}

template <class S>
Var<S> decay_until_end(Tape<S>& tape, const Var<S>& G) {
  const Index n = G.rows();
  const Output<S> y = tape.matrix(n, 1);
  const S* sums = numbers_of(tape, G);
  exp_shifted<S>(sums, S(-1), sums[n - 1], n, y.view.data());
  const Var<S> own = y.var;
  tape.record(own, [G, own, n](Backward<S>& walk, ConstView<S> dy) {
    if (!walk.wants(G)) return;
    const Slot<S> d = walk.slot(G);
    S total = 0;  // of the last token's own decay, which is 1, nothing flows
    for (Index t = 0; t + 1 < n; ++t) {
      const S part = dy(t, 0) * own.value()(t, 0);
      total += part;
      d.take(t, 0, -part);
    }
    d.take(n - 1, 0, total);
  });
  return own;
}

template <class S>
Var<S> weigh(Tape<S>& tape, const Var<S>& scores, const Var<S>& G, const Var<S>& lambda) {
  const Index n = scores.rows();
  const Output<S> y = tape.matrix(n, n);
  const View<S> decays = tape.workspace().matrix(n, n);
  const S* sums = G.empty() ? nullptr : numbers_of(tape, G);
  const View<const S> weights = lambda.empty() ? View<const S>(nullptr, 0, 0, 0) : lambda.value();
  for (Index t = 0; t < n; ++t) {
    S* row = decays.data() + t * n;
    if (sums == nullptr) {
      std::fill(row, row + t + 1, S(1));
    } else {
      exp_shifted<S>(sums, S(-1), sums[t], t + 1, row);
    }
    const View<const S> all = scores.value();
    weigh_row<S>(weights, t, t, band_end(t, n), all.data() + t * all.stride(), row,
                 y.view.data() + t * n);
  }
  const ConstView<S> kept = decays;
  tape.record(y.var, [scores, G, lambda, weights, kept, n](Backward<S>& walk, ConstView<S> dy) {
    const bool to_sums = !G.empty() && walk.wants(G);
    const auto d_room = walk.scratch(n, n);
    const auto weight_room = walk.scratch(1, n);
    const auto flow_room = walk.scratch(kRowsAtOnce, n);  // to the sums, from rows at once
    const Slot<S> d_scores = walk.slot(scores);
    // The kernel accumulates into it where lambda has columns, whether or not anybody wants it.
    const auto lambda_room = walk.scratch(n, std::max<Index>(weights.cols(), 1));
    const View<S> d_lambda = lambda_room.view();
    set_zero(d_lambda);
    const auto sum_room = walk.scratch(n, 1);
    S* d_sums = sum_room.view().data();
    std::fill_n(d_sums, n, S(0));
    const View<const S> all = scores.value();
    for (Index first = 0; first < n; first += kRowsAtOnce) {
      const Index count = std::min(kRowsAtOnce, n - first);
      S before[kRowsAtOnce] = {};
      for (Index i = 0; i < count; ++i) {
        const Index t = first + i;
        S* d = d_room.view().data() + t * n;
        const Index end = band_end(t, n);
        std::copy_n(dy.data() + t * dy.stride(), end, d);
        const S* own = all.data() + t * all.stride();
        weigh_row_backward<S>(weights, t, t, end, own, kept.data() + t * n, d,
                              weight_room.view().data(), d_lambda);
        if (to_sums) {
          multiply_rows(d, own, t, flow_room.view().data() + i * n, Write::kOverwrite);
        }
        S* to = d_scores.to.data() + t * d_scores.to.stride();
        for (Index s = 0; s < end; ++s) to[s] = d_scores.adds() ? to[s] + d[s] : d[s];
      }
      if (!to_sums) continue;
      const S* flow = flow_room.view().data();
      for (Index s = 0; s < first; ++s) {
        for (Index i = 0; i < count; ++i) before[i] += flow[i * n + s];
      }
      for (Index i = 0; i < count; ++i) {
        for (Index s = first; s < first + i; ++s) before[i] += flow[i * n + s];
        for (Index s = 0; s < first + i; ++s) d_sums[s] -= flow[i * n + s];
        d_sums[first + i] += before[i];
      }
    }
    if (to_sums) {
      const Slot<S> dG = walk.slot(G);
      for (Index t = 0; t < n; ++t) dG.take(t, 0, d_sums[t]);
    }
    if (!lambda.empty() && walk.wants(lambda)) walk.slot(lambda).take(d_lambda);
  });
  return y.var;
}

template <class S>
Var<S> scale_lower_columns(Tape<S>& tape, const Var<S>& l, const Var<S>& factor) {
  const Index n = l.rows();
  const Output<S> y = tape.matrix(n, n);
  const S* by = numbers_of(tape, factor);
  for (Index t = 0; t < n; ++t) {
    const S* from = l.value().data() + t * l.value().stride();
    S* to = y.view.data() + t * n;
    for (Index s = 0; s < band_end(t, n); ++s) to[s] = from[s] * by[s];
  }
  tape.record(y.var, [l, factor, by, n](Backward<S>& walk, ConstView<S> dy) {
    if (walk.wants(l)) {
      const Slot<S> d = walk.slot(l);
      for (Index t = 0; t < n; ++t) {
        const S* from = dy.data() + t * dy.stride();
        S* to = d.to.data() + t * d.to.stride();
        for (Index s = 0; s < band_end(t, n); ++s) {
          to[s] = d.adds() ? to[s] + from[s] * by[s] : from[s] * by[s];
        }
      }
    }
    if (!walk.wants(factor)) return;
    const auto room = walk.scratch(1, n);
    S* sums = room.view().data();
    std::fill_n(sums, n, S(0));
    for (Index t = 0; t < n; ++t) {
      const S* own = l.value().data() + t * l.value().stride();
      const S* from = dy.data() + t * dy.stride();
      for (Index s = 0; s <= t; ++s) sums[s] += own[s] * from[s];
    }
    const Slot<S> d = walk.slot(factor);
    for (Index s = 0; s < n; ++s) d.take(s, 0, sums[s]);
  });
  return y.var;
}

#define RECOLLECT_CAUSAL(S)                                                        \
  template Var<S> cumulative_sum<S>(Tape<S>&, const Var<S>&);                      \
  template Var<S> decay_since<S>(Tape<S>&, const Var<S>&, const Var<S>&);          \
  template Var<S> decay_until_end<S>(Tape<S>&, const Var<S>&);                     \
  template Var<S> weigh<S>(Tape<S>&, const Var<S>&, const Var<S>&, const Var<S>&); \
  template Var<S> scale_lower_columns<S>(Tape<S>&, const Var<S>&, const Var<S>&);
RECOLLECT_CAUSAL(float)
RECOLLECT_CAUSAL(double)
#undef RECOLLECT_CAUSAL

}  // namespace recollect::tape
