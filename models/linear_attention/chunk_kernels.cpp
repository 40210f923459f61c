#include "models/linear_attention/chunk_kernels.hpp"

#include <algorithm>

#include "math/eigen.hpp"
#include "math/fenwick.hpp"

namespace recollect {
namespace {

template <class S>
using Array = Eigen::Map<Eigen::Array<S, 1, Eigen::Dynamic>>;
template <class S>
using ConstArray = Eigen::Map<const Eigen::Array<S, 1, Eigen::Dynamic>>;

/// mask[s] = decays * lambda of the level, s <= t.
template <class S>
void fill_mask(ConstView<S> lambda, Index row, Index t, const S* decays, Array<S> mask) {
  mask = ConstArray<S>(decays, t + 1);
  if (lambda.cols() == 0) return;
  for_each_block(t, [&](int level, Index begin, Index count) {
    mask.segment(begin, count) *= lambda(row, level_column(level, lambda.cols()));
  });
}

}  // namespace

template <class S>
void exp_shifted(const S* from, S sign, S shift, Index count, S* to) {
  Array<S>(to, count) = (shift + sign * ConstArray<S>(from, count)).exp();
}

template <class S>
void weigh_row(ConstView<S> lambda, Index row, Index t, Index end, const S* scores, const S* decays,
               S* weights) {
  Array<S> seen(weights, t + 1);
  fill_mask<S>(lambda, row, t, decays, seen);
  seen *= ConstArray<S>(scores, t + 1);
  std::fill(weights + t + 1, weights + end, S(0));
}

template <class S>
void weigh_row_backward(ConstView<S> lambda, Index row, Index t, Index end, const S* scores,
                        const S* decays, S* d_weights, S* weights, View<S> dlambda) {
  Array<S> seen(weights, t + 1);
  Array<S> d_seen(d_weights, t + 1);
  seen = d_seen * ConstArray<S>(scores, t + 1) * ConstArray<S>(decays, t + 1);
  if (dlambda.cols() > 0) {
    for_each_block(t, [&](int level, Index begin, Index count) {
      dlambda(row, level_column(level, dlambda.cols())) += seen.segment(begin, count).sum();
    });
  }
  fill_mask<S>(lambda, row, t, decays, seen);
  d_seen *= seen;
  seen *= ConstArray<S>(scores, t + 1);
  std::fill(weights + t + 1, weights + end, S(0));
  std::fill(d_weights + t + 1, d_weights + end, S(0));
}

template <class S>
void gate_gradient_row(const S* scores, const S* d_scores, Index t, S* dg) {
  S before = 0;
  for (Index s = 0; s < t; ++s) {
    before += scores[s] * d_scores[s];
    dg[s + 1] += before;
  }
}

template <class S>
void scale_rows(const S* scale, ConstView<S> from, View<S> to, bool accumulate) {
  for (Index t = 0; t < to.rows(); ++t) {
    if (accumulate) {
      eigen(to).row(t) += scale[t] * eigen(from).row(t);
    } else {
      eigen(to).row(t) = scale[t] * eigen(from).row(t);
    }
  }
}

template <class S>
void read_backward(const S* decay, const S* scale, ConstView<S> q, ConstView<S> through, View<S> dq,
                   View<S> scaled, View<S> dlambda, Index column) {
  scale_rows<S>(scale, through, dq, true);
  scale_rows<S>(scale, q, scaled, false);
  if (dlambda.cols() == 0) return;
  for (Index t = 0; t < q.rows(); ++t) {
    dlambda(t, column) += decay[t] * eigen(through).row(t).dot(eigen(q).row(t));
  }
}

template <class S>
void scale_numbers(S factor, const S* from, S* to, Index count, bool accumulate) {
  if (accumulate) {
    Array<S>(to, count) += factor * ConstArray<S>(from, count);
  } else {
    Array<S>(to, count) = factor * ConstArray<S>(from, count);
  }
}

template <class S>
S inner_product(const S* a, const S* b, Index count) {
  return (ConstArray<S>(a, count) * ConstArray<S>(b, count)).sum();
}

template <class S>
S weigh_counts_backward(const S* scores, const S* counts, Index count, S* d, S* weights,
                        S* d_scores, bool first) {
  const ConstArray<S> score(scores, count);
  const ConstArray<S> times(counts, count);
  Array<S> gradient(d, count);
  Array<S>(weights, count) = score * times;
  if (first) {
    Array<S>(d_scores, count) = gradient * times;
  } else {
    Array<S>(d_scores, count) += gradient * times;
  }
  gradient *= score;
  return inner_product<S>(d, counts, count);
}

template <class S>
void gate_gradient(S between, ConstView<S> dy, ConstView<S> y, ConstView<S> dv, ConstView<S> v,
                   S* dg) {
  for (Index t = dy.rows() - 1; t >= 0; --t) {
    between += eigen(dy).row(t).dot(eigen(y).row(t)) - eigen(dv).row(t).dot(eigen(v).row(t));
    dg[t] = between;
  }
}

template void exp_shifted(const double*, double, double, Index, double*);
template void weigh_row(ConstView<double>, Index, Index, Index, const double*, const double*,
                        double*);
template void weigh_row_backward(ConstView<double>, Index, Index, Index, const double*,
                                 const double*, double*, double*, View<double>);
template void gate_gradient_row(const double*, const double*, Index, double*);
template void scale_rows(const double*, ConstView<double>, View<double>, bool);
template void read_backward(const double*, const double*, ConstView<double>, ConstView<double>,
                            View<double>, View<double>, View<double>, Index);
template void scale_numbers(double, const double*, double*, Index, bool);
template double inner_product(const double*, const double*, Index);
template double weigh_counts_backward(const double*, const double*, Index, double*, double*,
                                      double*, bool);
template void gate_gradient(double, ConstView<double>, ConstView<double>, ConstView<double>,
                            ConstView<double>, double*);

}  // namespace recollect
