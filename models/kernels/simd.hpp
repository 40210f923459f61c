#pragma once

/// Single-precision vectors for the sources of models/ alone: loads and stores of rows whose length
/// is no multiple of a vector, sums that do not depend on the length of a vector, and elementary
/// functions. Double precision stays with Eigen and is what all this is tested against.
///
/// Every function gives a lane the same operations in the same order, whatever the vector, whatever
/// stands beside it: the bits of a result depend on the number alone. Nothing here calls the
/// mathematics library.

#include <hwy/highway.h>

#include <algorithm>
#include <utility>

#include "math/view.hpp"

/// Loops over registers are written as lambdas, and a call in them would put registers into memory.
#define RECOLLECT_INLINE __attribute__((always_inline))

namespace recollect::simd {

namespace hn = hwy::HWY_NAMESPACE;
using Lanes = hn::ScalableTag<float>;
using Vector = hn::Vec<Lanes>;
inline constexpr Index kLanes = static_cast<Index>(hn::MaxLanes(Lanes()));

/// body(0), body(1), ... body(N - 1), written out: left to itself, the compiler may keep a loop,
/// and then keeps an array of vectors in memory.
template <class Body, int... i>
HWY_INLINE void unrolled(Body&& body, std::integer_sequence<int, i...>) {
  (body(i), ...);
}
template <int N, class Body>
HWY_INLINE void unrolled(Body&& body) {
  unrolled(body, std::make_integer_sequence<int, N>{});
}

/// How much of a vector counts: all of it, or its first `count` lanes.
struct Whole {};
struct First {
  Index count;
};

HWY_INLINE Vector load(const float* from, Whole) { return hn::LoadU(Lanes(), from); }
HWY_INLINE void store(Vector vector, float* to, Whole) { hn::StoreU(vector, Lanes(), to); }

/// Lanes from `count` on are 0, and their memory is not touched.
HWY_INLINE Vector load(const float* from, First part) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  return hn::MaskedLoad(hn::FirstN(Lanes(), static_cast<std::size_t>(part.count)), Lanes(), from);
#else
  alignas(64) float padded[kLanes] = {};
  std::copy_n(from, part.count, padded);
  return hn::Load(Lanes(), padded);
#endif
}
HWY_INLINE void store(Vector vector, float* to, First part) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  hn::BlendedStore(vector, hn::FirstN(Lanes(), static_cast<std::size_t>(part.count)), Lanes(), to);
#else
  alignas(64) float all[kLanes];
  hn::Store(vector, Lanes(), all);
  std::copy_n(all, part.count, to);
#endif
}

/// `other` in the lanes that do not count.
HWY_INLINE Vector keep(Vector vector, Whole, Vector /*other*/) { return vector; }
HWY_INLINE Vector keep(Vector vector, First part, Vector other) {
  return hn::IfThenElse(hn::FirstN(Lanes(), static_cast<std::size_t>(part.count)), vector, other);
}

/// body(i, Whole or First) for the vectors of `count` numbers, i the index of their first one.
template <class Body>
HWY_INLINE void for_each_vector(Index count, Body&& body) {
  Index i = 0;
  for (; i + kLanes <= count; i += kLanes) body(i, Whole{});
  if (i < count) body(i, First{count - i});
}

HWY_INLINE Vector broadcast(float number) { return hn::Set(Lanes(), number); }

// ---- Sums along a row ----

/// Sixteen neighbours, in as many vectors as that takes. Sums along a row are sixteen partial sums
/// first, column c in number c % 16, so that they are the same for every length of a vector.
struct Sixteen {
  static constexpr int kVectors = static_cast<int>(16 / kLanes);
  Vector part[kVectors];
};
static_assert(16 % kLanes == 0);

/// The same operation on all of them: f(vector, ...).
template <class F, class... Numbers>
HWY_INLINE Sixteen map(F&& f, const Numbers&... numbers) {
  Sixteen result;
  unrolled<Sixteen::kVectors>([&](int i)
                                  RECOLLECT_INLINE { result.part[i] = f(numbers.part[i]...); });
  return result;
}

