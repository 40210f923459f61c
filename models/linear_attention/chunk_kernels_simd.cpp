// The loops over weights and rows in single precision, on vectors. A row of weights is cut into
// tiles of sixteen, whatever the length of a vector, so that every processor makes the same sums.
// On a tile left of the diagonal's the level is one number; on the diagonal's it is a permutation
// that depends on the row's place in the tile.
#include <algorithm>
#include <bit>

#include "math/fenwick.hpp"
#include "models/kernels/simd.hpp"
#include "models/linear_attention/chunk_kernels.hpp"
#include "models/linear_attention/core.hpp"

namespace recollect {
namespace {

namespace hn = simd::hn;
using simd::broadcast;
using simd::First;
using simd::for_each_sixteen;
using simd::for_each_vector;
using simd::kLanes;
using simd::Lanes;
using simd::load;
using simd::load16;
using simd::map;
using simd::multiply_add;
using simd::Sixteen;
using simd::sixteen;
using simd::store;
using simd::store16;
using simd::subtract_product;
using simd::unrolled;
using simd::Vector;
using simd::Whole;

constexpr Index kTile = 16;
constexpr int kTileLevels = std::bit_width(static_cast<unsigned>(kTile));  // on a diagonal tile
constexpr int kAtOnce = 8;  // levels whose gradients are summed together
static_assert(kTileLevels <= kAtOnce);

/// levels[t][s] = level(t, s) for s <= t, else 0.
struct DiagonalLevels {
  alignas(64) std::int32_t of[kTile][kTile];
};
constexpr DiagonalLevels make_diagonal_levels() {
  DiagonalLevels levels{};
  for (int t = 0; t < kTile; ++t) {
    for (int s = 0; s <= t; ++s) levels.of[t][s] = level(t, s);
  }
  return levels;
}
constexpr DiagonalLevels kDiagonal = make_diagonal_levels();

/// lambda of levels 0, 1, ... of one row; a level beyond the last one reads the last.
class RowLevels {
 public:
  RowLevels(const ConstView<float>& lambda, Index row)
      : columns_(lambda.cols()), values_(lambda.data() + row * lambda.stride()) {}
  [[nodiscard]] float operator[](int level) const {
    return columns_ == 0 ? 1.0F : values_[level_column(level, columns_)];
  }
  /// Of each token of the tile that holds t, seen from t.
  [[nodiscard]] Sixteen diagonal(Index t) const {
    const std::int32_t* levels = kDiagonal.of[t % kTile];
    if (columns_ == 0) return sixteen(1);
    if constexpr (kLanes < kTileLevels) {  // one vector does not hold them all
      alignas(64) float numbers[kTile];
      for (Index s = 0; s < kTile; ++s) numbers[s] = (*this)[levels[s]];
      return load16(numbers, Whole{});
    } else {
      const Lanes d;
      const hn::RebindToSigned<Lanes> integers;
      const auto last = hn::Set(integers, static_cast<std::int32_t>(columns_) - 1);
      const Vector values = load(values_, First{std::min(columns_, kLanes)});
      Sixteen result;
      unrolled<Sixteen::kVectors>([&](int i) RECOLLECT_INLINE {
        const auto column = hn::Min(hn::Load(integers, levels + i * kLanes), last);
        result.part[i] = hn::TableLookupLanes(values, hn::IndicesFromVec(d, column));
      });
      return result;
    }
  }

