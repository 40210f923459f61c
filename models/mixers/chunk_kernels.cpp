#include "models/mixers/chunk_kernels.hpp"

#include <cmath>

#include "core/fenwick.hpp"
#include "models/layers/products.hpp"
#include "models/mixers/log_linear.hpp"

namespace recollect {
namespace {

template <class S>
using Array = Eigen::Map<Eigen::Array<S, 1, Eigen::Dynamic>>;
template <class S>
using ConstArray = Eigen::Map<const Eigen::Array<S, 1, Eigen::Dynamic>>;

/// mask(0..t) = decays * lambda of the level.
template <class S, class Row>
void fill_mask(const ChunkInside<S>& in, Index t, Row&& mask) {
  mask = in.decays.row(t).array().head(t + 1);
  if (in.lambda.cols() == 0) return;
  for_each_block(t, [&](int level, Index begin, Index count) {
    mask.segment(begin, count) *= in.lambda(t, level_column(level, in.lambda.cols()));
  });
}

template <class S>
void clear_band(View<S>& m, Index t) {
  m.row(t).segment(t + 1, band_end(t, m.rows()) - t - 1).setZero();
}

}  // namespace

template <class S>
void exp_shifted(const S* from, S sign, S shift, Index count, S* to) {
  Array<S>(to, count) = (shift + sign * ConstArray<S>(from, count)).exp();
}

template <class S>
void inside_forward(const ChunkInside<S>& in, const S* from_start, View<S> weights) {
  View<S> decays = in.decays;
  for (Index t = 0; t < weights.rows(); ++t) {
    auto decay = decays.row(t).array().head(t + 1);
    if (from_start == nullptr) {
      decay.setOnes();
    } else {
      decay = (from_start[t] - ConstArray<S>(from_start, t + 1)).exp();
    }
    auto row = weights.row(t).array().head(t + 1);
    fill_mask(in, t, row);
    row *= in.scores.row(t).array().head(t + 1);
    clear_band(decays, t);
    clear_band(weights, t);
  }
}

template <class S>
void inside_backward(const ChunkInside<S>& in, View<S> d_weights, View<S> weights,
                     View<S> dlambda) {
  for (Index t = 0; t < weights.rows(); ++t) {
    const auto scores = in.scores.row(t).array().head(t + 1);
    auto d_row = d_weights.row(t).array().head(t + 1);
    auto row = weights.row(t).array().head(t + 1);
    row = d_row * scores * in.decays.row(t).array().head(t + 1);
    if (in.lambda.cols() > 0) {
      for_each_block(t, [&](int level, Index begin, Index count) {
        dlambda(t, level_column(level, in.lambda.cols())) += row.segment(begin, count).sum();
      });
    }
    fill_mask(in, t, row);
    d_row *= row;
    row *= scores;
    clear_band(d_weights, t);
    clear_band(weights, t);
  }
}

template <class S>
void scale_rows(const S* scale, ConstView<S> from, View<S> to, bool accumulate) {
  for (Index t = 0; t < to.rows(); ++t) {
    if (accumulate) {
      to.row(t) += scale[t] * from.row(t);
    } else {
      to.row(t) = scale[t] * from.row(t);
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
    dlambda(t, column) += decay[t] * through.row(t).dot(q.row(t));
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
void gate_gradient(S between, ConstView<S> dy, ConstView<S> y, ConstView<S> dv, ConstView<S> v,
                   S* dg) {
  for (Index t = dy.rows() - 1; t >= 0; --t) {
    between += dy.row(t).dot(y.row(t)) - dv.row(t).dot(v.row(t));
    dg[t] = between;
  }
}

#define RECOLLECT_INSTANTIATE(S)                                                                \
  template void exp_shifted(const S*, S, S, Index, S*);                                         \
  template void inside_forward(const ChunkInside<S>&, const S*, View<S>);                       \
  template void inside_backward(const ChunkInside<S>&, View<S>, View<S>, View<S>);              \
  template void scale_rows(const S*, ConstView<S>, View<S>, bool);                              \
  template void read_backward(const S*, const S*, ConstView<S>, ConstView<S>, View<S>, View<S>, \
                              View<S>, Index);                                                  \
  template void scale_numbers(S, const S*, S*, Index, bool);                                    \
  template S inner_product(const S*, const S*, Index);                                          \
  template void gate_gradient(S, ConstView<S>, ConstView<S>, ConstView<S>, ConstView<S>, S*);
RECOLLECT_INSTANTIATE(double)
#undef RECOLLECT_INSTANTIATE

}  // namespace recollect
