// The elementary functions on vectors against those of the mathematics library in double, and what
// is built from them against its double instantiation, which is written plainly.
#include "models/kernels/elementwise.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

#include "models/kernels/row_arithmetic.hpp"
#include "models/kernels/simd.hpp"
#include "tests/support/float_pair.hpp"
#include "tests/support/random_numbers.hpp"

namespace recollect {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kTiny = std::numeric_limits<float>::min();
constexpr float kHuge = std::numeric_limits<float>::max();

using Function = simd::Vector (*)(simd::Vector);
using Reference = double (*)(double);

/// f of numbers in a vector, each in a lane of its own.
std::vector<float> at(Function f, const std::vector<float>& numbers) {
  std::vector<float> result(numbers.size());
  simd::for_each_vector(static_cast<Index>(numbers.size()), [&](Index i, auto part) {
    simd::store(f(simd::load(numbers.data() + i, part)), result.data() + i, part);
  });
  return result;
}
float at(Function f, float number) { return at(f, std::vector<float>{number})[0]; }

simd::Vector softplus_value(simd::Vector x) { return simd::softplus(x).value; }
simd::Vector softplus_slope(simd::Vector x) { return simd::softplus(x).slope; }
simd::Vector logistic(simd::Vector x) { return simd::logistic(x); }
simd::Vector cdf(simd::Vector x) { return simd::normal(x).cdf; }
simd::Vector density(simd::Vector x) { return simd::normal(x).density; }

double softplus_exact(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }
double sigmoid_exact(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double cdf_exact(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }
double density_exact(double x) {
  return std::exp(-0.5 * x * x) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
}

/// Numbers between `from` and `to`: a grid, and every 4099th bit pattern of both signs, denormals
/// and both zeros among them.
std::vector<float> numbers_between(float from, float to) {
  std::vector<float> numbers{from, to};
  for (int i = 0; i <= 300000; ++i) {
    const double x = -110.0 + 220.0 * i / 300000.0;
    numbers.push_back(static_cast<float>(x));
    numbers.push_back(static_cast<float>(x / 32.0));
  }
  for (std::uint64_t bits = 0; bits <= 0xFFFFFFFF; bits += 4099) {
    numbers.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  }
  for (const float special : {0.0F, -0.0F, kTiny, -kTiny, 1e-45F, -1e-45F, kHuge, -kHuge}) {
    numbers.push_back(special);
  }
  std::erase_if(numbers, [&](float x) { return !(x >= from && x <= to); });
  return numbers;
}

struct Worst {
  double absolute = 0.0;
  double relative = 0.0;
  double ulp = 0.0;
};

Worst worst(Function f, Reference exact, float from, float to) {
  const std::vector<float> numbers = numbers_between(from, to);
  REQUIRE(numbers.size() > 1000);
  const std::vector<float> results = at(f, numbers);
  Worst most;
  int not_numbers = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const double right = exact(numbers[i]);
    const double error = std::fabs(results[i] - right);
    const double last_place =
        std::ldexp(1.0, std::ilogb(std::max(std::fabs(right), double{kTiny})) - 23);
    if (!std::isfinite(error)) ++not_numbers;
    most.absolute = std::max(most.absolute, error);
    most.ulp = std::max(most.ulp, error / last_place);
    if (right != 0.0) most.relative = std::max(most.relative, error / std::fabs(right));
  }
  CHECK(not_numbers == 0);
  return most;
}

TEST_CASE("elementwise: the elementary functions keep to the errors they state") {
  CHECK(worst(simd::exp, std::exp, -86.98F, 88.72283F).ulp <= 1.1);
  CHECK(worst(simd::exp, std::exp, -kHuge, -86.98F).absolute <= 1.7e-38);
  CHECK(worst(simd::log, std::log, kTiny, kHuge).ulp <= 2.0);
  CHECK(worst(softplus_value, softplus_exact, -86.98F, kHuge).ulp <= 3.0);
  CHECK(worst(softplus_value, softplus_exact, -kHuge, -86.98F).absolute <= 1.7e-38);
  CHECK(worst(softplus_slope, sigmoid_exact, -86.98F, kHuge).ulp <= 3.0);
  CHECK(worst(softplus_slope, sigmoid_exact, -kHuge, -86.98F).absolute <= 1.7e-38);
  CHECK(worst(logistic, sigmoid_exact, -86.98F, kHuge).ulp <= 3.0);
  CHECK(worst(logistic, sigmoid_exact, -kHuge, -86.98F).absolute <= 1.7e-38);
  CHECK(worst(cdf, cdf_exact, -kHuge, kHuge).absolute <= 2.5e-7);
  CHECK(worst(cdf, cdf_exact, -13.1F, 0.0F).relative <= 3e-5);
  CHECK(worst(density, density_exact, -kHuge, kHuge).absolute <= 5e-8);
}

TEST_CASE(
    "elementwise: the elementary functions at zero, beyond their range, at infinity, at NaN") {
  for (const float zero : {0.0F, -0.0F, 1e-45F, -1e-45F}) {
    CHECK(at(simd::exp, zero) == 1.0F);
    CHECK(at(softplus_slope, zero) == 0.5F);
    CHECK(at(cdf, zero) == doctest::Approx(0.5).epsilon(2.5e-7));
  }
  CHECK(at(simd::log, 1.0F) == 0.0F);
  for (const float below : {-88.0F, -104.0F, -1e5F, -kHuge, -kInfinity}) {
    CHECK(at(simd::exp, below) == 0.0F);
    CHECK(at(softplus_value, below) == 0.0F);
    CHECK(at(softplus_slope, below) == 0.0F);
    CHECK(at(cdf, below) == 0.0F);
    CHECK(at(density, below) == 0.0F);
  }
  for (const float above : {88.73F, 104.0F, 1e5F, kHuge, kInfinity}) {
    CHECK(at(simd::exp, above) == kInfinity);
    CHECK(at(softplus_value, above) == above);
    CHECK(at(softplus_slope, above) == 1.0F);
    CHECK(at(cdf, above) == 1.0F);
    CHECK(at(density, above) == 0.0F);
  }
  CHECK(at(simd::log, kInfinity) == kInfinity);
  // Quiet ones of both signs, and one whose low bits are set.
  for (const float nan : {kNan, -kNan, std::bit_cast<float>(0x7FC00001U)}) {
    for (const Function f : {Function{simd::exp}, Function{simd::log}, Function{softplus_value},
                             Function{softplus_slope}, Function{cdf}, Function{density}}) {
      CHECK(std::isnan(at(f, nan)));
    }
  }
}

TEST_CASE("elementwise: a sum along a row is sixteen partial sums, whatever a vector holds") {
  std::vector<float> numbers(16);
  fill_normal<float>(1, 1.0, numbers);
  for (Index count = 1; count <= 16; ++count) {
    float partial[16] = {};
    std::copy_n(numbers.data(), count, partial);
    for (const int half : {8, 4, 2, 1}) {
      for (int i = 0; i < half; ++i) partial[i] += partial[i + half];
    }
    CHECK(simd::sum(simd::load16(numbers.data(), simd::First{count})) == partial[0]);
    const float top = *std::max_element(numbers.begin(), numbers.begin() + count);
    CHECK(simd::largest(simd::keep16(simd::load16(numbers.data(), simd::First{count}),
                                     simd::First{count}, -kInfinity)) == top);
  }
}

template <class Check>
void for_each_shape(Check&& check) {
  for (const Index rows : {1, 2, 3, 4, 7, 8, 9, 33, 70}) {
    for (const Index cols : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 40, 64, 65, 72, 130}) {
      for (const Index gap : {0, 3}) {
        CAPTURE(rows);
        CAPTURE(cols);
        CAPTURE(gap);
        check(rows, cols, gap);
      }
    }
  }
}

