// The loops over weights and rows in single precision, on vectors. A row of weights is cut into
// tiles of one vector. On a tile left of the diagonal's the level is one number; on the diagonal's
// it is a permutation that depends on the row's place in the tile.
#include <algorithm>
#include <bit>

#include "core/fenwick.hpp"
#include "models/layers/simd.hpp"
#include "models/mixers/chunk_kernels.hpp"
#include "models/mixers/log_linear.hpp"

namespace recollect {
namespace {

namespace hn = simd::hn;
using simd::broadcast;
using simd::First;
using simd::for_each_vector;
using simd::kLanes;
using simd::Lanes;
using simd::load;
using simd::store;
using simd::Vector;
using simd::Whole;

constexpr int kTileLevels = std::bit_width(static_cast<unsigned>(kLanes));  // on a diagonal tile

/// levels[t][s] = level(t, s) for s <= t, else 0.
struct DiagonalLevels {
  alignas(64) std::int32_t of[kLanes][kLanes];
};
constexpr DiagonalLevels make_diagonal_levels() {
  DiagonalLevels levels{};
  for (int t = 0; t < kLanes; ++t) {
    for (int s = 0; s <= t; ++s) levels.of[t][s] = level(t, s);
  }
  return levels;
}
constexpr DiagonalLevels kDiagonal = make_diagonal_levels();

/// lambda of levels 0, 1, ... of one row; a level beyond the last one reads the last.
class RowLevels {
 public:
  RowLevels(const ConstView<float>& lambda, Index row)
      : columns_(lambda.cols()), values_(lambda.data() + row * lambda.outerStride()) {}
  [[nodiscard]] float operator[](int level) const {
    return columns_ == 0 ? 1.0F : values_[level_column(level, columns_)];
  }
  /// Of each token of the tile that holds t, seen from t.
  [[nodiscard]] Vector diagonal(Index t) const {
    if (columns_ == 0) return broadcast(1.0F);
    const Lanes d;
    const hn::RebindToSigned<Lanes> di;
    const auto last = hn::Set(di, static_cast<std::int32_t>(columns_) - 1);
    const auto levels = hn::Min(hn::Load(di, kDiagonal.of[t % kLanes]), last);
    const Vector values = load(values_, First{std::min(columns_, kLanes)});
    return hn::TableLookupLanes(values, hn::IndicesFromVec(d, levels));
  }

