// The three products in single precision: kernels of our own, on Google Highway's portable vectors.
// Every element of a result is one chain of fused multiply-adds over the inner dimension, in order,
// so its bits depend on neither the vector width nor the tiling.
#include <algorithm>

#include "models/layers/products.hpp"
#include "models/layers/simd.hpp"

namespace recollect {
namespace {

namespace hn = simd::hn;
using simd::kLanes;
using simd::Lanes;
using simd::unrolled;
using simd::Vector;

// Sums that a tile of rows x vectors keeps in registers: half of them.
constexpr int kSums = HWY_TARGET <= HWY_AVX3 || !HWY_ARCH_X86 ? 16 : 8;
constexpr int kVectors = kSums / 4;
// Inner dimension at a time: 128 x 64 numbers of b are 32 KiB, which the first-level cache holds.
constexpr Index kDepth = 128;

/// a(i, p) = data[i * row + p * col]: a matrix, or the transpose of one.
struct Strided {
  const float* data;
  Index row;
  Index col;
};

/// A vector that every row of a tile uses. Left to itself, the compiler reads it from memory again
/// for each of them, and then loads, not multiplications, are what limits the kernel.
HWY_INLINE void keep_in_register(Vector& vector) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  asm("" : "+v"(vector.raw));
#elif HWY_ARCH_X86
  asm("" : "+x"(vector.raw));
#else
  (void)vector;
#endif
}

/// c (R, up to V vectors) += a b; `tail` lanes of the last vector count.
template <int R, int V, bool kTail>
void tile(const Strided& a, const float* b, Index b_stride, float* c, Index c_stride, Index depth,
          Index tail, bool accumulate) {
  const Lanes d;
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  // As simd::load() and simd::store(), with the mask made once.
  const auto mask = hn::FirstN(d, static_cast<std::size_t>(tail));
  const auto load_tail = [&](const float* from)
                             RECOLLECT_INLINE { return hn::MaskedLoad(mask, d, from); };
  const auto store_tail = [&](Vector vector, float* to)
                              RECOLLECT_INLINE { hn::BlendedStore(vector, mask, d, to); };
#else
  const auto load_tail = [&](const float* from)
                             RECOLLECT_INLINE { return simd::load(from, simd::First{tail}); };
  const auto store_tail = [&](Vector vector, float* to)
                              RECOLLECT_INLINE { simd::store(vector, to, simd::First{tail}); };
#endif
  const auto load = [&](const float* from, int v) RECOLLECT_INLINE {
    if (kTail && v == V - 1) return load_tail(from + v * kLanes);
    return hn::LoadU(d, from + v * kLanes);
  };
  Vector sums[R][V];
  unrolled<R>([&](int r) RECOLLECT_INLINE {
    unrolled<V>([&](int v) RECOLLECT_INLINE {
      sums[r][v] = accumulate ? load(c + r * c_stride, v) : hn::Zero(d);
    });
  });
  for (Index p = 0; p < depth; ++p) {
    Vector row[V];
    unrolled<V>([&](int v) RECOLLECT_INLINE {
      row[v] = load(b + p * b_stride, v);
      keep_in_register(row[v]);
    });
    unrolled<R>([&](int r) RECOLLECT_INLINE {
      const Vector factor = hn::Set(d, a.data[r * a.row + p * a.col]);
      unrolled<V>([&](int v)
                      RECOLLECT_INLINE { sums[r][v] = hn::MulAdd(factor, row[v], sums[r][v]); });
    });
  }
  unrolled<R>([&](int r) RECOLLECT_INLINE {
    unrolled<V>([&](int v) RECOLLECT_INLINE {
      float* to = c + r * c_stride + v * kLanes;
      if (kTail && v == V - 1) {
        store_tail(sums[r][v], to);
      } else {
        hn::StoreU(sums[r][v], d, to);
      }
    });
  });
}

/// Rows at a time: as many as there are registers for, so that narrow results keep enough
/// independent sums in flight; then half as many, and so on.
template <int V, bool kTail, int R = kSums / V>
void panel(Strided a, const float* b, Index b_stride, float* c, Index c_stride, Index m,
           Index depth, Index tail, bool accumulate) {
  for (; m >= R; m -= R, a.data += R * a.row, c += R * c_stride) {
    tile<R, V, kTail>(a, b, b_stride, c, c_stride, depth, tail, accumulate);
  }
  if constexpr (R > 1) {
    if (m > 0) panel<V, kTail, R / 2>(a, b, b_stride, c, c_stride, m, depth, tail, accumulate);
  }
}

template <int V>
void last_panel(const Strided& a, const float* b, Index b_stride, float* c, Index c_stride, Index m,
                Index depth, Index n, bool accumulate) {
  if constexpr (V > 1) {
    if (n <= (V - 1) * kLanes) {
      return last_panel<V - 1>(a, b, b_stride, c, c_stride, m, depth, n, accumulate);
    }
  }
  const Index tail = n - (V - 1) * kLanes;
  if (tail == kLanes) {
    panel<V, false>(a, b, b_stride, c, c_stride, m, depth, tail, accumulate);
  } else {
    panel<V, true>(a, b, b_stride, c, c_stride, m, depth, tail, accumulate);
  }
}

/// c (m, n) = or += a (m, k) b (k, n)
void multiply(const Strided& a, const float* b, Index b_stride, View<float>& c, Index k,
              bool accumulate) {
  constexpr Index kWidth = kVectors * kLanes;
  if (k == 0 && !accumulate) c.setZero();
  for (Index p = 0; p < k; p += kDepth) {
    const Index depth = std::min(kDepth, k - p);
    const Strided piece{a.data + p * a.col, a.row, a.col};
    for (Index j = 0; j < c.cols(); j += kWidth) {
      last_panel<kVectors>(piece, b + p * b_stride + j, b_stride, c.data() + j, c.outerStride(),
                           c.rows(), depth, std::min(kWidth, c.cols() - j), accumulate || p > 0);
    }
  }
}

constexpr Index kBlock = 64;

#if HWY_TARGET != HWY_SCALAR
/// to (4, kBlock) = the transpose of kLanes rows of four numbers. rows[j] is where row j begins,
/// and row 4 i + j stands i * apart behind it.
HWY_INLINE void transpose_four(const float* const (&rows)[4], Index apart, float* to) {
  const Lanes d;
  constexpr int kParts = static_cast<int>(kLanes / 4);  // of 128 bits, each with a row of its own
  Vector row[4];
  unrolled<4>([&](int j) RECOLLECT_INLINE {
    row[j] = hn::LoadDup128(d, rows[j] + (kParts - 1) * apart);
    unrolled<kParts - 1>([&](int i) RECOLLECT_INLINE {
      const int part = kParts - 2 - i;
      const auto mask = hn::FirstN(d, static_cast<std::size_t>(4 * (part + 1)));
      row[j] = hn::IfThenElse(mask, hn::LoadDup128(d, rows[j] + part * apart), row[j]);
    });
  });
  const Vector even_low = hn::InterleaveLower(d, row[0], row[2]);
  const Vector odd_low = hn::InterleaveLower(d, row[1], row[3]);
  const Vector even_high = hn::InterleaveUpper(d, row[0], row[2]);
  const Vector odd_high = hn::InterleaveUpper(d, row[1], row[3]);
  hn::StoreU(hn::InterleaveLower(d, even_low, odd_low), d, to);
  hn::StoreU(hn::InterleaveUpper(d, even_low, odd_low), d, to + kBlock);
  hn::StoreU(hn::InterleaveLower(d, even_high, odd_high), d, to + 2 * kBlock);
  hn::StoreU(hn::InterleaveUpper(d, even_high, odd_high), d, to + 3 * kBlock);
}
#endif

/// to (cols, kBlock) = the transpose of from (rows <= kBlock, cols); what `to` holds beside that is
/// not touched.
void transpose(const float* from, Index stride, Index rows, Index cols, float* to) {
#if HWY_TARGET == HWY_SCALAR  // a vector of one number has nothing to interleave
  const Index fours = 0;
  const Index whole = 0;
#else
  const Index fours = cols / 4 * 4;
  const Index whole = rows / kLanes * kLanes;
  for (Index r = 0; r < whole; r += kLanes) {
    const float* row[4];
    for (Index j = 0; j < 4; ++j) row[j] = from + (r + j) * stride;
    for (Index c = 0; c < fours; c += 4) {
      transpose_four(row, 4 * stride, to + c * kBlock + r);
      for (const float*& each : row) each += 4;
    }
  }
#endif
  for (Index r = 0; r < rows; ++r) {
    for (Index c = r < whole ? fours : 0; c < cols; ++c) to[c * kBlock + r] = from[r * stride + c];
  }
}

}  // namespace