HWY_INLINE Sixteen sixteen(float number) {
  Sixteen result;
  unrolled<Sixteen::kVectors>([&](int i) RECOLLECT_INLINE { result.part[i] = broadcast(number); });
  return result;
}
HWY_INLINE Sixteen operator+(const Sixteen& a, const Sixteen& b) {
  return map([](Vector x, Vector y) RECOLLECT_INLINE { return hn::Add(x, y); }, a, b);
}
HWY_INLINE Sixteen operator-(const Sixteen& a, const Sixteen& b) {
  return map([](Vector x, Vector y) RECOLLECT_INLINE { return hn::Sub(x, y); }, a, b);
}
HWY_INLINE Sixteen operator*(const Sixteen& a, const Sixteen& b) {
  return map([](Vector x, Vector y) RECOLLECT_INLINE { return hn::Mul(x, y); }, a, b);
}
/// a * b + c, rounded once where the processor can.
HWY_INLINE Sixteen multiply_add(const Sixteen& a, const Sixteen& b, const Sixteen& c) {
  return map([](Vector x, Vector y, Vector z) RECOLLECT_INLINE { return hn::MulAdd(x, y, z); }, a,
             b, c);
}
/// c - a * b, likewise.
HWY_INLINE Sixteen subtract_product(const Sixteen& a, const Sixteen& b, const Sixteen& c) {
  return map([](Vector x, Vector y, Vector z) RECOLLECT_INLINE { return hn::NegMulAdd(x, y, z); },
             a, b, c);
}
HWY_INLINE Sixteen max(const Sixteen& a, const Sixteen& b) {
  return map([](Vector x, Vector y) RECOLLECT_INLINE { return hn::Max(x, y); }, a, b);
}

HWY_INLINE Sixteen load16(const float* from, Whole) {
  Sixteen result;
  unrolled<Sixteen::kVectors>(
      [&](int i) RECOLLECT_INLINE { result.part[i] = load(from + i * kLanes, Whole{}); });
  return result;
}
HWY_INLINE void store16(const Sixteen& numbers, float* to, Whole) {
  unrolled<Sixteen::kVectors>(
      [&](int i) RECOLLECT_INLINE { store(numbers.part[i], to + i * kLanes, Whole{}); });
}

/// What of vector i counts where the first part.count of sixteen do.
HWY_INLINE First share(First part, int i) {
  return First{std::clamp<Index>(part.count - i * kLanes, 0, kLanes)};
}
HWY_INLINE Sixteen load16(const float* from, First part) {
  Sixteen result;
  unrolled<Sixteen::kVectors>(
      [&](int i) RECOLLECT_INLINE { result.part[i] = load(from + i * kLanes, share(part, i)); });
  return result;
}
HWY_INLINE void store16(const Sixteen& numbers, float* to, First part) {
  unrolled<Sixteen::kVectors>(
      [&](int i) RECOLLECT_INLINE { store(numbers.part[i], to + i * kLanes, share(part, i)); });
}
HWY_INLINE Sixteen keep16(const Sixteen& numbers, Whole, float /*other*/) { return numbers; }
HWY_INLINE Sixteen keep16(const Sixteen& numbers, First part, float other) {
  Sixteen result;
  unrolled<Sixteen::kVectors>([&](int i) RECOLLECT_INLINE {
    result.part[i] = keep(numbers.part[i], share(part, i), broadcast(other));
  });
  return result;
}

/// body(i, Whole or First) for the sixteens of `count` numbers.
template <class Body>
HWY_INLINE void for_each_sixteen(Index count, Body&& body) {
  Index i = 0;
  for (; i + 16 <= count; i += 16) body(i, Whole{});
  if (i < count) body(i, First{count - i});
}

/// The sixteens of a row. Where there are few of them, kCount > 0, loops over them are written out,
/// so that an array Sixteen[kHeld], indexed by the loop, stays in registers from one loop to the
/// next; a longer row, kCount = 0, has to be read from memory again.
template <int count, bool whole>
struct RowOfSixteens {
  static constexpr int kCount = count;
  static constexpr int kHeld = std::max(count, 1);

