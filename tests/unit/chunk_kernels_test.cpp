// The vector loops of the chunkwise form against their plain twins in double.
#include "models/linear_attention/chunk_kernels.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "models/kernels/products.hpp"
#include "tests/support/random_numbers.hpp"

namespace recollect {
namespace {

constexpr double kTolerance = 2e-6;

/// The same random numbers in both precisions; rows are 3 apart from the next one's.
struct Both {
  Matrix<float> f;
  Matrix<double> d;
  Index cols;
  Both(std::uint64_t seed, Index rows, Index columns_wanted)
      : f(normal_matrix<float>(seed, rows, columns_wanted + 3)),
        d(f.cast<double>()),
        cols(columns_wanted) {}
  template <class S>
  [[nodiscard]] View<S> write() {
    if constexpr (std::is_same_v<S, float>) {
      return columns(view_of(f), 0, cols);
    } else {
      return columns(view_of(d), 0, cols);
    }
  }
  template <class S>
  [[nodiscard]] ConstView<S> read() {
    return write<S>();
  }
  void check_close() const {
    const double scale = std::max(1.0, d.cwiseAbs().maxCoeff());
    CHECK((f.cast<double>() - d).cwiseAbs().maxCoeff() <= kTolerance * scale);
  }
};

/// Running sums of negative numbers, in both precisions.
struct Sums {
  std::vector<float> f;
  std::vector<double> d;
  explicit Sums(Index count, double step) {
    float sum = 0.0F;
    for (Index t = 0; t < count; ++t) {
      sum -= static_cast<float>(step * (1.0 + 0.5 * std::sin(static_cast<double>(t))));
      f.push_back(sum);
      d.push_back(static_cast<double>(sum));
    }
  }
};

template <class Body>
void for_each_shape(Body&& body) {
  for (const Index count : {1, 5, 8, 15, 16, 17, 31, 33, 64, 100, 128}) {
    for (const Index levels : {0, 1, 3, 7, 9, 17}) {
      CAPTURE(count);
      CAPTURE(levels);
      body(count, levels);
    }
  }
}

TEST_CASE("chunk kernels: rows of weights, forward and backward, agree with their twins") {
  for_each_shape([](Index count, Index levels) {
    Both lambda(1, count, levels), scores(2, count, count), decays(3, count, count);
    Both weights(4, count, count), d_weights(5, count, count), d_lambda(6, count, levels);
    Both gate(7, 1, count);
    const auto at = [](auto& m, Index t) { return m.data() + t * m.cols(); };
    for (const bool to_the_end : {false, true}) {
      for (Index t = 0; t < count; ++t) {
        const Index end = to_the_end ? count : band_end(t, count);
        weigh_row<float>(lambda.read<float>(), t, t, end, at(scores.f, t), at(decays.f, t),
                         at(weights.f, t));
        weigh_row<double>(lambda.read<double>(), t, t, end, at(scores.d, t), at(decays.d, t),
                          at(weights.d, t));
      }
      weights.check_close();
      for (Index t = 0; t < count; ++t) {
        const Index end = to_the_end ? count : band_end(t, count);
        weigh_row_backward<float>(lambda.read<float>(), t, t, end, at(scores.f, t), at(decays.f, t),
                                  at(d_weights.f, t), at(weights.f, t), d_lambda.write<float>());
        weigh_row_backward<double>(lambda.read<double>(), t, t, end, at(scores.d, t),
                                   at(decays.d, t), at(d_weights.d, t), at(weights.d, t),
                                   d_lambda.write<double>());
        gate_gradient_row<float>(at(scores.f, t), at(d_weights.f, t), t, gate.f.data());
        gate_gradient_row<double>(at(scores.d, t), at(d_weights.d, t), t, gate.d.data());
        CHECK((weights.f.row(t).segment(t + 1, end - t - 1).array() == 0.0F).all());
        CHECK((d_weights.f.row(t).segment(t + 1, end - t - 1).array() == 0.0F).all());
      }
      weights.check_close();
      d_weights.check_close();
      d_lambda.check_close();
      gate.check_close();
    }
  });
}

TEST_CASE("chunk kernels: loops over rows agree with their twins for any shape and stride") {
  for (const Index count : {1, 7, 64}) {
    for (const Index width : {1, 3, 8, 16, 17, 40, 64, 70}) {
      CAPTURE(count);
      CAPTURE(width);
      const Sums sums(count, 0.3);
      Both a(1, count, width), b(2, count, width), c(3, count, width), e(4, count, width);
      Both d_lambda(5, count, 4);
      for (const bool accumulate : {true, false}) {
        scale_rows<float>(sums.f.data(), a.read<float>(), b.write<float>(), accumulate);
        scale_rows<double>(sums.d.data(), a.read<double>(), b.write<double>(), accumulate);
        b.check_close();
        scale_numbers<float>(-0.7F, a.f.data() + 1, c.f.data() + 1, count * width, accumulate);
        scale_numbers<double>(static_cast<double>(-0.7F), a.d.data() + 1, c.d.data() + 1,
                              count * width, accumulate);
        c.check_close();
      }
      read_backward<float>(sums.f.data(), sums.f.data(), a.read<float>(), b.read<float>(),
                           c.write<float>(), e.write<float>(), d_lambda.write<float>(), 2);
      read_backward<double>(sums.d.data(), sums.d.data(), a.read<double>(), b.read<double>(),
                            c.write<double>(), e.write<double>(), d_lambda.write<double>(), 2);
      c.check_close();
      e.check_close();
      d_lambda.check_close();

      Both gate(6, 1, count);
      gate_gradient<float>(0.5F, a.read<float>(), b.read<float>(), c.read<float>(), e.read<float>(),
                           gate.f.data());
      gate_gradient<double>(0.5, a.read<double>(), b.read<double>(), c.read<double>(),
                            e.read<double>(), gate.d.data());
      gate.check_close();
      const double exact = inner_product<double>(a.d.data(), b.d.data(), a.d.size());
      CHECK(std::abs(static_cast<double>(inner_product<float>(a.f.data(), b.f.data(), a.f.size())) -
                     exact) <= 1e-5 * (1.0 + a.d.norm() * b.d.norm()));
    }
  }
}

TEST_CASE("chunk kernels: exponentials are right to four units in the last place, tails included") {
  std::vector<float> from;
  for (int i = 0; i < 700; ++i) from.push_back(-0.123F * static_cast<float>(i));
  for (const Index count : {1, 15, 16, 33, 700}) {
    std::vector<float> to(static_cast<std::size_t>(count) + 1, 7.0F);
    exp_shifted<float>(from.data(), 1.0F, -0.5F, count, to.data());
    CHECK(to.back() == 7.0F);
    for (Index i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const double exact = std::exp(static_cast<double>(from[at] - 0.5F));
      CHECK(std::abs(static_cast<double>(to[at]) - exact) <= 5e-7 * exact + 1e-38);
    }
  }
}

}  // namespace
}  // namespace recollect
