// Every hand-written backward pass against central differences, in double.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <span>
#include <vector>

#include "models/layers/convolution.hpp"
#include "models/layers/cross_entropy.hpp"
#include "models/layers/embedding.hpp"
#include "models/layers/linear.hpp"
#include "models/layers/mlp.hpp"
#include "models/layers/norm.hpp"
#include "models/layers/rms_norm.hpp"
#include "models/layers/rotary.hpp"
#include "tests/contracts/expect_contract.hpp"
#include "tests/support/random_numbers.hpp"

namespace recollect {
namespace {

constexpr double kStep = 1e-5;
constexpr double kTolerance = 1e-7;

/// Checks `analytic` against central differences of `loss` in each of `numbers`, which `loss`
/// reads.
void check_gradient(std::span<double> numbers, std::span<const double> analytic,
                    const std::function<double()>& loss) {
  REQUIRE(numbers.size() == analytic.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const double keep = numbers[i];
    numbers[i] = keep + kStep;
    const double above = loss();
    numbers[i] = keep - kStep;
    const double below = loss();
    numbers[i] = keep;
    const double numeric = (above - below) / (2.0 * kStep);
    CAPTURE(i);
    CAPTURE(numeric);
    CAPTURE(analytic[i]);
    CHECK(std::abs(analytic[i] - numeric) <= kTolerance * std::max(1.0, std::abs(numeric)));
  }
}

std::span<double> numbers_of(Matrix<double>& m) {
  return {m.data(), static_cast<std::size_t>(m.size())};
}

/// sum of w * y
double weigh(const Matrix<double>& w, const Matrix<double>& y) { return w.cwiseProduct(y).sum(); }

struct LayerCase {
  ParameterLayout layout;
  std::vector<double> theta;
  std::vector<double> gradient;
  Matrix<double> x = normal_matrix<double>(1, 9, 6);
  Matrix<double> w;
  Matrix<double> dx = Matrix<double>::Zero(9, 6);

