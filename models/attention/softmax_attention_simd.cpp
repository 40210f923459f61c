// Softmax attention in single precision. Where rows are consecutive tokens, the keys are cut such
// that only a block's last tile hides anything, and that is a triangle: half of it is never
// computed.
#include <algorithm>
#include <limits>

#include "models/attention/softmax_attention.hpp"
#include "models/kernels/products.hpp"
#include "models/kernels/simd.hpp"

namespace recollect {
namespace {

using namespace simd;

constexpr Index kBlock = SoftmaxAttention<float>::kBlock;
constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// Some of the rows of a block, and keys of which each of these rows sees at least one.
struct Tile {
  Index key;  ///< position of the first
  Index keys;
  Index row;
  Index rows;
  bool triangle;  ///< as many rows as keys, and row i sees none after key i
  bool fresh;     ///< the first tile of all rows of the block: nothing is summed up yet
};

/// body(Tile) for the tiles of rows first .. first + count - 1. What no row sees is left out.
template <class Body>
void for_each_tile(const Queries& queries, const VisibleKeys& visible, Index first, Index count,
                   Body&& body) {
  const auto positions =
      queries.positions.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
  const Index begin = positions.front();
  const Index end = positions.back() + 1;
  const Index start = visible.from(begin);
  const Index before = begin - start;
  Index keys = queries.all && before % kBlock > 0 ? before % kBlock : kBlock;
  for (Index key = start; key < end; key += keys, keys = kBlock) {
    keys = std::min(keys, end - key);
    const auto seeing = std::lower_bound(positions.begin(), positions.end(), key);
    const auto beyond = std::lower_bound(seeing, positions.end(), visible.until(key + keys - 1));
    if (seeing == beyond) continue;
    body(Tile{key, keys, first + static_cast<Index>(seeing - positions.begin()),
              static_cast<Index>(beyond - seeing), queries.all && key == begin,
              visible.window == 0 && key == start});
  }
}

/// Up to which of the tile's keys its row i sees.
Index seen(const Queries& queries, const Tile& tile, Index i) {
  const Index t = queries.positions[static_cast<std::size_t>(tile.row + i)];
  return std::min(t - tile.key + 1, tile.keys);
}

/// A row's scores of keys that have left its window are as low as can be, so that their weight is
/// 0.
void hide_left(const Queries& queries, const VisibleKeys& visible, const Tile& tile,
               float* scores) {
  if (visible.window == 0) return;
  for (Index i = 0; i < tile.rows; ++i) {
    const Index t = queries.positions[static_cast<std::size_t>(tile.row + i)];
    const Index hidden = visible.from(t) - tile.key;
    if (hidden > 0) std::fill_n(scores + i * kBlock, hidden, kLowest);
  }
}

// Products with a tile, (queries, keys); a triangle is taken in bands.

/// c (queries, keys) = a b^T
void product_nt_tile(const Tile& tile, ConstView<float> a, ConstView<float> b, View<float> c) {
  if (tile.triangle) {
    product_nt_lower<float>(a, b, c);
  } else {
    product_nt<float>(a, b, c);
  }
}

/// c (queries, d) = or += a b, b (keys, d)
void product_nn_tile(const Tile& tile, ConstView<float> a, ConstView<float> b, View<float> c,
                     Write write) {
  if (tile.triangle) {
    product_nn_lower<float>(a, b, c, write);
  } else {
    product_nn<float>(a, b, c, write);
  }
}

/// c (keys, d) += a^T b, b (queries, d)
void product_tn_tile(const Tile& tile, ConstView<float> a, ConstView<float> b, View<float> c) {
  if (tile.triangle) {
    product_tn_lower<float>(a, b, c, Write::kAccumulate);
  } else {
    product_tn<float>(a, b, c, Write::kAccumulate);
  }
}

/// body(c, Whole or First) for the sixteens of the numbers that a row of a tile sees.
template <class Body>
HWY_INLINE void for_each_seen(const Queries& queries, const Tile& tile, Index i, Body&& body) {
  const Index count = seen(queries, tile, i);
  if (count == kBlock) {
    RowOfSixteens<kBlock / 16, true>::for_each(
        kBlock, [&](int, Index c, auto part) RECOLLECT_INLINE { body(c, part); });
  } else {
    for_each_sixteen(count, body);
  }
}

/// Zeros from the end of the sixteen that holds the row's last visible key to where products stop.
void clear_unseen(const Queries& queries, const Tile& tile, Index i, float* row) {
  const Index written = (seen(queries, tile, i) + 15) / 16 * 16;
  const Index end = tile.triangle ? band_end(i, tile.keys) : tile.keys;
  if (written < end) std::fill(row + written, row + end, 0.0F);
}

/// The running maximum and sum of every row of a block.
struct State {
  alignas(64) float largest[kBlock];  ///< of scale * score
  alignas(64) float sum[kBlock];      ///< of exp(scale * score - largest)
};

/// Scores become exp(scale * score - largest); what was summed before the largest grew is scaled.
void weigh(const Queries& queries, const Tile& tile, float scale, float* scores, float* largest_of,
           float* sum_of, View<float> y) {
  alignas(64) float number[kBlock];
  alignas(64) float keep[kBlock];
  for (Index i = 0; i < tile.rows; ++i) {
    const float* row = scores + i * kBlock;
    Sixteen top = sixteen(kLowest);
    for_each_seen(queries, tile, i, [&](Index c, auto part) RECOLLECT_INLINE {
      top = max(top, keep16(load16(row + c, Whole{}), part, kLowest));
    });
    number[i] = largest(top);
  }
  for_each_vector(tile.rows, [&](Index i, auto part) RECOLLECT_INLINE {
    const Vector before = load(largest_of + i, part);
    const Vector now = hn::Max(before, hn::Mul(load(number + i, part), broadcast(scale)));
    store(now, largest_of + i, part);
    store(simd::exp(hn::Sub(before, now)), keep + i, part);
  });
  for (Index i = 0; i < tile.rows; ++i) {
    float* row = scores + i * kBlock;
    const Vector top = broadcast(largest_of[i]);
    Sixteen total = sixteen(0);
    for_each_seen(queries, tile, i, [&](Index c, auto part) RECOLLECT_INLINE {
      const auto power = [&](Vector score) RECOLLECT_INLINE {
        return simd::exp(hn::MulSub(score, broadcast(scale), top));
      };
      const Sixteen powers = keep16(map(power, load16(row + c, Whole{})), part, 0);
      store16(powers, row + c, Whole{});
      total = total + powers;
    });
    number[i] = sum(total);
    clear_unseen(queries, tile, i, row);
  }
  for_each_vector(tile.rows, [&](Index i, auto part) RECOLLECT_INLINE {
    const Vector before = hn::Mul(load(sum_of + i, part), load(keep + i, part));
    store(hn::Add(before, load(number + i, part)), sum_of + i, part);
  });
  if (tile.fresh) return;  // nothing is in y yet
  for (Index i = 0; i < tile.rows; ++i) {
    if (keep[i] == 1.0F) continue;
    float* row = y.data() + i * y.stride();
    for_each_vector(y.cols(), [&](Index c, auto part) RECOLLECT_INLINE {
      store(hn::Mul(load(row + c, part), broadcast(keep[i])), row + c, part);
    });
  }
}

/// Scores become weights, p = exp(scale * score - log_sum), and the gradients of weights those of
/// scores, scale * p * (d_weight - mean). Rows are kBlock apart.
void weigh_backward(const Queries& queries, const Tile& tile, float scale, const float* log_sum,
                    const float* means, float* scores, float* d_weights) {
  for (Index i = 0; i < tile.rows; ++i) {
    float* row = scores + i * kBlock;
    float* d_row = d_weights + i * kBlock;
    const Vector offset = broadcast(log_sum[i]);
    const Sixteen mean = sixteen(means[i]);
    for_each_seen(queries, tile, i, [&](Index c, auto part) RECOLLECT_INLINE {
      const auto power = [&](Vector score) RECOLLECT_INLINE {
        return simd::exp(hn::MulSub(score, broadcast(scale), offset));
      };
      const Sixteen p = keep16(map(power, load16(row + c, Whole{})), part, 0);
      const Sixteen d = (load16(d_row + c, Whole{}) - mean) * (p * sixteen(scale));
      store16(p, row + c, Whole{});
      store16(d, d_row + c, Whole{});
    });
    clear_unseen(queries, tile, i, row);
    clear_unseen(queries, tile, i, d_row);
  }
}

}  // namespace

template <>
void SoftmaxAttention<float>::forward(ConstView<float> q, ConstView<float> k, ConstView<float> v,
                                      const Queries& queries, float scale, View<float> y,
                                      float* log_sum, Workspace<float>& workspace,
                                      const VisibleKeys& visible) {
  const Workspace<float>::Scope scope(workspace);
  float* scores = workspace.take(std::min(kBlock, queries.count()) * kBlock);
  State state;
  for (Index first = 0; first < queries.count(); first += kBlock) {
    const Index count = std::min(kBlock, queries.count() - first);
    std::fill_n(state.largest, count, kLowest);
    std::fill_n(state.sum, count, 0.0F);
    if (visible.window > 0) set_zero(recollect::rows(y, first, count));
    for_each_tile(queries, visible, first, count, [&](const Tile& tile) {
      const auto of_rows = [&](const auto& m) { return recollect::rows(m, tile.row, tile.rows); };
      const auto of_keys = [&](const auto& m) {
        return recollect::rows(m, tile.key - visible.first, tile.keys);
      };
      const View<float> p(scores, tile.rows, tile.keys, kBlock);
      const Index i = tile.row - first;
      product_nt_tile(tile, of_rows(q), of_keys(k), p);
      hide_left(queries, visible, tile, scores);
      weigh(queries, tile, scale, scores, state.largest + i, state.sum + i, of_rows(y));
      product_nn_tile(tile, p, of_keys(v), of_rows(y),
                      tile.fresh ? Write::kOverwrite : Write::kAccumulate);
    });
    for_each_vector(count, [&](Index i, auto part) RECOLLECT_INLINE {
      const Vector sum = load(state.sum + i, part);
      store(hn::Add(load(state.largest + i, part), simd::log(sum)), log_sum + first + i, part);
      store(hn::Div(broadcast(1), sum), state.sum + i, part);
    });
    for (Index i = 0; i < count; ++i) {
      float* row = y.data() + (first + i) * y.stride();
      const Vector share = broadcast(state.sum[i]);
      for_each_vector(y.cols(), [&](Index c, auto part) RECOLLECT_INLINE {
        store(hn::Mul(load(row + c, part), share), row + c, part);
      });
    }
  }
}

template <>
void SoftmaxAttention<float>::backward(ConstView<float> q, ConstView<float> k, ConstView<float> v,
                                       const Queries& queries, float scale, ConstView<float> y,
                                       const float* log_sum, ConstView<float> dy, View<float> dq,
                                       View<float> dk, View<float> dv, Workspace<float>& workspace,
                                       const VisibleKeys& visible) {
  const Workspace<float>::Scope scope(workspace);
  const Index room = std::min(kBlock, queries.count());
  float* scores = workspace.take(room * kBlock);
  float* d_scores = workspace.take(room * kBlock);
  float* means = workspace.take(room);  // of a row's d_weights, by its weights: dy . y
  for (Index first = 0; first < queries.count(); first += kBlock) {
    const Index count = std::min(kBlock, queries.count() - first);
    for (Index i = 0; i < count; ++i) {
      const float* y_row = y.data() + (first + i) * y.stride();
      const float* dy_row = dy.data() + (first + i) * dy.stride();
      Sixteen total = sixteen(0);
      for_each_sixteen(y.cols(), [&](Index c, auto part) RECOLLECT_INLINE {
        total = multiply_add(load16(y_row + c, part), load16(dy_row + c, part), total);
      });
      means[i] = sum(total);
    }
    if (visible.window > 0) set_zero(recollect::rows(dq, first, count));
    for_each_tile(queries, visible, first, count, [&](const Tile& tile) {
      const auto of_rows = [&](const auto& m) { return recollect::rows(m, tile.row, tile.rows); };
      const auto of_keys = [&](const auto& m) {
        return recollect::rows(m, tile.key - visible.first, tile.keys);
      };
      const View<float> p(scores, tile.rows, tile.keys, kBlock);
      const View<float> ds(d_scores, tile.rows, tile.keys, kBlock);
      product_nt_tile(tile, of_rows(q), of_keys(k), p);
      hide_left(queries, visible, tile, scores);
      product_nt_tile(tile, of_rows(dy), of_keys(v), ds);
      weigh_backward(queries, tile, scale, log_sum + tile.row, means + tile.row - first, scores,
                     d_scores);
      product_nn_tile(tile, ds, of_keys(k), of_rows(dq),
                      tile.fresh ? Write::kOverwrite : Write::kAccumulate);
      product_tn_tile(tile, ds, of_rows(q), of_keys(dk));
      product_tn_tile(tile, p, of_rows(dy), of_keys(dv));
    });
  }
}

}  // namespace recollect
