// The loops over weights and rows in single precision, on vectors. A row of weights is cut into
// tiles of one vector. On a tile left of the diagonal's the level is one number; on the diagonal's
// it is a permutation that depends on the row's place in the tile.
#include <algorithm>
#include <array>
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
  /// @param row  of lambda; @param t  the row's position
  RowLevels(const ConstView<float>& lambda, Index row, Index t) {
    const Index columns = lambda.cols();
    if (columns == 0) {
      value_.fill(1.0F);
      return;
    }
    const float* values = lambda.data() + row * lambda.outerStride();
    const int used =
        std::max(kTileLevels, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(t))) + 1);
    for (int l = 0; l < used; ++l) {
      value_[static_cast<std::size_t>(l)] = values[level_column(l, columns)];
    }
  }
  [[nodiscard]] float operator[](int level) const {
    return value_[static_cast<std::size_t>(level)];
  }
  /// Of each token of the tile that holds t, seen from t.
  [[nodiscard]] Vector diagonal(Index t) const {
    const Lanes d;
    const hn::RebindToSigned<Lanes> di;
    const auto indices = hn::IndicesFromVec(d, hn::Load(di, kDiagonal.of[t % kLanes]));
    return hn::TableLookupLanes(hn::Load(d, value_.data()), indices);
  }

 private:
  alignas(64) std::array<float, 64> value_;
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
  const RowLevels levels(lambda, row, t);
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
  const RowLevels levels(lambda, row, t);
  const Diagonal diagonal(t, end);
  const Index columns = dlambda.cols();
  float* d_levels = dlambda.data() + row * dlambda.outerStride();
  const auto add_level = [&](int level, Vector products) {
    d_levels[level_column(level, columns)] += sum(products);
  };

  const Index at = diagonal.first;
  const Vector score = load(scores + at, diagonal.seen);
  const Vector decay = load(decays + at, diagonal.seen);
  const Vector d_weight = load(d_weights + at, diagonal.seen);
  const Vector mask = hn::Mul(decay, levels.diagonal(t));
  store(hn::Mul(score, mask), weights + at, diagonal.room);
  store(hn::Mul(d_weight, mask), d_weights + at, diagonal.room);
  if (columns > 0) {
    const Vector products = hn::Mul(hn::Mul(d_weight, score), decay);
    const auto level_of = hn::Load(integers, kDiagonal.of[t % kLanes]);
    const auto of_level = [&](int level) {
      return hn::IfThenElseZero(hn::RebindMask(d, hn::Eq(level_of, hn::Set(integers, level))),
                                products);
    };
    add_level(0, of_level(0));  // lanes that are not seen count as level 0, and hold zeros
    for (auto bits = static_cast<unsigned>(t % kLanes); bits != 0; bits &= bits - 1) {
      const int level = std::countr_zero(bits) + 1;
      add_level(level, of_level(level));
    }
  }
  for_each_far_block(diagonal.first, [&](int level, Index first, Index last) {
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
    if (columns > 0) add_level(level, total);
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