TEST_CASE("elementwise: float agrees with double for any shape and stride") {
  for_each_shape([](Index rows, Index cols, Index gap) {
    const FloatPair x(1, rows, cols, gap), factor(2, rows, cols, 0), bias(3, 1, cols, 0);
    FloatPair y(4, rows, cols, gap), slope(5, rows, cols, gap);
    for (const bool biased : {false, true}) {
      const float* b = biased ? bias.read().data() : nullptr;
      const double* b_exact = biased ? bias.read_exact().data() : nullptr;
      softplus<float>(b, x.read(), y.write(), slope.write());
      softplus<double>(b_exact, x.read_exact(), y.write_exact(), slope.write_exact());
      y.check(1e-6);
      slope.check(4e-7);
      gelu<float>(b, x.read(), y.write(), slope.write());
      gelu<double>(b_exact, x.read_exact(), y.write_exact(), slope.write_exact());
      y.check(3e-6);
      slope.check(2e-6);
      softmax_rows<float>(b, x.read(), y.write());
      softmax_rows<double>(b_exact, x.read_exact(), y.write_exact());
      y.check(1e-6);
    }
    silu<float>(x.read(), y.write(), slope.write());
    silu<double>(x.read_exact(), y.write_exact(), slope.write_exact());
    y.check(2e-6);
    slope.check(2e-6);
    softmax_rows<float>(nullptr, x.read(), y.write());
    softmax_rows<double>(nullptr, x.read_exact(), y.write_exact());
    slope = FloatPair(6, rows, cols, gap);
    softmax_rows_backward<float>(y.read(), slope.write());
    softmax_rows_backward<double>(y.read_exact(), slope.write_exact());
    slope.check(4e-6);

    sigmoid<float>(2.0F, x.read(), y.write(), slope.write());
    sigmoid<double>(2.0, x.read_exact(), y.write_exact(), slope.write_exact());
    y.check(1e-6);
    slope.check(1e-6);
    silu<float>(x.read(), y.write(), slope.write());
    silu<double>(x.read_exact(), y.write_exact(), slope.write_exact());
    y.check(3e-6);
    slope.check(3e-6);

    multiply<float>(factor.read(), y.write());
    multiply<double>(factor.read_exact(), y.write_exact());
    y.check(2e-5);
    scale_columns<float>(bias.read().data(), x.read(), y.write());
    scale_columns<double>(bias.read_exact().data(), x.read_exact(), y.write_exact());
    y.check(1e-5);

    FloatPair sums(7, 1, cols, 0);
    add_column_sums<float>(x.read(), sums.write().data());
    add_column_sums<double>(x.read_exact(), sums.write_exact().data());
    sums.check(3e-5);
    add_column_sums_of_products<float>(x.read(), y.read(), sums.write().data());
    add_column_sums_of_products<double>(x.read_exact(), y.read_exact(), sums.write_exact().data());
    sums.check(3e-4);

    FloatPair row_sums(8, 1, rows, 0);
    add_row_sums<float>(x.read(), row_sums.write().data());
    add_row_sums<double>(x.read_exact(), row_sums.write_exact().data());
    row_sums.check(3e-4);
    add_row_sums_of_products<float>(x.read(), y.read(), row_sums.write().data());
    add_row_sums_of_products<double>(x.read_exact(), y.read_exact(), row_sums.write_exact().data());
    row_sums.check(3e-3);
  });
}