  /// body(i, column, Whole or First); i is 0 where the row is long.
  template <class Body>
  static HWY_INLINE void for_each(Index cols, Body&& body) {
    if constexpr (count == 0) {
      for_each_sixteen(cols, [&](Index c, auto part) RECOLLECT_INLINE { body(0, c, part); });
    } else {
      unrolled<count - 1>([&](int i) RECOLLECT_INLINE { body(i, Index{16} * i, Whole{}); });
      constexpr Index kLast = Index{16} * (count - 1);
      if constexpr (whole) {
        body(count - 1, kLast, Whole{});
      } else {
        body(count - 1, kLast, First{cols - kLast});
      }
    }
  }
};

/// body(RowOfSixteens) of the kind that fits a row of `cols` numbers.
template <class Body>
HWY_INLINE void with_row(Index cols, Body&& body) {
  const bool whole = cols % 16 == 0;
  switch ((cols + 15) / 16) {
    case 1:
      return whole ? body(RowOfSixteens<1, true>{}) : body(RowOfSixteens<1, false>{});
    case 2:
      return whole ? body(RowOfSixteens<2, true>{}) : body(RowOfSixteens<2, false>{});
    case 3:
      return whole ? body(RowOfSixteens<3, true>{}) : body(RowOfSixteens<3, false>{});
    case 4:
      return whole ? body(RowOfSixteens<4, true>{}) : body(RowOfSixteens<4, false>{});
    default:
      return body(RowOfSixteens<0, false>{});
  }
}

namespace detail {

template <class D, class Combine>
HWY_INLINE float folded(D, hn::Vec<D> v, Combine&& combine) {
#if HWY_TARGET != HWY_SCALAR
  if constexpr (hn::MaxLanes(D()) > 1) {
    const hn::Half<D> half;
    return folded(half, combine(hn::LowerHalf(half, v), hn::UpperHalf(half, v)), combine);
  }
#endif
  (void)combine;
  return hn::GetLane(v);
}

template <int N, class Combine>
HWY_INLINE float folded(Sixteen numbers, Combine&& combine) {
  if constexpr (N == 1) {
    return folded(Lanes(), numbers.part[0], combine);
  } else {
    unrolled<N / 2>([&](int i) RECOLLECT_INLINE {
      numbers.part[i] = combine(numbers.part[i], numbers.part[i + N / 2]);
    });
    return folded<N / 2>(numbers, combine);
  }
}

}  // namespace detail

/// Number i and number i + 8 are added, then i and i + 4, i + 2, i + 1.
HWY_INLINE float sum(const Sixteen& numbers) {
  return detail::folded<Sixteen::kVectors>(
      numbers, [](auto a, auto b) RECOLLECT_INLINE { return hn::Add(a, b); });
}
/// to[i] = sum(numbers[i]). Eight at once take a third of the steps of eight times one.
HWY_INLINE void sums(const Sixteen (&numbers)[8], float (&to)[8]) {
  // In blocks of four lanes: halves of two vectors side by side, then of those, and so on.
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  __m512 pair[4];
  for (int i = 0; i < 4; ++i) {
    const __m512 a = numbers[2 * i].part[0].raw;
    const __m512 b = numbers[2 * i + 1].part[0].raw;
    pair[i] = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
  }
  __m512 four[2];
  for (int i = 0; i < 2; ++i) {
    const __m512 a = pair[2 * i];
    const __m512 b = pair[2 * i + 1];
    four[i] = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xDD));
  }
  const __m512 eight = _mm512_add_ps(_mm512_shuffle_ps(four[0], four[1], 0x44),
                                     _mm512_shuffle_ps(four[0], four[1], 0xEE));
  const __m512 all =
      _mm512_add_ps(_mm512_shuffle_ps(eight, eight, 0x88), _mm512_shuffle_ps(eight, eight, 0xDD));
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 0, 0, 0, 0, 0, 0, 0, 0);
  _mm256_storeu_ps(to, _mm512_castps512_ps256(_mm512_permutexvar_ps(order, all)));
