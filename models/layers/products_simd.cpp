// The three products in single precision: kernels of our own, on Google Highway's portable vectors.
// Every element of a result is one chain of fused multiply-adds over the inner dimension, in order,
// so its bits depend on neither the vector width nor the tiling.
#include <hwy/highway.h>

#include <algorithm>
#include <utility>

#include "models/layers/products.hpp"

namespace recollect {
namespace {

// The kernels are loops over registers: a call in them would put the registers into memory.
#define INLINE_LAMBDA __attribute__((always_inline))

namespace hn = hwy::HWY_NAMESPACE;
using Lanes = hn::ScalableTag<float>;
using Vector = hn::Vec<Lanes>;

constexpr Index kLanes = static_cast<Index>(hn::MaxLanes(Lanes()));
// A tile of kRows x kVectors sums lives in registers: 16 of 32 with AVX-512, 8 of 16 below.
constexpr int kRows = 4;
constexpr int kVectors = kLanes >= 16 ? 4 : 2;
// Inner dimension at a time: 128 x 64 numbers of b are 32 KiB, which the first-level cache holds.
constexpr Index kDepth = 128;

/// a(i, p) = data[i * row + p * col]: a matrix, or the transpose of one.
struct Strided {
  const float* data;
  Index row;
  Index col;
};

/// body(0), body(1), ... body(N - 1), written out: left to itself, the compiler may keep a loop,
/// and then keeps the sums of a tile in memory.
template <class Body, int... i>
HWY_INLINE void unrolled(Body&& body, std::integer_sequence<int, i...>) {
  (body(i), ...);
}
template <int N, class Body>
HWY_INLINE void unrolled(Body&& body) {
  unrolled(body, std::make_integer_sequence<int, N>{});
}

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
  const auto mask = hn::FirstN(d, static_cast<std::size_t>(tail));
  const auto load = [&](const float* from, int v) INLINE_LAMBDA {
    if (kTail && v == V - 1) return hn::MaskedLoad(mask, d, from + v * kLanes);
    return hn::LoadU(d, from + v * kLanes);
  };
  Vector sums[R][V];
  unrolled<R>([&](int r) INLINE_LAMBDA {
    unrolled<V>([&](int v) INLINE_LAMBDA {
      sums[r][v] = accumulate ? load(c + r * c_stride, v) : hn::Zero(d);
    });
  });
  for (Index p = 0; p < depth; ++p) {
    Vector row[V];
    unrolled<V>([&](int v) INLINE_LAMBDA {
      row[v] = load(b + p * b_stride, v);
      keep_in_register(row[v]);
    });
    unrolled<R>([&](int r) INLINE_LAMBDA {
      const Vector factor = hn::Set(d, a.data[r * a.row + p * a.col]);
      unrolled<V>([&](int v)
                      INLINE_LAMBDA { sums[r][v] = hn::MulAdd(factor, row[v], sums[r][v]); });
    });
  }
  unrolled<R>([&](int r) INLINE_LAMBDA {
    unrolled<V>([&](int v) INLINE_LAMBDA {
      float* to = c + r * c_stride + v * kLanes;
      if (kTail && v == V - 1) {
        hn::BlendedStore(sums[r][v], mask, d, to);
      } else {
        hn::StoreU(sums[r][v], d, to);
      }
    });
  });
}

template <int V, bool kTail>
void panel(Strided a, const float* b, Index b_stride, float* c, Index c_stride, Index m,
           Index depth, Index tail, bool accumulate) {
  for (; m >= kRows; m -= kRows, a.data += kRows * a.row, c += kRows * c_stride) {
    tile<kRows, V, kTail>(a, b, b_stride, c, c_stride, depth, tail, accumulate);
  }
  if (m == 3) tile<3, V, kTail>(a, b, b_stride, c, c_stride, depth, tail, accumulate);
  if (m == 2) tile<2, V, kTail>(a, b, b_stride, c, c_stride, depth, tail, accumulate);
  if (m == 1) tile<1, V, kTail>(a, b, b_stride, c, c_stride, depth, tail, accumulate);
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

/// to (cols, kBlock) = the transpose of from (rows <= kBlock, cols)
constexpr Index kBlock = 64;

void transpose(const float* from, Index stride, Index rows, Index cols, float* to) {
  constexpr Index kSquare = 8;
  for (Index r = 0; r < rows; r += kSquare) {
    const Index r_end = std::min(r + kSquare, rows);
    for (Index c = 0; c < cols; ++c) {
      for (Index i = r; i < r_end; ++i) to[c * kBlock + i] = from[i * stride + c];
    }
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

/// The product_nt of a few rows (m <= kLanes): turned around, c^T = b a^T, so that it is the small
/// a and not the large b that is transposed. Lanes beyond m are computed and thrown away.
void multiply_few(ConstView<float> a, ConstView<float> b, View<float> c, bool accumulate) {
  constexpr Index kTall = 8;
  alignas(64) float turned[kDepth * kLanes];
  alignas(64) float sums[kTall * kLanes];
  for (Index p = 0; p < a.cols(); p += kDepth) {
    const Index depth = std::min(kDepth, a.cols() - p);
    std::fill(turned, turned + depth * kLanes, 0.0F);
    for (Index i = 0; i < a.rows(); ++i) {
      const float* row = a.data() + i * a.outerStride() + p;
      for (Index q = 0; q < depth; ++q) turned[q * kLanes + i] = row[q];
    }
    for (Index j = 0; j < b.rows(); j += kTall) {
      const Index tall = std::min(kTall, b.rows() - j);
      const bool add = accumulate || p > 0;
      if (add) {
        for (Index r = 0; r < tall; ++r) {
          for (Index i = 0; i < a.rows(); ++i) sums[r * kLanes + i] = c(i, j + r);
        }
      }
      const Strided rows{b.data() + j * b.outerStride() + p, b.outerStride(), 1};
      if (tall == kTall) {
        tile<kTall, 1, false>(rows, turned, kLanes, sums, kLanes, depth, kLanes, add);
      } else {
        panel<1, false>(rows, turned, kLanes, sums, kLanes, tall, depth, kLanes, add);
      }
      for (Index i = 0; i < a.rows(); ++i) {
        for (Index r = 0; r < tall; ++r) c(i, j + r) = sums[r * kLanes + i];
      }
    }
  }
}

template <>
void product_nt<float>(ConstView<float> a, ConstView<float> b, View<float> c, Write write) {
  if (a.rows() <= std::min<Index>(kLanes, 8)) {
    multiply_few(a, b, c, write == Write::kAccumulate);
    return;
  }
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
  constexpr Index kBand = 16;
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
  c.triangularView<Eigen::StrictlyUpper>().setZero();
}

}  // namespace recollect