TEST_CASE("elementwise: several products of rows at once have the bits of one by one") {
  for (const Index n : {1, 7, 16, 17, 64, 100}) {
    for (Index count = 1; count <= kDots; ++count) {
      CAPTURE(n);
      CAPTURE(count);
      const FloatPair a(1, count, n, 3), b(2, count, n, 5);
      float dots[kDots];
      double exact[kDots];
      dots_of_rows<float>(a.read().data(), n + 3, b.read().data(), n + 5, count, n, dots);
      dots_of_rows<double>(a.read_exact().data(), a.read_exact().stride(), b.read_exact().data(),
                           b.read_exact().stride(), count, n, exact);
      for (Index r = 0; r < count; ++r) {
        CHECK(dots[r] == dot_of_rows(&a.read()(r, 0), &b.read()(r, 0), n));
        CHECK(exact[r] == dot_of_rows(&a.read_exact()(r, 0), &b.read_exact()(r, 0), n));
      }
    }
  }
}

TEST_CASE("elementwise: arithmetic on rows in float agrees with double for any length") {
  for (const Index n : {1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 64, 100}) {
    CAPTURE(n);
    const FloatPair a(1, 1, n, 3), b(2, 1, n, 3);
    const float dot = dot_of_rows(a.read().data(), b.read().data(), n);
    const double exact = dot_of_rows(a.read_exact().data(), b.read_exact().data(), n);
    CHECK(std::abs(static_cast<double>(dot) - exact) < 1e-4);
    for (const Write write : {Write::kOverwrite, Write::kAccumulate}) {
      FloatPair to(3, 1, n, 3);
      scale_row(0.7F, a.read().data(), n, to.write().data(), write);
      scale_row(static_cast<double>(0.7F), a.read_exact().data(), n, to.write_exact().data(),
                write);
      to.check(2e-6);
      multiply_rows(a.read().data(), b.read().data(), n, to.write().data(), write);
      multiply_rows(a.read_exact().data(), b.read_exact().data(), n, to.write_exact().data(),
                    write);
      to.check(2e-5);
      scale_difference(0.5F, a.read().data(), 0.25F, b.read().data(), n, to.write().data(), write);
      scale_difference(0.5, a.read_exact().data(), 0.25, b.read_exact().data(), n,
                       to.write_exact().data(), write);
      to.check(2e-5);
    }
  }
}

