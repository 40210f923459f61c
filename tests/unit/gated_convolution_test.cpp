// The gated convolution against its formula in plain loops.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/mixer_fixture.hpp"

namespace recollect {
namespace {

constexpr Index kWidth = 5;

View<const double> tensor_of(const MixerFixture<double>& fixture, const std::string& name) {
  const ParameterInfo* info = fixture.layout.find("layers.0." + name);
  REQUIRE(info != nullptr);
  return info->tensor.in(fixture.theta.data());
}

/// y_t = (w_0 u_t + w_1 u_{t-1} + w_2 u_{t-2}) (W u_t + b) + u_t
Matrix<double> expected_of(const MixerFixture<double>& fixture, const Matrix<double>& u) {
  const auto taps = tensor_of(fixture, "conv.weight");
  const auto weight = tensor_of(fixture, "in_proj.weight");
  const auto bias = tensor_of(fixture, "in_proj.bias");
  Matrix<double> y(u.rows(), kWidth);
  for (Index t = 0; t < u.rows(); ++t) {
    for (Index c = 0; c < kWidth; ++c) {
      double mixed = 0.0;
      for (Index j = 0; j < 3 && j <= t; ++j) mixed += taps(j, c) * u(t - j, c);
      double gate = bias(0, c);
      for (Index i = 0; i < kWidth; ++i) gate += weight(c, i) * u(t, i);
      y(t, c) = mixed * gate + u(t, c);
    }
  }
  return y;
}

}  // namespace

TEST_CASE("gated-convolution: it is its formula, in segments and at a few tokens too") {
  TestModel settings;
  settings.width = kWidth;
  settings.heads = 3;  // there are none: they need not divide the width
  for (const Index tokens : {1, 2, 3, 50}) {
    CAPTURE(tokens);
    const MixerFixture<double> fixture(*mixers().find("gated-convolution"), settings, tokens);
    CHECK(fixture.layout.all().size() == 3);
    const Matrix<double> u = normal_matrix<double>(11, tokens, kWidth);
    const Matrix<double> expected = expected_of(fixture, u);
    for (const Index segment : {0, 1, 2, 16}) {
      CAPTURE(segment);
      const Matrix<double> y = fixture.forward(u, fixture.all(), segment);
      CHECK((expected - y).cwiseAbs().maxCoeff() < 1e-13);
    }
    const std::vector<std::int32_t> last = {static_cast<std::int32_t>(tokens - 1)};
    const Matrix<double> y = fixture.forward(u, Queries{last, false});
    CHECK((expected.row(tokens - 1) - y.row(0)).cwiseAbs().maxCoeff() < 1e-13);
    CHECK(fixture.mixer->cost({tokens, tokens}).state == std::min<Index>(tokens, 2) * kWidth);
  }
}

TEST_CASE("gated-convolution: it starts from small weights, no bias, and taps of a third") {
  TestModel settings;
  SequenceModel<double> model = test_model<double>(settings, "gated-convolution", 20, 40, 7);
  model.initialise(3);
  const auto of = [&](const std::string& name) {
    const ParameterInfo* info = model.layout().find("layers.1." + name);
    REQUIRE(info != nullptr);
    return info->tensor.elements(model.parameters().data());
  };
  double squares = 0.0, largest = 0.0;
  for (const double value : of("in_proj.weight")) squares += value * value;
  CHECK(std::sqrt(squares / (64 * 64)) == doctest::Approx(0.02).epsilon(0.05));
  for (const double value : of("in_proj.bias")) CHECK(value == 0.0);
  for (const double value : of("conv.weight")) largest = std::max(largest, std::abs(value));
  CHECK(largest <= 1.0 / std::sqrt(3.0));
  CHECK(largest > 0.5);
  CHECK(model.layout().find("layers.0.out_proj.weight") == nullptr);
}

}  // namespace recollect