  void ready(Index out) {
    theta.resize(static_cast<std::size_t>(layout.size()));
    fill_normal<double>(2, 0.7, theta);
    gradient.assign(theta.size(), 0.0);
    w = normal_matrix<double>(3, 9, out);
  }
  void check(const std::function<Matrix<double>()>& forward) {
    const auto loss = [&] { return weigh(w, forward()); };
    check_gradient(numbers_of(x), numbers_of(dx), loss);
    check_gradient(theta, gradient, loss);
  }
};

TEST_CASE("gradients: linear") {
  LayerCase c;
  const Linear layer{c.layout.add_matrix("w", 4, 6, Fill::kNormal, 1.0)};
  c.ready(4);
  layer.backward<double>(c.theta.data(), c.gradient.data(), read_of(c.x), read_of(c.w),
                         view_of(c.dx), Write::kOverwrite);
  c.check([&] {
    Matrix<double> y(9, 4);
    layer.forward<double>(c.theta.data(), read_of(c.x), view_of(y));
    return y;
  });
}

TEST_CASE("gradients: layer norm") {
  LayerCase c;
  const LayerNorm layer{c.layout.add_vector("w", 6, Fill::kConstant, 1.0),
                        c.layout.add_vector("b", 6, Fill::kConstant, 0.0)};
  c.ready(6);
  Matrix<double> normal(9, 6);
  std::vector<double> inverse_sd(9);
  const auto forward = [&] {
    Matrix<double> y(9, 6);
    layer.forward<double>(c.theta.data(), read_of(c.x), view_of(normal), inverse_sd.data(),
                          view_of(y));
    return y;
  };
  (void)forward();
  layer.backward<double>(c.theta.data(), c.gradient.data(), read_of(normal), inverse_sd.data(),
                         read_of(c.w), view_of(c.dx));
  c.check(forward);
}

TEST_CASE("gradients: the norm by the root mean square") {
  LayerCase c;
  const RmsNorm layer{c.layout.add_vector("w", 6, Fill::kConstant, 1.0)};
  c.ready(6);
  Matrix<double> normal(9, 6);
  std::vector<double> inverse(9);
  const auto forward = [&] {
    Matrix<double> y(9, 6);
    layer.forward<double>(c.theta.data(), read_of(c.x), view_of(normal), inverse.data(),
                          view_of(y));
    return y;
  };
  (void)forward();
  layer.backward<double>(c.theta.data(), c.gradient.data(), read_of(normal), inverse.data(),
                         read_of(c.w), view_of(c.dx));
  c.check(forward);
}

TEST_CASE("gradients: short convolution, also with more taps than tokens") {
  for (const Index taps : {1, 3, 12}) {
    CAPTURE(taps);
    LayerCase c;
    const ShortConvolution layer{c.layout.add_matrix("w", taps, 6, Fill::kNormal, 1.0)};
    c.ready(6);
    layer.backward<double>(c.theta.data(), c.gradient.data(), read_of(c.x), read_of(c.w),
                           view_of(c.dx));
    c.check([&] {
      Matrix<double> y(9, 6);
      layer.forward<double>(c.theta.data(), read_of(c.x), view_of(y));
      return y;
    });
  }
}

void check_mlp(bool gated) {
  CAPTURE(gated);
  LayerCase c;
  Mlp layer{Linear{c.layout.add_matrix("w1", 5, 6, Fill::kNormal, 1.0)},
            Linear{c.layout.add_matrix("w2", 6, 5, Fill::kNormal, 1.0)},
            {}};
  if (gated) layer.gate = Linear{c.layout.add_matrix("w3", 5, 6, Fill::kNormal, 1.0)};
  c.ready(6);
  Workspace<double> workspace;
  Matrix<double> y(9, 6);
  const auto tape = layer.forward<double>(c.theta.data(), read_of(c.x), view_of(y), workspace);
  layer.backward<double>(c.theta.data(), c.gradient.data(), read_of(c.x), tape, read_of(c.w),
                         view_of(c.dx), Write::kAccumulate, workspace);
  c.check([&] {
    Workspace<double> room;
    Matrix<double> again(9, 6);
    (void)layer.forward<double>(c.theta.data(), read_of(c.x), view_of(again), room);
    return again;
  });
}

TEST_CASE("gradients: MLP block, with GELU and with SwiGLU") {
  check_mlp(false);
  check_mlp(true);
}

TEST_CASE("gradients: embedding and learned positions") {
  LayerCase c;
  const Embedding embedding{c.layout.add_matrix("e", 4, 6, Fill::kNormal, 1.0)};
  const Positions positions{c.layout.add_matrix("p", 12, 6, Fill::kNormal, 1.0)};
  c.ready(6);
  const std::vector<std::int32_t> ids = {0, 3, 3, 1, 0, 2, 3, 3, 1};
  embedding.backward<double>(c.gradient.data(), ids, read_of(c.w));
  positions.backward<double>(c.gradient.data(), read_of(c.w), 0);
  check_gradient(c.theta, c.gradient, [&] {
    Matrix<double> y(9, 6);
    embedding.forward<double>(c.theta.data(), ids, view_of(y));
    positions.forward<double>(c.theta.data(), view_of(y), 0);
    return weigh(c.w, y);
  });
}

TEST_CASE("gradients: rotary positions turn back by the same angles") {
  Rotary<double> rotary(4);
  rotary.prepare(300);
  const std::vector<std::int32_t> positions = {0, 1, 17, 255, 299};
  Matrix<double> x = normal_matrix<double>(1, 5, 8);
  const Matrix<double> w = normal_matrix<double>(2, 5, 8);
  Matrix<double> dx = w;
  rotary.rotate(positions, view_of(dx), true);
  check_gradient(numbers_of(x), numbers_of(dx), [&] {
    Matrix<double> y = x;
    rotary.rotate(positions, view_of(y), false);
    return weigh(w, y);
  });
}

TEST_CASE("gradients: cross-entropy") {
  Matrix<double> logits = normal_matrix<double>(1, 5, 7, 2.0);
  const std::vector<std::int32_t> labels = {0, 6, 3, 3, 1};
  Matrix<double> gradient = logits;
  (void)cross_entropy<double>(labels, 0.3, view_of(gradient));
  check_gradient(numbers_of(logits), numbers_of(gradient), [&] {
    Matrix<double> copy = logits;
    return 0.3 * cross_entropy<double>(labels, 0.0, view_of(copy)).loss;
  });
}

TEST_CASE("gradients: every variant with every option, through the whole model") {
  expect_contract("gradients");
}

TEST_CASE("gradients: every mixer with respect to its input, at all rows and at a few") {
  expect_contract("input gradients");
}

}  // namespace
}  // namespace recollect