TEST_CASE("elementwise: softmax of far numbers is that of near ones") {
  for (const Index cols : {1, 7, 9, 16, 17, 64, 72}) {
    for (const float shift : {-200.0F, 200.0F}) {
      const Matrix<float> x = (normal_matrix<float>(1, 5, cols) * 16.0F).array().round() / 16.0F;
      const Matrix<float> far = x.array() + shift;
      Matrix<float> y(5, cols), y_far(5, cols);
      softmax_rows<float>(nullptr, read_of(x), view_of(y));
      softmax_rows<float>(nullptr, read_of(far), view_of(y_far));
      CHECK(y_far == y);
      CHECK((y.rowwise().sum().array() - 1.0F).abs().maxCoeff() <= 1e-6F);
    }
  }
}

TEST_CASE("elementwise: a number's result has the same bits wherever the number stands") {
  const Matrix<float> x = normal_matrix<float>(1, 1, 80, 3.0);
  const Matrix<float> bias = normal_matrix<float>(2, 1, 80);
  const auto alone = [&](Index i, bool biased, auto f) {
    Matrix<float> y(1, 1), slope(1, 1);
    f(biased ? bias.data() + i : nullptr, columns(read_of(x), i, 1), view_of(y), view_of(slope));
    return std::pair{y(0, 0), slope(0, 0)};
  };
  for (const auto f : {softplus<float>, gelu<float>}) {
    for (const bool biased : {false, true}) {
      for (Index length = 1; length <= 70; ++length) {
        for (const Index offset : {0, 1, 5}) {
          Matrix<float> y(1, length), slope(1, length);
          f(biased ? bias.data() + offset : nullptr, columns(read_of(x), offset, length),
            view_of(y), view_of(slope));
          for (Index i = 0; i < length; ++i) {
            CHECK(std::pair{y(0, i), slope(0, i)} == alone(offset + i, biased, f));
          }
        }
      }
    }
  }
}

TEST_CASE("elementwise: a NaN is never lost") {
  for (const Index cols : {1, 9, 16, 40}) {
    for (Index place = 0; place < cols; ++place) {
      Matrix<float> x = normal_matrix<float>(1, 3, cols);
      x(1, place) = kNan;
      Matrix<float> y(3, cols), slope(3, cols);
      softplus<float>(nullptr, read_of(x), view_of(y), view_of(slope));
      CHECK((std::isnan(y(1, place)) && std::isnan(slope(1, place))));
      gelu<float>(nullptr, read_of(x), view_of(y), view_of(slope));
      CHECK((std::isnan(y(1, place)) && std::isnan(slope(1, place))));
      silu<float>(read_of(x), view_of(y), view_of(slope));
      CHECK((std::isnan(y(1, place)) && std::isnan(slope(1, place))));
      softmax_rows<float>(nullptr, read_of(x), view_of(y));
      CHECK(y.row(1).array().isNaN().all());
      CHECK((std::isfinite(y.row(0).sum()) && std::isfinite(y.row(2).sum())));
      Matrix<float> sums = Matrix<float>::Zero(1, cols);
      add_column_sums<float>(read_of(x), sums.data());
      CHECK(std::isnan(sums(0, place)));
    }
  }
}

}  // namespace
}  // namespace recollect