 private:
  Index columns_;
  const float* values_;
};

float sum(Vector v) { return hn::GetLane(hn::SumOfLanes(Lanes(), v)); }

/// The tile that holds t, and how much of it is seen and may be written.
struct Diagonal {
  Index first;
  First seen;
  First room;
  Diagonal(Index t, Index end)
      : first(t / kLanes * kLanes), seen{t - first + 1}, room{std::min(kLanes, end - first)} {}
  /// Zeros behind the tile.
  void clear(float* row, Index end) const {
    if (first + kLanes < end) std::fill(row + first + kLanes, row + end, 0.0F);
  }
};

/// body(level, first, end) for the tiles left of the diagonal's, which see whole blocks.
template <class Body>
HWY_INLINE void for_each_far_block(Index diagonal, Body&& body) {
  for (auto bits = static_cast<std::uint64_t>(diagonal); bits != 0; bits &= bits - 1) {
    body(std::countr_zero(bits) + 1, static_cast<Index>(bits & (bits - 1)),
         static_cast<Index>(bits));
  }
}

}  // namespace

template <>
void exp_shifted<float>(const float* from, float sign, float shift, Index count, float* to) {
  const Vector factor = broadcast(sign);
  const Vector term = broadcast(shift);
  for_each_vector(count, [&](Index i, auto part) {
    store(simd::exp(hn::MulAdd(factor, load(from + i, part), term)), to + i, part);
  });
}

template <>
void weigh_row<float>(ConstView<float> lambda, Index row, Index t, Index end, const float* scores,
                      const float* decays, float* weights) {
  const RowLevels levels(lambda, row);
  const Diagonal diagonal(t, end);
  for_each_far_block(diagonal.first, [&](int level, Index first, Index last) {
    const Vector factor = broadcast(levels[level]);
    for (Index s = first; s < last; s += kLanes) {
      const Vector mask = hn::Mul(load(decays + s, Whole{}), factor);
      store(hn::Mul(mask, load(scores + s, Whole{})), weights + s, Whole{});
    }
  });
  const Index at = diagonal.first;
  const Vector mask = hn::Mul(load(decays + at, diagonal.seen), levels.diagonal(t));
  store(hn::Mul(mask, load(scores + at, diagonal.seen)), weights + at, diagonal.room);
  diagonal.clear(weights, end);
}

template <>
void weigh_row_backward<float>(ConstView<float> lambda, Index row, Index t, Index end,
                               const float* scores, const float* decays, float* d_weights,
                               float* weights, View<float> dlambda) {
  const Lanes d;
  const hn::RebindToSigned<Lanes> integers;
  const RowLevels levels(lambda, row);
  const Diagonal diagonal(t, end);
  // Of each level, what its tokens add to its gradient; levels from kAtOnce on come at the end.
  constexpr int kAtOnce = 8;
  static_assert(kTileLevels <= kAtOnce);
  Vector products[kAtOnce];
  simd::unrolled<kAtOnce>([&](int i) RECOLLECT_INLINE { products[i] = hn::Zero(d); });

  const Index at = diagonal.first;
  const Vector score = load(scores + at, diagonal.seen);
  const Vector decay = load(decays + at, diagonal.seen);
  const Vector d_weight = load(d_weights + at, diagonal.seen);
  const Vector mask = hn::Mul(decay, levels.diagonal(t));
  store(hn::Mul(score, mask), weights + at, diagonal.room);
  store(hn::Mul(d_weight, mask), d_weights + at, diagonal.room);
  const Vector on_tile = hn::Mul(hn::Mul(d_weight, score), decay);
  const auto level_of = hn::Load(integers, kDiagonal.of[t % kLanes]);
  // Lanes that are not seen count as level 0, and hold zeros.
  simd::unrolled<kTileLevels>([&](int level) RECOLLECT_INLINE {
    const auto here = hn::RebindMask(d, hn::Eq(level_of, hn::Set(integers, level)));
    products[level] = hn::IfThenElseZero(here, on_tile);
  });

  const auto far_block = [&](int level, Index first, Index last) RECOLLECT_INLINE {
    const Vector factor = broadcast(levels[level]);
    Vector total = hn::Zero(d);
    for (Index s = first; s < last; s += kLanes) {
      const Vector score_here = load(scores + s, Whole{});
      const Vector decay_here = load(decays + s, Whole{});
      const Vector d_here = load(d_weights + s, Whole{});
      const Vector mask_here = hn::Mul(decay_here, factor);
      store(hn::Mul(score_here, mask_here), weights + s, Whole{});
      store(hn::Mul(d_here, mask_here), d_weights + s, Whole{});
      total = hn::MulAdd(hn::Mul(d_here, score_here), decay_here, total);
    }
    return total;
  };
  simd::unrolled<kAtOnce - kTileLevels>([&](int i) RECOLLECT_INLINE {
    const int level = kTileLevels + i;
    const Index block = Index{1} << (level - 1);
    if ((at & block) == 0) return;
    const Index last = at & -block;
    products[level] = far_block(level, last - block, last);
  });
  const Index columns = dlambda.cols();
  float* d_levels = dlambda.data() + row * dlambda.outerStride();
  simd::add_sums_of_lanes(products, std::min<Index>(columns, kAtOnce), d_levels);
  if (columns > 0) {
    const auto used = static_cast<Index>(std::bit_width(static_cast<std::uint64_t>(t))) + 1;
    for (Index level = columns; level < std::min<Index>(used, kAtOnce); ++level) {
      d_levels[columns - 1] += sum(products[level]);
    }
  }
  for_each_far_block(at & -(Index{1} << (kAtOnce - 1)), [&](int level, Index first, Index last) {
    const Vector total = far_block(level, first, last);
    if (columns > 0) d_levels[level_column(level, columns)] += sum(total);
  });
  diagonal.clear(weights, end);
  diagonal.clear(d_weights, end);
}

template <>
void gate_gradient_row<float>(const float* scores, const float* d_scores, Index t, float* dg) {
  // Running sums inside a vector: lane i takes lane i - 1, then i - 2, i - 4, ...
  const Lanes d;
  const hn::RebindToSigned<Lanes> integers;
  const auto lane = hn::Iota(integers, 0);
  const auto running = [&](Vector v) {
    for (int by = 1; by < kLanes; by *= 2) {
      const auto from = hn::Sub(lane, hn::Set(integers, by));
      const auto inside = hn::RebindMask(d, hn::Gt(from, hn::Set(integers, -1)));
      const auto index = hn::IndicesFromVec(d, hn::Max(from, hn::Zero(integers)));
      v = hn::Add(v, hn::IfThenElseZero(inside, hn::TableLookupLanes(v, index)));
    }
    return v;
  };
  const auto last = hn::IndicesFromVec(d, hn::Set(integers, static_cast<int>(kLanes) - 1));
  Vector before = hn::Zero(d);
  for_each_vector(t, [&](Index s, auto part) {
    const Vector products = hn::Mul(load(scores + s, part), load(d_scores + s, part));
    const Vector sums = hn::Add(running(products), before);
    store(hn::Add(load(dg + s + 1, part), sums), dg + s + 1, part);
    before = hn::TableLookupLanes(sums, last);
  });
}

template <>
void scale_numbers<float>(float factor, const float* from, float* to, Index count, bool accumulate);

template <>
void scale_rows<float>(const float* scale, ConstView<float> from, View<float> to, bool accumulate) {
  for (Index t = 0; t < to.rows(); ++t) {
    const float* source = from.data() + t * from.outerStride();
    scale_numbers<float>(scale[t], source, to.data() + t * to.outerStride(), to.cols(), accumulate);
  }
}

template <>
void read_backward<float>(const float* decay, const float* scale, ConstView<float> q,
                          ConstView<float> through, View<float> dq, View<float> scaled,
                          View<float> dlambda, Index column) {
  for (Index t = 0; t < q.rows(); ++t) {
    const Vector factor = broadcast(scale[t]);
    const float* q_row = q.data() + t * q.outerStride();
    const float* through_row = through.data() + t * through.outerStride();
    float* dq_row = dq.data() + t * dq.outerStride();
    float* scaled_row = scaled.data() + t * scaled.outerStride();
    Vector dot = broadcast(0.0F);
    for_each_vector(q.cols(), [&](Index c, auto part) {
      const Vector query = load(q_row + c, part);
      const Vector flow = load(through_row + c, part);
      dot = hn::MulAdd(query, flow, dot);
      store(hn::MulAdd(factor, flow, load(dq_row + c, part)), dq_row + c, part);
      store(hn::Mul(factor, query), scaled_row + c, part);
    });
    if (dlambda.cols() > 0) dlambda(t, column) += decay[t] * sum(dot);
  }
}

template <>
void scale_numbers<float>(float factor, const float* from, float* to, Index count,
                          bool accumulate) {
  const Vector by = broadcast(factor);
  for_each_vector(count, [&](Index i, auto part) {
    const Vector number = load(from + i, part);
    store(accumulate ? hn::MulAdd(by, number, load(to + i, part)) : hn::Mul(by, number), to + i,
          part);
  });
}

template <>
float inner_product<float>(const float* a, const float* b, Index count) {
  Vector total = broadcast(0.0F);
  for_each_vector(count, [&](Index i, auto part) {
    total = hn::MulAdd(load(a + i, part), load(b + i, part), total);
  });
  return sum(total);
}

template <>
void gate_gradient<float>(float between, ConstView<float> dy, ConstView<float> y,
                          ConstView<float> dv, ConstView<float> v, float* dg) {
  for (Index t = dy.rows() - 1; t >= 0; --t) {
    const float* dy_row = dy.data() + t * dy.outerStride();
    const float* y_row = y.data() + t * y.outerStride();
    const float* dv_row = dv.data() + t * dv.outerStride();
    const float* v_row = v.data() + t * v.outerStride();
    Vector total = broadcast(0.0F);
    for_each_vector(dy.cols(), [&](Index c, auto part) {
      total = hn::MulAdd(load(dy_row + c, part), load(y_row + c, part), total);
      total = hn::NegMulAdd(load(dv_row + c, part), load(v_row + c, part), total);
    });
    between += sum(total);
    dg[t] = between;
  }
}

}  // namespace recollect
