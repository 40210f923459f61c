// The three forms of the log-linear core agree: dense, chunkwise, recurrent.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "models/linear_attention/heads.hpp"
#include "models/linear_attention/recurrent.hpp"
#include "models/linear_attention/reference.hpp"
#include "tests/contracts/expect_contract.hpp"
#include "tests/support/mixer_fixture.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {
namespace {

constexpr double kTolerance = 1e-10;

/// Largest difference over the larger of 1 and the tensor's largest magnitude; NaN if either has
/// one.
template <class Tensor>
double distance(const Tensor& expected, const Tensor& actual) {
  double magnitude = 1.0;
  double difference = 0.0;
  for (Index i = 0; i < expected.size(); ++i) {
    magnitude = std::max(magnitude, std::abs(expected.data()[i]));
    const double here = std::abs(expected.data()[i] - actual.data()[i]);
    if (std::isnan(here)) return here;
    difference = std::max(difference, here);
  }
  return difference / magnitude;
}

TEST_CASE("forms: a NaN anywhere is a distance that no bound accepts") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (Index at = 0; at < 3; ++at) {
    Eigen::VectorXd actual = Eigen::VectorXd::Ones(3);
    actual(at) = nan;
    CHECK_FALSE(distance(Eigen::VectorXd::Ones(3).eval(), actual) <= kTolerance);
  }
}

TEST_CASE("forms: dense, chunkwise and recurrent agree for every log-linear variant") {
  expect_contract("forms");
}

TEST_CASE("forms: segments hand on all that the whole sequence knows, for every variant") {
  expect_contract("segments");
}

TEST_CASE("forms: float gives what double gives, for every variant and option") {
  expect_contract("float");
}

TEST_CASE("forms: a chunk that decays by e^-200 neither overflows nor gives NaN in float") {
  expect_contract("strong decay");
}

TEST_CASE("forms: the float chunkwise form stays close to double over thousands of tokens") {
  const MixerEntry& entry = *mixers().find("adaptive-decay");
  constexpr Index kLong = 4096;
  TestModel settings;
  settings.width = 8;
  settings.form = Form::kChunkwise;
  MixerFixture<float> in_float(entry, settings, kLong);
  MixerFixture<double> in_double(entry, settings, kLong);
  in_float.set("dt_bias", -5.0);
  in_double.set("dt_bias", -5.0);
  const Matrix<float> u = normal_matrix<float>(5, kLong, 8);
  const Matrix<float> y = in_float.forward(u, in_float.all());
  const Matrix<double> exact = in_double.forward(u.cast<double>(), in_double.all());
  const double error = (exact - y.cast<double>()).cwiseAbs().maxCoeff();
  CHECK(error / exact.cwiseAbs().maxCoeff() <= 1e-5);
}

TEST_CASE("forms: at a few rows the output is that of all rows") { expect_contract("few queries"); }

TEST_CASE("forms: each gives what the definition says, number by number, for any widths") {
  for (const Index tokens : {1, 2, 15, 16, 17, 64, 100}) {
    for (const Index levels : {Index{0}, Index{3}, Index{8}}) {
      for (const bool gated : {true, false}) {
        for (const Index value_width : {1, 5, 12}) {
          CAPTURE(tokens);
          CAPTURE(levels);
          CAPTURE(gated);
          CAPTURE(value_width);
          constexpr Index kKeyWidth = 5;
          const Matrix<double> q = normal_matrix<double>(1, tokens, kKeyWidth);
          const Matrix<double> k = normal_matrix<double>(2, tokens, kKeyWidth);
          const Matrix<double> v = normal_matrix<double>(3, tokens, value_width);
          const Matrix<double> lambda = normal_matrix<double>(4, tokens, levels);
          Matrix<double> g = normal_matrix<double>(5, 1, tokens, 0.3);
          g = -g.cwiseAbs();
          const HeadInputs<double> in{read_of(q), read_of(k), read_of(v),
                                      gated ? g.data() : nullptr, read_of(lambda)};
          Matrix<double> expected(tokens, value_width);
          log_linear_reference<double>(CoreInput<double>{in.q, in.k, in.v, in.g, in.lambda},
                                       view_of(expected));
          std::vector<std::int32_t> everything(static_cast<std::size_t>(tokens));
          std::iota(everything.begin(), everything.end(), 0);
          for (const Form form : {Form::kDense, Form::kChunkwise, Form::kRecurrent}) {
            const LogLinearHeads<double> heads({1, kKeyWidth, value_width, levels, 16, form});
            Workspace<double> workspace;
            const auto carry = heads.begin({tokens, tokens, false}, workspace);
            Matrix<double> y(tokens, value_width);
            (void)heads.forward(in, Queries{everything, true}, carry, view_of(y), workspace);
            CHECK(distance(expected, y) <= kTolerance);
          }
        }
      }
    }
  }
}

TEST_CASE("forms: levels beyond the last weight read the last weight") {
  const MixerEntry& entry = *mixers().find("fixed-decay");
  TestModel settings;
  settings.width = 4;
  settings.chunk = 16;
  constexpr Index kTokens = 100;  // 8 levels
  MixerFixture<double> narrow(entry, settings, kTokens, 4);
  MixerFixture<double> wide(entry, settings, kTokens, 8);
  // The same projections; weights of levels 4..7 repeat level 3.
  for (const ParameterInfo& info : narrow.layout.all()) {
    const ParameterInfo& twin = *wide.layout.find(info.name);
    auto to = twin.tensor.in(wide.theta.data());
    const auto from = info.tensor.in(narrow.theta.data());
    for (Index c = 0; c < to.cols(); ++c) {
      copy(columns(from, std::min(c, from.cols() - 1), 1), columns(to, c, 1));
    }
  }
  const Matrix<double> u = normal_matrix<double>(31, kTokens, 4);
  for (const Form form : {Form::kDense, Form::kChunkwise, Form::kRecurrent}) {
    settings.form = form;
    MixerFixture<double> other(entry, settings, kTokens, 4);
    other.theta = narrow.theta;
    CHECK(distance(wide.forward(u, wide.all()), other.forward(u, other.all())) <= kTolerance);
  }
}

TEST_CASE("forms: the recurrent form holds one state a non-empty level and merges once a token") {
  LogLinearRecurrent<double> recurrent(3, 3);
  const std::vector<double> ones(3, 1.0);
  const std::vector<double> lambda(20, 1.0);
  std::vector<double> y(3);
  std::int64_t merges = 0;
  for (std::int64_t t = 0; t < 5000; ++t) {
    recurrent.step(ones.data(), ones.data(), ones.data(), -0.01, lambda, y.data());
    REQUIRE(recurrent.states() == occupied_levels(t + 1));
    REQUIRE(recurrent.states() <= level_count(t + 1));
    if (t > 0) merges += std::countr_zero(static_cast<std::uint64_t>(t));
    REQUIRE(recurrent.merges() == merges);
  }
  CHECK(merges < 5000);

  LogLinearRecurrent<double> flat(3, 3);
  for (int t = 0; t < 100; ++t) {
    flat.step(ones.data(), ones.data(), ones.data(), -0.01, {}, y.data());
    REQUIRE(flat.states() == 1);
  }
}

}  // namespace
}  // namespace recollect
