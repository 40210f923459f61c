// The loops of the chunkwise form in single precision, on Google Highway's portable vectors. A row
// of a (C, C) matrix is cut into tiles of one vector. On a tile left of the diagonal's the level is
// one number; on the diagonal's it is a permutation that depends on the row's place in the tile.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <bit>

#include "core/fenwick.hpp"
#include "models/layers/products.hpp"
#include "models/mixers/chunk_kernels.hpp"
#include "models/mixers/log_linear.hpp"

namespace recollect {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Lanes = hn::ScalableTag<float>;
using Vector = hn::Vec<Lanes>;

constexpr Index kLanes = static_cast<Index>(hn::MaxLanes(Lanes()));
constexpr int kTileLevels = std::bit_width(static_cast<unsigned>(kLanes));  // on a diagonal tile
static_assert(kBand % kLanes == 0 || kLanes % kBand == 0);

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

/// Loads and stores of the first `count` lanes, or of all.
struct Part {
  hn::Mask<Lanes> mask;
  explicit Part(Index count) : mask(hn::FirstN(Lanes(), static_cast<std::size_t>(count))) {}
  [[nodiscard]] Vector load(const float* from) const { return hn::MaskedLoad(mask, Lanes(), from); }
  void store(Vector value, float* to) const { hn::BlendedStore(value, mask, Lanes(), to); }
};

/// body(offset, load, store) over `count` numbers: whole vectors, then the rest.
template <class Body>
HWY_INLINE void for_each_vector(Index count, Body&& body) {
  const Lanes d;
  Index i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    body(
        i, [&](const float* from) { return hn::LoadU(d, from + i); },
        [&](Vector value, float* to) { hn::StoreU(value, d, to + i); });
  }
  if (i == count) return;
  const Part part(count - i);
  body(
      i, [&](const float* from) { return part.load(from + i); },
      [&](Vector value, float* to) { part.store(value, to + i); });
}