template <>
void product_nn<float>(ConstView<float> a, ConstView<float> b, View<float> c, Write write) {
  multiply({a.data(), a.outerStride(), 1}, b.data(), b.outerStride(), c, a.cols(),
           write == Write::kAccumulate);
}

template <>
void product_tn<float>(ConstView<float> a, ConstView<float> b, View<float> c, Write write) {
  multiply({a.data(), 1, a.outerStride()}, b.data(), b.outerStride(), c, a.rows(),
           write == Write::kAccumulate);
}

template <>
void product_nt<float>(ConstView<float> a, ConstView<float> b, View<float> c, Write write) {
  alignas(64) float packed[kDepth * kBlock];
  for (Index p = 0; p < a.cols(); p += kDepth) {
    const Index depth = std::min(kDepth, a.cols() - p);
    for (Index j = 0; j < b.rows(); j += kBlock) {
      const Index n = std::min(kBlock, b.rows() - j);
      transpose(b.data() + j * b.outerStride() + p, b.outerStride(), n, depth, packed);
      View<float> part = columns(c, j, n);
      multiply({a.data() + p, a.outerStride(), 1}, packed, kBlock, part, depth,
               write == Write::kAccumulate || p > 0);
    }
  }
}

/// Blocks of kBlock rows of b are turned once, for all bands of rows below them.
template <>
void product_nt_lower<float>(ConstView<float> a, ConstView<float> b, View<float> c) {
  alignas(64) float packed[kDepth * kBlock];
  const Index n = a.rows();
  for (Index p = 0; p < a.cols(); p += kDepth) {
    const Index depth = std::min(kDepth, a.cols() - p);
    for (Index j = 0; j < n; j += kBlock) {
      transpose(b.data() + j * b.outerStride() + p, b.outerStride(), std::min(kBlock, n - j), depth,
                packed);
      for (Index i = j; i < n; i += kBand) {
        const Index count = std::min(kBand, n - i);
        View<float> part = columns(rows(c, i, count), j, std::min(kBlock, i + count - j));
        multiply({a.data() + i * a.outerStride() + p, a.outerStride(), 1}, packed, kBlock, part,
                 depth, p > 0);
      }
    }
  }
}

}  // namespace recollect