#elif HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  __m256 one[8];
  for (int i = 0; i < 8; ++i) {
    one[i] = _mm256_add_ps(numbers[i].part[0].raw, numbers[i].part[1].raw);
  }
  __m256 pair[4];
  for (int i = 0; i < 4; ++i) {
    const __m256 a = one[2 * i];
    const __m256 b = one[2 * i + 1];
    pair[i] = _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
  }
  __m256 four[2];
  for (int i = 0; i < 2; ++i) {
    const __m256 a = pair[2 * i];
    const __m256 b = pair[2 * i + 1];
    four[i] = _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xEE));
  }
  const __m256 all = _mm256_add_ps(_mm256_shuffle_ps(four[0], four[1], 0x88),
                                   _mm256_shuffle_ps(four[0], four[1], 0xDD));
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  _mm256_storeu_ps(to, _mm256_permutevar8x32_ps(all, order));
#else
  for (int i = 0; i < 8; ++i) to[i] = sum(numbers[i]);
#endif
}
/// to[i] += sum(numbers[i]), i < count <= 8.
HWY_INLINE void add_sums(const Sixteen (&numbers)[8], Index count, float* to) {
  float all[8];
  sums(numbers, all);
  for (Index i = 0; i < count; ++i) to[i] += all[i];
}
/// The largest; which number a NaN among them gives is not said.
HWY_INLINE float largest(const Sixteen& numbers) {
  return detail::folded<Sixteen::kVectors>(
      numbers, [](auto a, auto b) RECOLLECT_INLINE { return hn::Max(a, b); });
}

// ---- Elementary functions ----
//
// Coefficients are minimax fits to the function in question, rounded one after another. Errors are
// those that tests/unit/elementwise_test.cpp holds, in units of the last place (ulp) of the exact
// result, with fused multiply-add. NaN gives NaN.

namespace detail {

/// 2 atanh(s) for 0 <= s <= 1/3, and the negative of it for -s: the logarithm of (1 + s) / (1 - s).
HWY_INLINE Vector twice_atanh(Vector s) {
  const Vector square = hn::Mul(s, s);
  Vector p = broadcast(0.2800675F);
  p = hn::MulAdd(p, square, broadcast(0.28003028F));
  p = hn::MulAdd(p, square, broadcast(0.40021437F));
  p = hn::MulAdd(p, square, broadcast(0.6666642F));
  return hn::MulAdd(hn::Mul(p, square), s, hn::Add(s, s));
}

}  // namespace detail

/// e^x, within 1.1 ulp; 0 below -86.98, where it would be less than 1.7e-38, and +inf above 88.72.
HWY_INLINE Vector exp(Vector x) {
  // x = n ln 2 + r. Added to 1.5 * 2^23, a number is rounded to an integer, which can be read off
  // the low bits; 126 on top of it makes them the exponent of 2^(n - 1).
  const Vector shifter = broadcast(12582912.0F + 126.0F);
  const Vector shifted = hn::MulAdd(x, broadcast(1.44269504F), shifter);
  const Vector n = hn::Sub(shifted, shifter);
  Vector r = hn::NegMulAdd(n, broadcast(0.693145752F), x);  // 16 bits, so that the product is exact
  r = hn::NegMulAdd(n, broadcast(1.42860677e-6F), r);
  // 2 e^r; the factor keeps the largest results from overflowing on the way.
  const Vector r2 = hn::Mul(r, r);
  const Vector p01 = hn::MulAdd(r, broadcast(0.33333042F), broadcast(0.99999988F));
  const Vector p23 = hn::MulAdd(r, broadcast(0.01673733F), broadcast(0.083336517F));
  const Vector p24 = hn::MulAdd(r2, broadcast(0.0027642339F), p23);
  const Vector p04 = hn::MulAdd(r2, p24, p01);
  const Vector p = hn::Add(hn::MulAdd(r2, p04, hn::Add(r, r)), broadcast(2.0F));
  const hn::RebindToUnsigned<Lanes> bits;
  const Vector scale = hn::BitCast(Lanes(), hn::ShiftLeft<23>(hn::BitCast(bits, shifted)));
  const Vector inside = hn::Mul(p, scale);
  const Vector not_small = hn::IfThenZeroElse(hn::Lt(x, broadcast(-86.98F)), inside);
  return hn::IfThenElse(hn::Gt(x, broadcast(88.72284F)), hn::Inf(Lanes()), not_small);
}