/// lambda of levels 0, 1, ... of one row; a level beyond the last one reads the last.
class RowLevels {
 public:
  RowLevels(const ConstView<float>& lambda, Index t) {
    const Index columns = lambda.cols();
    if (columns == 0) {
      value_.fill(1.0F);
      return;
    }
    const float* row = lambda.data() + t * lambda.outerStride();
    const Index used = std::max<Index>(kTileLevels, std::bit_width(static_cast<unsigned>(t)) + 1);
    for (Index l = 0; l < used; ++l)
      value_[static_cast<std::size_t>(l)] = row[std::min(l, columns - 1)];
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

/// Zeros from the end of row t's diagonal tile to the end of its band.
void clear_band(const View<float>& m, float* row, Index t) {
  const Index tile_end = (t / kLanes + 1) * kLanes;
  const Index end = band_end(t, m.rows());
  if (tile_end < end) std::fill(row + tile_end, row + end, 0.0F);
}

float sum(Vector v) { return hn::GetLane(hn::SumOfLanes(Lanes(), v)); }

}  // namespace

template <>
void exp_shifted<float>(const float* from, float sign, float shift, Index count, float* to) {
  const Lanes d;
  for_each_vector(count, [&](Index, auto&& load, auto&& store) {
    store(hn::Exp(d, hn::MulAdd(hn::Set(d, sign), load(from), hn::Set(d, shift))), to);
  });
}

template <>
void inside_forward<float>(const ChunkInside<float>& in, const float* from_start,
                           View<float> weights) {
  const Lanes d;
  const Index count = weights.rows();
  View<float> decays_of = in.decays;
  for (Index t = 0; t < count; ++t) {
    const RowLevels levels(in.lambda, t);
    const float* scores = in.scores.data() + t * in.scores.outerStride();
    float* decays = decays_of.data() + t * decays_of.outerStride();
    float* row = weights.data() + t * weights.outerStride();
    const Index diagonal = t / kLanes * kLanes;
    const auto decay_of = [&](Vector start) {
      return hn::Exp(d, hn::Sub(hn::Set(d, from_start[t]), start));
    };
    for (Index s = 0; s < diagonal; s += kLanes) {
      const Vector decay =
          from_start == nullptr ? hn::Set(d, 1.0F) : decay_of(hn::LoadU(d, from_start + s));
      const Vector factor = hn::Set(d, levels[level(t, s)]);
      hn::StoreU(decay, d, decays + s);
      hn::StoreU(hn::Mul(hn::Mul(decay, factor), hn::LoadU(d, scores + s)), d, row + s);
    }
    const Part part(std::min(kLanes, count - diagonal));
    const auto seen = hn::FirstN(d, static_cast<std::size_t>(t - diagonal + 1));
    const Vector decay = hn::IfThenElseZero(seen, from_start == nullptr
                                                      ? hn::Set(d, 1.0F)
                                                      : decay_of(part.load(from_start + diagonal)));
    const Vector score = hn::MaskedLoad(seen, d, scores + diagonal);
    part.store(decay, decays + diagonal);
    part.store(hn::Mul(hn::Mul(decay, levels.diagonal(t)), score), row + diagonal);
    clear_band(weights, row, t);
  }
}

template <>
void inside_backward<float>(const ChunkInside<float>& in, View<float> d_weights,
                            View<float> weights, View<float> dlambda) {
  const Lanes d;
  const hn::RebindToSigned<Lanes> di;
  const Index count = weights.rows();
  const Index columns = dlambda.cols();
  for (Index t = 0; t < count; ++t) {
    const RowLevels levels(in.lambda, t);
    const float* scores = in.scores.data() + t * in.scores.outerStride();
    const float* decays = in.decays.data() + t * in.decays.outerStride();
    float* d_row = d_weights.data() + t * d_weights.outerStride();
    float* row = weights.data() + t * weights.outerStride();
    float* d_levels = dlambda.data() + t * dlambda.outerStride();
    const auto add_level = [&](int l, float value) {
      if (columns > 0) d_levels[level_column(l, columns)] += value;
    };
    const Index diagonal = t / kLanes * kLanes;
    // The diagonal's tile, nearest levels first, as in the plain loop.
    {
      const Part part(std::min(kLanes, count - diagonal));
      const auto seen = hn::FirstN(d, static_cast<std::size_t>(t - diagonal + 1));
      const Vector score = hn::MaskedLoad(seen, d, scores + diagonal);
      const Vector decay = hn::MaskedLoad(seen, d, decays + diagonal);
      const Vector d_weight = hn::MaskedLoad(seen, d, d_row + diagonal);
      const Vector mask = hn::Mul(decay, levels.diagonal(t));
      part.store(hn::Mul(score, mask), row + diagonal);
      part.store(hn::Mul(d_weight, mask), d_row + diagonal);
      if (columns > 0) {
        const Vector product = hn::Mul(hn::Mul(d_weight, score), decay);
        const auto level_of = hn::Load(di, kDiagonal.of[t % kLanes]);
        // Lanes right of the diagonal hold zeros, so that they may count as level 0.
        add_level(
            0, sum(hn::IfThenElseZero(hn::RebindMask(d, hn::Eq(level_of, hn::Zero(di))), product)));
        for (Index bits = t % kLanes; bits != 0; bits &= bits - 1) {
          const int l = std::countr_zero(static_cast<unsigned>(bits)) + 1;
          add_level(l, sum(hn::IfThenElseZero(hn::RebindMask(d, hn::Eq(level_of, hn::Set(di, l))),
                                              product)));
        }
      }
    }
    // A run of tiles for each higher level.
    for (Index bits = diagonal; bits != 0; bits &= bits - 1) {
      const int bit = std::countr_zero(static_cast<unsigned>(bits));
      const Vector factor = hn::Set(d, levels[bit + 1]);
      Vector total = hn::Zero(d);
      const Index begin = bits & (bits - 1);
      for (Index s = begin; s < begin + (Index{1} << bit); s += kLanes) {
        const Vector score = hn::LoadU(d, scores + s);
        const Vector decay = hn::LoadU(d, decays + s);
        const Vector d_weight = hn::LoadU(d, d_row + s);
        const Vector mask = hn::Mul(decay, factor);
        hn::StoreU(hn::Mul(score, mask), d, row + s);
        hn::StoreU(hn::Mul(d_weight, mask), d, d_row + s);
        total = hn::MulAdd(hn::Mul(d_weight, score), decay, total);
      }
      if (columns > 0) add_level(bit + 1, sum(total));
    }
    clear_band(weights, row, t);
    clear_band(d_weights, d_row, t);
  }
}

template <>
void scale_rows<float>(const float* scale, ConstView<float> from, View<float> to, bool accumulate) {
  const Lanes d;
  for (Index t = 0; t < to.rows(); ++t) {
    const Vector factor = hn::Set(d, scale[t]);
    const float* source = from.data() + t * from.outerStride();
    float* target = to.data() + t * to.outerStride();
    for_each_vector(to.cols(), [&](Index, auto&& load, auto&& store) {
      store(accumulate ? hn::MulAdd(factor, load(source), load(target))
                       : hn::Mul(factor, load(source)),
            target);
    });
  }
}

template <>
void read_backward<float>(const float* decay, const float* scale, ConstView<float> q,
                          ConstView<float> through, View<float> dq, View<float> scaled,
                          View<float> dlambda, Index column) {
  const Lanes d;
  for (Index t = 0; t < q.rows(); ++t) {
    const Vector factor = hn::Set(d, scale[t]);
    const float* q_row = q.data() + t * q.outerStride();
    const float* through_row = through.data() + t * through.outerStride();
    float* dq_row = dq.data() + t * dq.outerStride();
    float* scaled_row = scaled.data() + t * scaled.outerStride();
    Vector dot = hn::Zero(d);
    for_each_vector(q.cols(), [&](Index, auto&& load, auto&& store) {
      const Vector query = load(q_row);
      const Vector flow = load(through_row);
      dot = hn::MulAdd(query, flow, dot);
      store(hn::MulAdd(factor, flow, load(dq_row)), dq_row);
      store(hn::Mul(factor, query), scaled_row);
    });
    if (dlambda.cols() > 0) dlambda(t, column) += decay[t] * sum(dot);
  }
}

template <>
void scale_numbers<float>(float factor, const float* from, float* to, Index count,
                          bool accumulate) {
  const Lanes d;
  const Vector by = hn::Set(d, factor);
  for_each_vector(count, [&](Index, auto&& load, auto&& store) {
    store(accumulate ? hn::MulAdd(by, load(from), load(to)) : hn::Mul(by, load(from)), to);
  });
}

template <>
float inner_product<float>(const float* a, const float* b, Index count) {
  const Lanes d;
  Vector total = hn::Zero(d);
  for_each_vector(count,
                  [&](Index, auto&& load, auto&&) { total = hn::MulAdd(load(a), load(b), total); });
  return sum(total);
}

template <>
void gate_gradient<float>(float between, ConstView<float> dy, ConstView<float> y,
                          ConstView<float> dv, ConstView<float> v, float* dg) {
  const Lanes d;
  for (Index t = dy.rows() - 1; t >= 0; --t) {
    const float* dy_row = dy.data() + t * dy.outerStride();
    const float* y_row = y.data() + t * y.outerStride();
    const float* dv_row = dv.data() + t * dv.outerStride();
    const float* v_row = v.data() + t * v.outerStride();
    Vector total = hn::Zero(d);
    for_each_vector(dy.cols(), [&](Index, auto&& load, auto&&) {
      total = hn::MulAdd(load(dy_row), load(y_row), total);
      total = hn::NegMulAdd(load(dv_row), load(v_row), total);
    });
    between += sum(total);
    dg[t] = between;
  }
}

}  // namespace recollect
