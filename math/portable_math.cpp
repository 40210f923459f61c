#include "math/portable_math.hpp"

#include <bit>
#include <cstdint>
#include <limits>

namespace recollect::portable {
namespace {

// ln 2 in two parts. The first ends in 32 zero bits, so that its product with an exponent is exact.
constexpr double kLn2High = 0x1.62e42p-1;
constexpr double kLn2Low = 0x1.fdf473de6af28p-22;
constexpr double kInverseLn2 = 0x1.71547652b82fep+0;
constexpr double kSqrt2 = 0x1.6a09e667f3bcdp+0;
constexpr double kTwoPi = 0x1.921fb54442d18p+2;

constexpr int kMantissaBits = 52;
constexpr std::uint64_t kMantissaMask = (std::uint64_t{1} << kMantissaBits) - 1;
constexpr std::uint64_t kExponentOfOne = std::uint64_t{1023} << kMantissaBits;

double power_of_two(int exponent) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << kMantissaBits);
}

// Taylor series for |x| <= pi / 4; the first term left out is below 1e-17.
double cos_near_zero(double x) {
  const double square = x * x;
  double sum = 1.0;
  for (int n = 18; n > 0; n -= 2) sum = 1.0 - sum * square / (n * (n - 1));
  return sum;
}

double sin_near_zero(double x) {
  const double square = x * x;
  double sum = 1.0;
  for (int n = 18; n > 0; n -= 2) sum = 1.0 - sum * square / (n * (n + 1));
  return x * sum;
}

// A turn as a whole number of quarters and a rest of at most an eighth; the subtraction is exact.
struct Quarters {
  int count;
  double rest;  // in radians
};

Quarters quarters(double u) {
  const int count = static_cast<int>(4.0 * u + 0.5);
  return {count % 4, kTwoPi * (u - 0.25 * count)};
}

}  // namespace

double log(double x) noexcept {
  if (!(x < std::numeric_limits<double>::infinity())) return x;
  int exponent = 0;
  if (x < 0x1p-1022) {  // subnormal: its exponent is not in its exponent bits
    x *= 0x1p54;
    exponent = -54;
  }
  const auto bits = std::bit_cast<std::uint64_t>(x);
  exponent += static_cast<int>(bits >> kMantissaBits) - 1023;
  double mantissa = std::bit_cast<double>((bits & kMantissaMask) | kExponentOfOne);
  if (mantissa > kSqrt2) {  // around 1, so that log of numbers just below 1 cancels nothing
    mantissa *= 0.5;
    ++exponent;
  }
  // log m = 2 atanh((m - 1) / (m + 1)), and that ratio is at most 0.172.
  const double above_one = mantissa - 1.0;
  const double ratio = above_one / (2.0 + above_one);
  const double square = ratio * ratio;
  double sum = 0.0;
  for (int n = 23; n > 1; n -= 2) sum = square * (1.0 / n + sum);
  return exponent * kLn2High + (2.0 * ratio + (2.0 * ratio * sum + exponent * kLn2Low));
}

double exp(double x) noexcept {
  if (x != x) return x;
  if (x < -708.0) return 0.0;
  if (x > 709.0) return std::numeric_limits<double>::infinity();
  const double scaled = x * kInverseLn2;
  const int exponent = static_cast<int>(scaled < 0.0 ? scaled - 0.5 : scaled + 0.5);
  const double rest = (x - exponent * kLn2High) - exponent * kLn2Low;  // at most ln(2) / 2
  double sum = 1.0;
  for (int n = 15; n > 1; --n) sum = 1.0 + rest * sum / n;
  return (1.0 + rest * sum) * power_of_two(exponent);
}

double power(double x, std::uint64_t n) noexcept {
  double result = 1.0;
  for (double factor = x; n != 0; n >>= 1, factor *= factor) {
    if ((n & 1) != 0) result *= factor;
  }
  return result;
}

double cos_turn(double u) noexcept {
  const Quarters q = quarters(u);
  switch (q.count) {
    case 0:
      return cos_near_zero(q.rest);
    case 1:
      return -sin_near_zero(q.rest);
    case 2:
      return -cos_near_zero(q.rest);
    default:
      return sin_near_zero(q.rest);
  }
}

double sin_turn(double u) noexcept {
  const Quarters q = quarters(u);
  switch (q.count) {
    case 0:
      return sin_near_zero(q.rest);
    case 1:
      return cos_near_zero(q.rest);
    case 2:
      return -sin_near_zero(q.rest);
    default:
      return -cos_near_zero(q.rest);
  }
}

}  // namespace recollect::portable