/// The natural logarithm of a positive number that is not denormal, within 2 ulp; +inf of +inf.
HWY_INLINE Vector log(Vector x) {
  // x = 2^n m with m between the root of 1/2 and that of 2.
  const hn::RebindToSigned<Lanes> integers;
  const auto root = hn::Set(integers, 0x3F3504F3);
  const auto offset = hn::Sub(hn::BitCast(integers, x), root);
  const Vector n = hn::ConvertTo(Lanes(), hn::ShiftRight<23>(offset));
  const Vector m =
      hn::BitCast(Lanes(), hn::Add(hn::And(offset, hn::Set(integers, 0x007FFFFF)), root));
  const Vector one = broadcast(1.0F);
  const Vector of_m = detail::twice_atanh(hn::Div(hn::Sub(m, one), hn::Add(m, one)));
  const Vector low = hn::MulAdd(n, broadcast(1.42860677e-6F), of_m);
  const Vector finite = hn::MulAdd(n, broadcast(0.693145752F), low);
  return hn::IfThenElse(hn::Lt(x, hn::Inf(Lanes())), finite, x);
}

/// A function and its slope, which share an exponential.
struct Softplus {
  Vector value;  ///< log(1 + e^x), within 3 ulp; 0 below -86.98
  Vector slope;  ///< 1 / (1 + e^-x), within 3 ulp; 0 below -86.98
};
HWY_INLINE Softplus softplus(Vector x) {
  // log(1 + u) would lose a small u; 2 atanh(u / (2 + u)) does not.
  const Vector one = broadcast(1.0F);
  const Vector u = exp(hn::Neg(hn::Abs(x)));
  const Vector bend = detail::twice_atanh(hn::Div(u, hn::Add(u, broadcast(2.0F))));
  const auto negative = hn::Lt(x, hn::Zero(Lanes()));
  return Softplus{hn::Add(hn::IfThenZeroElse(negative, x), bend),
                  hn::Div(hn::IfThenElse(negative, u, one), hn::Add(one, u))};
}

/// 1 / (1 + e^-x), within 3 ulp; 0 below -86.98.
HWY_INLINE Vector logistic(Vector x) {
  const Vector one = broadcast(1.0F);
  const Vector u = exp(hn::Neg(hn::Abs(x)));
  return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(Lanes())), u, one), hn::Add(one, u));
}

/// The standard normal distribution.
struct Normal {
  Vector cdf;      ///< within 2.5e-7; for -13.1 < x < 0 within 3e-5 of itself, then 0
  Vector density;  ///< exp(-x^2 / 2) / sqrt(2 pi), within 5e-8
};
HWY_INLINE Normal normal(Vector x) {
  // Beyond |x| there is e^(-x^2/2) times a function that is nearly a polynomial in 1 / (1 + p|x|),
  // the idea of Abramowitz and Stegun 7.1.26 (fitted here for relative error).
  const Vector e = exp(hn::Mul(hn::Mul(x, x), broadcast(-0.5F)));
  const Vector one = broadcast(1.0F);
  const Vector t = hn::Div(one, hn::MulAdd(hn::Abs(x), broadcast(0.342F), one));
  Vector p = broadcast(0.0449410118F);
  p = hn::MulAdd(p, t, broadcast(-0.197829157F));
  p = hn::MulAdd(p, t, broadcast(0.253855556F));
  p = hn::MulAdd(p, t, broadcast(-0.0227390584F));
  p = hn::MulAdd(p, t, broadcast(0.153795362F));
  p = hn::MulAdd(p, t, broadcast(0.131205171F));
  p = hn::MulAdd(p, t, broadcast(0.136771128F));
  const Vector beyond = hn::Mul(hn::Mul(p, t), e);
  const auto negative = hn::Lt(x, hn::Zero(Lanes()));
  return Normal{hn::IfThenElse(negative, beyond, hn::Sub(one, beyond)),
                hn::Mul(e, broadcast(0.398942280F))};
}

}  // namespace recollect::simd