 private:
  Index columns_;
  const float* values_;
};

/// The tile that holds t, and how much of it is seen and may be written.
struct Diagonal {
  Index first;
  First seen;
  First room;
  Diagonal(Index t, Index end)
      : first(t / kTile * kTile), seen{t - first + 1}, room{std::min(kTile, end - first)} {}
  /// Zeros behind the tile.
  void clear(float* row, Index end) const {
    if (first + kTile < end) std::fill(row + first + kTile, row + end, 0.0F);
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

/// The numbers whose level, levels[0..15], is `level`; 0 for the others.
HWY_INLINE Sixteen only_level(const Sixteen& numbers, const std::int32_t* levels, int level) {
  const hn::RebindToSigned<Lanes> integers;
  Sixteen result;
  unrolled<Sixteen::kVectors>([&](int i) RECOLLECT_INLINE {
    const auto same = hn::Eq(hn::Load(integers, levels + i * kLanes), hn::Set(integers, level));
    result.part[i] = hn::IfThenElseZero(hn::RebindMask(Lanes(), same), numbers.part[i]);
  });
  return result;
}

/// In every lane, the last one.
HWY_INLINE Vector last_lane(Vector v) {
  const hn::RebindToSigned<Lanes> integers;
  return hn::TableLookupLanes(
      v, hn::IndicesFromVec(Lanes(), hn::Set(integers, static_cast<int>(kLanes) - 1)));
}

/// Number i becomes the sum of numbers 0..i: halves of 1, 2, 4, 8 numbers are summed by themselves,
/// then the last sum of the lower half is added to all of the upper one.
HWY_INLINE Sixteen running(Sixteen numbers) {
  const Lanes d;
  const hn::RebindToSigned<Lanes> integers;
  const auto lane = hn::Iota(integers, 0);
  for (int by = 1; by < kLanes; by *= 2) {
    const auto upper = hn::Ne(hn::And(lane, hn::Set(integers, by)), hn::Zero(integers));
    const auto last_of_lower =
        hn::Sub(hn::AndNot(hn::Set(integers, by - 1), lane), hn::Set(integers, 1));
    const auto index = hn::IndicesFromVec(d, hn::Max(last_of_lower, hn::Zero(integers)));
    numbers = map(
        [&](Vector v) RECOLLECT_INLINE {
          const Vector sum_below = hn::TableLookupLanes(v, index);
          return hn::Add(v, hn::IfThenElseZero(hn::RebindMask(d, upper), sum_below));
        },
        numbers);
  }
  for (int by = 1; by < Sixteen::kVectors; by *= 2) {
    for (int i = 0; i < Sixteen::kVectors; ++i) {
      if ((i & by) == 0) continue;
      const Vector sum_below = last_lane(numbers.part[(i & ~(by - 1)) - 1]);
      numbers.part[i] = hn::Add(numbers.part[i], sum_below);
    }
  }
  return numbers;
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
  const Sixteen mask = load16(decays + at, diagonal.seen) * levels.diagonal(t);
  store16(mask * load16(scores + at, diagonal.seen), weights + at, diagonal.room);
  diagonal.clear(weights, end);
}

template <>
void weigh_row_backward<float>(ConstView<float> lambda, Index row, Index t, Index end,
                               const float* scores, const float* decays, float* d_weights,
                               float* weights, View<float> dlambda) {
  const RowLevels levels(lambda, row);
  const Diagonal diagonal(t, end);
  // Of each level, what its tokens add to its gradient; levels from kAtOnce on come at the end.
  Sixteen products[kAtOnce];
  unrolled<kAtOnce>([&](int i) RECOLLECT_INLINE { products[i] = sixteen(0); });

  const Index at = diagonal.first;
  const Sixteen score = load16(scores + at, diagonal.seen);
  const Sixteen decay = load16(decays + at, diagonal.seen);
  const Sixteen d_weight = load16(d_weights + at, diagonal.seen);
  const Sixteen mask = decay * levels.diagonal(t);
  store16(score * mask, weights + at, diagonal.room);
  store16(d_weight * mask, d_weights + at, diagonal.room);
  const Sixteen on_tile = d_weight * score * decay;
  // Lanes that are not seen count as level 0, and hold zeros.
  unrolled<kTileLevels>([&](int level) RECOLLECT_INLINE {
    products[level] = only_level(on_tile, kDiagonal.of[t % kTile], level);
  });

  const auto far_block = [&](int level, Index first, Index last) RECOLLECT_INLINE {
    const Sixteen factor = sixteen(levels[level]);
    Sixteen total = sixteen(0);
    for (Index s = first; s < last; s += kTile) {
      const Sixteen score_here = load16(scores + s, Whole{});
      const Sixteen decay_here = load16(decays + s, Whole{});
      const Sixteen d_here = load16(d_weights + s, Whole{});
      const Sixteen mask_here = decay_here * factor;
      store16(score_here * mask_here, weights + s, Whole{});
      store16(d_here * mask_here, d_weights + s, Whole{});
      total = multiply_add(d_here * score_here, decay_here, total);
    }
    return total;
  };
  unrolled<kAtOnce - kTileLevels>([&](int i) RECOLLECT_INLINE {
    const int level = kTileLevels + i;
    const Index block = Index{1} << (level - 1);
    if ((at & block) == 0) return;
    const Index last = at & -block;
    products[level] = far_block(level, last - block, last);
  });
  const Index columns = dlambda.cols();
  float* d_levels = dlambda.data() + row * dlambda.stride();
  simd::add_sums(products, std::min<Index>(columns, kAtOnce), d_levels);
  if (columns > 0) {
    const auto used = static_cast<Index>(std::bit_width(static_cast<std::uint64_t>(t))) + 1;
    for (Index level = columns; level < std::min<Index>(used, kAtOnce); ++level) {
      d_levels[columns - 1] += sum(products[level]);
    }
  }
  for_each_far_block(at & -(Index{1} << (kAtOnce - 1)), [&](int level, Index first, Index last) {
    const Sixteen total = far_block(level, first, last);
    if (columns > 0) d_levels[level_column(level, columns)] += sum(total);
  });
  diagonal.clear(weights, end);
  diagonal.clear(d_weights, end);
}

template <>
void gate_gradient_row<float>(const float* scores, const float* d_scores, Index t, float* dg) {
  Vector before = hn::Zero(Lanes());
  for_each_sixteen(t, [&](Index s, auto part) {
    const Sixteen products = load16(scores + s, part) * load16(d_scores + s, part);
    const Sixteen sums =
        map([&](Vector v) RECOLLECT_INLINE { return hn::Add(v, before); }, running(products));
    store16(load16(dg + s + 1, part) + sums, dg + s + 1, part);
    before = last_lane(sums.part[Sixteen::kVectors - 1]);
  });
}

template <>
void scale_numbers<float>(float factor, const float* from, float* to, Index count, bool accumulate);

template <>
void scale_rows<float>(const float* scale, ConstView<float> from, View<float> to, bool accumulate) {
  for (Index t = 0; t < to.rows(); ++t) {
    const float* source = from.data() + t * from.stride();
    scale_numbers<float>(scale[t], source, to.data() + t * to.stride(), to.cols(), accumulate);
  }
}

template <>
void read_backward<float>(const float* decay, const float* scale, ConstView<float> q,
                          ConstView<float> through, View<float> dq, View<float> scaled,
                          View<float> dlambda, Index column) {
  for (Index t = 0; t < q.rows(); ++t) {
    const Sixteen factor = sixteen(scale[t]);
    const float* q_row = q.data() + t * q.stride();
    const float* through_row = through.data() + t * through.stride();
    float* dq_row = dq.data() + t * dq.stride();
    float* scaled_row = scaled.data() + t * scaled.stride();
    Sixteen dot = sixteen(0);
    for_each_sixteen(q.cols(), [&](Index c, auto part) RECOLLECT_INLINE {
      const Sixteen query = load16(q_row + c, part);
      const Sixteen flow = load16(through_row + c, part);
      dot = multiply_add(query, flow, dot);
      store16(multiply_add(factor, flow, load16(dq_row + c, part)), dq_row + c, part);
      store16(factor * query, scaled_row + c, part);
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
  Sixteen total = sixteen(0);
  for_each_sixteen(count, [&](Index i, auto part) RECOLLECT_INLINE {
    total = multiply_add(load16(a + i, part), load16(b + i, part), total);
  });
  return sum(total);
}

template <>
float weigh_counts_backward<float>(const float* scores, const float* counts, Index count, float* d,
                                   float* weights, float* d_scores, bool first) {
  Sixteen total = sixteen(0);
  for_each_sixteen(count, [&](Index i, auto part) RECOLLECT_INLINE {
    const Sixteen score = load16(scores + i, part);
    const Sixteen times = load16(counts + i, part);
    const Sixteen gradient = load16(d + i, part);
    store16(score * times, weights + i, part);
    const Sixteen own = gradient * times;
    store16(first ? own : load16(d_scores + i, part) + own, d_scores + i, part);
    const Sixteen d_count = gradient * score;
    store16(d_count, d + i, part);
    total = multiply_add(d_count, times, total);
  });
  return sum(total);
}

template <>
void gate_gradient<float>(float between, ConstView<float> dy, ConstView<float> y,
                          ConstView<float> dv, ConstView<float> v, float* dg) {
  for (Index t = dy.rows() - 1; t >= 0; --t) {
    const float* dy_row = dy.data() + t * dy.stride();
    const float* y_row = y.data() + t * y.stride();
    const float* dv_row = dv.data() + t * dv.stride();
    const float* v_row = v.data() + t * v.stride();
    Sixteen total = sixteen(0);
    for_each_sixteen(dy.cols(), [&](Index c, auto part) RECOLLECT_INLINE {
      total = multiply_add(load16(dy_row + c, part), load16(y_row + c, part), total);
      total = subtract_product(load16(dv_row + c, part), load16(v_row + c, part), total);
    });
    between += sum(total);
    dg[t] = between;
  }
}

}  // namespace recollect
