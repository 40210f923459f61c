// The three products in single precision: kernels of our own, on Google Highway's portable vectors.
// Every element of a result is one chain of fused multiply-adds over the inner dimension, in order,
// so its bits depend on neither the vector width nor the tiling.
#include <algorithm>
#include <bit>

#include "math/shape_check.hpp"
#include "models/kernels/products.hpp"
#include "models/kernels/simd.hpp"

namespace recollect {
namespace {

namespace hn = simd::hn;
using simd::kLanes;
using simd::Lanes;
using simd::unrolled;
using simd::Vector;

// Sums that a tile of rows x vectors keeps in registers: half of 32, or as many of 16 as leave room
// for a row of vectors and a factor.
constexpr bool kManyRegisters = HWY_TARGET <= HWY_AVX3 || !HWY_ARCH_X86;
constexpr int kSums = kManyRegisters ? 16 : 12;
constexpr int kVectors = kManyRegisters ? 4 : 2;
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
HWY_INLINE void tile(const Strided& a, const float* b, Index b_stride, float* c, Index c_stride,
                     Index depth, Index tail, bool accumulate) {
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

/// The same as a function of its own, for loops that would lose registers to it.
template <int R, int V, bool kTail>
HWY_NOINLINE void lone_tile(const Strided& a, const float* b, Index b_stride, float* c,
                            Index c_stride, Index depth, Index tail, bool accumulate) {
  tile<R, V, kTail>(a, b, b_stride, c, c_stride, depth, tail, accumulate);
}

/// Rows at a time: as many as there are registers for, so that narrow results keep enough
/// independent sums in flight. Where that is few, the rows are dealt evenly to as few tiles as it
/// takes, because a tile of one row would wait for its own sums; where it is many, what is left
/// goes to tiles half as high, and so on.
template <int V, bool kTail, int R = kSums / V>
void panel(Strided a, const float* b, Index b_stride, float* c, Index c_stride, Index m,
           Index depth, Index tail, bool accumulate) {
  constexpr bool kEven = R < 8 && R > 1;
  Index tiles = m / R;
  if (kEven && m % R != 0) tiles = std::max<Index>(m - (R - 1) * (tiles + 1), 0);
  for (; tiles > 0; --tiles, m -= R, a.data += R * a.row, c += R * c_stride) {
    tile<R, V, kTail>(a, b, b_stride, c, c_stride, depth, tail, accumulate);
  }
  if constexpr (R > 1) {
    constexpr int kNext = kEven ? R - 1 : R / 2;
    if (m > 0) panel<V, kTail, kNext>(a, b, b_stride, c, c_stride, m, depth, tail, accumulate);
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
  if (k == 0 && !accumulate) set_zero(c);
  for (Index p = 0; p < k; p += kDepth) {
    const Index depth = std::min(kDepth, k - p);
    const Strided piece{a.data + p * a.col, a.row, a.col};
    for (Index j = 0; j < c.cols(); j += kWidth) {
      last_panel<kVectors>(piece, b + p * b_stride + j, b_stride, c.data() + j, c.stride(),
                           c.rows(), depth, std::min(kWidth, c.cols() - j), accumulate || p > 0);
    }
  }
}

/// How far a row of tiles of a triangular product reaches into the inner dimension.
struct Reach {
  Index first;
  Index last;
};

/// How many rows the tiles of a triangular product have whose sums are `vectors` wide: a power of
/// two.
constexpr Index rows_of_tile(Index vectors) {
  return static_cast<Index>(std::bit_floor(static_cast<std::size_t>(kSums / vectors)));
}
static_assert(kBand % rows_of_tile(1) == 0);

/// c (m, n) = or += a b with a (m, k) triangular: rows i.. of a hold something in reach(i, rows)
/// alone. Bands are as fine as tiles here: what a tile need not read, it need not multiply.
template <class Of>
void multiply_triangular(const Strided& a, const float* b, Index b_stride, View<float>& c, Index k,
                         bool accumulate, Of&& reach) {
  constexpr Index kWidth = kVectors * kLanes;
  constexpr auto kRows = static_cast<int>(rows_of_tile(kVectors));
  for (Index p = 0; p < k; p += kDepth) {
    for (Index j = 0; j < c.cols(); j += kWidth) {
      const Index width = std::min(kWidth, c.cols() - j);
      // Those of a tile; bands of kBand are a whole number of them, so that no tile reads beyond
      // the zeros which stand at the end of a band.
      const Index rows = rows_of_tile((width + kLanes - 1) / kLanes);
      for (Index i = 0; i < c.rows(); i += rows) {
        const Index count = std::min(rows, c.rows() - i);
        const Reach all = reach(i, count);
        const Index first = std::max(p, all.first);
        const Index depth = std::min(p + kDepth, all.last) - first;
        if (depth <= 0) continue;
        const Strided part{a.data + i * a.row + first * a.col, a.row, a.col};
        const float* b_part = b + first * b_stride + j;
        float* c_part = c.data() + i * c.stride() + j;
        const bool add = accumulate || first > all.first;
        if (width == kWidth && count == kRows) {
          lone_tile<kRows, kVectors, false>(part, b_part, b_stride, c_part, c.stride(), depth,
                                            kLanes, add);
        } else {
          last_panel<kVectors>(part, b_part, b_stride, c_part, c.stride(), count, depth, width,
                               add);
        }
      }
    }
  }
}

constexpr Index kBlock = 64;

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
constexpr Index kColumns = 8;  // transposed at a time
constexpr Index kRowStep = 4;  // between the rows whose places are handed over

/// to (8, kBlock) = the transpose of sixteen rows of eight numbers. rows[i] is where row 4 i
/// begins.
HWY_INLINE void transpose_columns(const float* const (&rows)[4], Index stride, float* to) {
  const auto row = [&](int i, int j)
                       RECOLLECT_INLINE { return _mm256_loadu_ps(rows[i] + j * stride); };
  // Blocks of four lanes: of rows 8 i .. 8 i + 3 columns c and c + 4, then of the next four rows.
  __m512 four_rows[2][4];
  unrolled<2>([&](int i) RECOLLECT_INLINE {
    __m512 two[4];  // a row in the lower half, the fourth one after it in the upper
    unrolled<4>([&](int j) RECOLLECT_INLINE {
      two[j] = _mm512_insertf32x8(_mm512_castps256_ps512(row(2 * i, j)), row(2 * i + 1, j), 1);
    });
    const auto low_01 = _mm512_castps_pd(_mm512_unpacklo_ps(two[0], two[1]));
    const auto low_23 = _mm512_castps_pd(_mm512_unpacklo_ps(two[2], two[3]));
    const auto high_01 = _mm512_castps_pd(_mm512_unpackhi_ps(two[0], two[1]));
    const auto high_23 = _mm512_castps_pd(_mm512_unpackhi_ps(two[2], two[3]));
    four_rows[i][0] = _mm512_castpd_ps(_mm512_unpacklo_pd(low_01, low_23));
    four_rows[i][1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low_01, low_23));
    four_rows[i][2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high_01, high_23));
    four_rows[i][3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high_01, high_23));
  });
  unrolled<4>([&](int c) RECOLLECT_INLINE {
    const __m512 a = four_rows[0][c];
    const __m512 b = four_rows[1][c];
    _mm512_storeu_ps(to + c * kBlock, _mm512_shuffle_f32x4(a, b, 0x88));
    _mm512_storeu_ps(to + (c + 4) * kBlock, _mm512_shuffle_f32x4(a, b, 0xDD));
  });
}

#elif HWY_TARGET != HWY_SCALAR
constexpr Index kColumns = 4;
constexpr Index kRowStep = 1;

/// to (4, kBlock) = the transpose of kLanes rows of four numbers. rows[j] is where row j begins.
HWY_INLINE void transpose_columns(const float* const (&rows)[4], Index stride, float* to) {
  const Lanes d;
  const Index apart = 4 * stride;                       // row 4 i + j stands i * apart behind row j
  constexpr int kParts = static_cast<int>(kLanes / 4);  // of 128 bits, each with a row of its own
  Vector row[4];
  unrolled<4>([&](int j) RECOLLECT_INLINE {
    row[j] = hn::LoadDup128(d, rows[j] + (kParts - 1) * apart);
    unrolled<kParts - 1>([&](int i) RECOLLECT_INLINE {
      const int part = kParts - 2 - i;
      const auto mask = hn::FirstN(d, 4 * static_cast<std::size_t>(part + 1));
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
  const Index in_registers = 0;
  const Index whole = 0;
#else
  const Index in_registers = cols / kColumns * kColumns;
  const Index whole = rows / kLanes * kLanes;
  for (Index r = 0; r < whole; r += kLanes) {
    const float* row[4];
    for (Index j = 0; j < 4; ++j) row[j] = from + (r + j * kRowStep) * stride;
    for (Index c = 0; c < in_registers; c += kColumns) {
      transpose_columns(row, stride, to + c * kBlock + r);
      for (const float*& each : row) each += kColumns;
    }
  }
#endif
  for (Index r = 0; r < rows; ++r) {
    for (Index c = r < whole ? in_registers : 0; c < cols; ++c)
      to[c * kBlock + r] = from[r * stride + c];
  }
}

}  // namespace

template <>
void product_nn<float>(ConstView<float> a, ConstView<float> b, View<float> c, Write write) {
  RECOLLECT_CHECK(a.cols() == b.rows() && c.rows() == a.rows() && c.cols() == b.cols(), a, b, c);
  multiply({a.data(), a.stride(), 1}, b.data(), b.stride(), c, a.cols(),
           write == Write::kAccumulate);
}

template <>
void product_tn<float>(ConstView<float> a, ConstView<float> b, View<float> c, Write write) {
  RECOLLECT_CHECK(a.rows() == b.rows() && c.rows() == a.cols() && c.cols() == b.cols(), a, b, c);
  multiply({a.data(), 1, a.stride()}, b.data(), b.stride(), c, a.rows(),
           write == Write::kAccumulate);
}

template <>
void product_nt<float>(ConstView<float> a, ConstView<float> b, View<float> c, Write write) {
  RECOLLECT_CHECK(a.cols() == b.cols() && c.rows() == a.rows() && c.cols() == b.rows(), a, b, c);
  alignas(64) float packed[kDepth * kBlock];
  for (Index p = 0; p < a.cols(); p += kDepth) {
    const Index depth = std::min(kDepth, a.cols() - p);
    for (Index j = 0; j < b.rows(); j += kBlock) {
      const Index n = std::min(kBlock, b.rows() - j);
      transpose(b.data() + j * b.stride() + p, b.stride(), n, depth, packed);
      View<float> part = columns(c, j, n);
      multiply({a.data() + p, a.stride(), 1}, packed, kBlock, part, depth,
               write == Write::kAccumulate || p > 0);
    }
  }
}

template <>
void pack<float>(ConstView<float> b, float* packed) {
  static_assert(kBlock == kPackedRows);
  for (Index j = 0; j < b.rows(); j += kBlock) {
    transpose(b.data() + j * b.stride(), b.stride(), std::min(kBlock, b.rows() - j), b.cols(),
              packed + j * b.cols());
  }
}

template <>
void product_packed<float>(ConstView<float> a, const float* packed, View<float> c) {
  for (Index j = 0; j < c.cols(); j += kBlock) {
    View<float> part = columns(c, j, std::min(kBlock, c.cols() - j));
    multiply({a.data(), a.stride(), 1}, packed + j * a.cols(), kBlock, part, a.cols(), false);
  }
}

template <>
void product_nn_lower<float>(ConstView<float> a, ConstView<float> b, View<float> c, Write write) {
  multiply_triangular({a.data(), a.stride(), 1}, b.data(), b.stride(), c, a.cols(),
                      write == Write::kAccumulate, [](Index i, Index count) {
                        return Reach{0, i + count};
                      });
}

template <>
void product_tn_lower<float>(ConstView<float> a, ConstView<float> b, View<float> c, Write write) {
  multiply_triangular({a.data(), 1, a.stride()}, b.data(), b.stride(), c, a.rows(),
                      write == Write::kAccumulate, [&](Index i, Index) {
                        return Reach{i, a.rows()};
                      });
}

/// Blocks of kBlock rows of b are packed once, for all bands of rows below them.
template <>
void product_nt_lower<float>(ConstView<float> a, ConstView<float> b, View<float> c) {
  alignas(64) float packed[kDepth * kBlock];
  const Index n = a.rows();
  for (Index p = 0; p < a.cols(); p += kDepth) {
    const Index depth = std::min(kDepth, a.cols() - p);
    for (Index j = 0; j < n; j += kBlock) {
      transpose(b.data() + j * b.stride() + p, b.stride(), std::min(kBlock, n - j), depth, packed);
      for (Index i = j; i < n; i += kBand) {
        const Index count = std::min(kBand, n - i);
        View<float> part = columns(rows(c, i, count), j, std::min(kBlock, i + count - j));
        multiply({a.data() + i * a.stride() + p, a.stride(), 1}, packed, kBlock, part, depth,
                 p > 0);
      }
    }
  }
}

}  // namespace recollect
