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

Eigen::Map<const Eigen::VectorXd> vector_of(const std::vector<double>& numbers) {
  return {numbers.data(), static_cast<Index>(numbers.size())};
}

struct Decay {
  const char* name;
  double total;  ///< of the logarithm of the decay over one chunk
};
const std::vector<Decay> kDecays = {{"weak", -0.064}, {"strong", -200.0}};
const std::vector<Index> kLengths = {1, 2, 3, 5, 31, 63, 64, 65, 127, 200, 1000};

/// A gate whose decay over `per` tokens is close to exp(total), with some dependence on the input.
void set_decay(MixerFixture<double>& fixture, const Decay& decay, double per) {
  const double step = -decay.total / per;
  fixture.set("A_log", 0.0);
  fixture.set("dt_bias", step > 30 ? step : std::log(std::expm1(step)));
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
  for (const MixerEntry& entry : mixers()) {
    if (entry.name == "full-quadratic") continue;
    for (const std::int64_t heads : {1, 3}) {
      for (const Decay& decay : kDecays) {
        for (const Index length : kLengths) {
          CAPTURE(entry.name);
          CAPTURE(heads);
          CAPTURE(decay.name);
          CAPTURE(length);
          TestModel settings;
          settings.width = 6;
          settings.heads = heads;
          settings.lambda_hidden = 5;
          const Matrix<double> u = normal_matrix<double>(11, length, 6);
          const Matrix<double> w = normal_matrix<double>(12, length, 6);
          const auto with = [&](Form form, std::int64_t chunk) {
            settings.form = form;
            settings.chunk = chunk;
            MixerFixture<double> fixture(entry, settings, length);
            set_decay(fixture, decay, static_cast<double>(chunk));
            return fixture;
          };
          for (const std::int64_t chunk : {16, 32, 64}) {
            CAPTURE(chunk);
            const MixerFixture<double> dense = with(Form::kDense, chunk);
            const auto expected = dense.gradients(u, dense.all(), w);
            REQUIRE(expected.y.allFinite());
            const MixerFixture<double> chunkwise = with(Form::kChunkwise, chunk);
            const auto actual = chunkwise.gradients(u, chunkwise.all(), w);
            CHECK(distance(expected.y, actual.y) <= kTolerance);
            CHECK(distance(expected.du, actual.du) <= kTolerance);
            for (const ParameterInfo& info : chunkwise.layout.all()) {
              CAPTURE(info.name);
              const Index begin = info.tensor.offset;
              const Index size = info.tensor.size();
              CHECK(distance(vector_of(expected.theta).segment(begin, size).eval(),
                             vector_of(actual.theta).segment(begin, size).eval()) <= kTolerance);
            }
            const MixerFixture<double> recurrent = with(Form::kRecurrent, chunk);
            CHECK(distance(expected.y, recurrent.forward(u, recurrent.all())) <= kTolerance);
          }
        }
      }
    }
  }
}

TEST_CASE("forms: segments hand on all that the whole sequence knows, for every variant") {
  for (const MixerEntry& entry : mixers()) {
    for (const bool rope : {false, true}) {
      for (const Index length : {1, 31, 33, 64, 100, 300}) {
        CAPTURE(entry.name);
        CAPTURE(rope);
        CAPTURE(length);
        TestModel settings;
        settings.width = 8;
        settings.heads = 2;
        settings.chunk = 16;
        if (rope) settings.position = Position::kRope;
        settings.form = Form::kChunkwise;
        const MixerFixture<double> fixture(entry, settings, length);
        const Matrix<double> u = normal_matrix<double>(11, length, 8);
        const Matrix<double> w = normal_matrix<double>(12, length, 8);
        const auto expected = fixture.gradients(u, fixture.all(), w);
        for (const Index segment : {16, 32, 48, 256}) {
          CAPTURE(segment);
          CHECK(distance(expected.y, fixture.forward(u, fixture.all(), segment)) <= kTolerance);
          const auto actual = fixture.gradients(u, fixture.all(), w, segment);
          CHECK(distance(expected.y, actual.y) <= kTolerance);
          CHECK(distance(expected.du, actual.du) <= kTolerance);
          CHECK(distance(vector_of(expected.theta), vector_of(actual.theta)) <= kTolerance);
        }
      }
    }
  }
}

TEST_CASE("forms: a chunk that decays by e^-200 neither overflows nor gives NaN in float") {
  for (const MixerEntry& entry : mixers()) {
    if (entry.name == "full-quadratic") continue;
    for (const std::int64_t chunk : {16, 64}) {
      CAPTURE(entry.name);
      CAPTURE(chunk);
      TestModel settings;
      settings.width = 8;
      settings.chunk = chunk;
      settings.form = Form::kChunkwise;
      MixerFixture<float> fixture(entry, settings, 200);
      fixture.set("A_log", 0.0);
      fixture.set("dt_bias", 200.0 / static_cast<double>(chunk));
      const Matrix<float> u = normal_matrix<float>(3, 200, 8);
      const Matrix<float> w = normal_matrix<float>(4, 200, 8);
      const auto out = fixture.gradients(u, fixture.all(), w);
      CHECK(out.y.allFinite());
      CHECK(out.du.allFinite());
      CHECK(std::all_of(out.theta.begin(), out.theta.end(),
                        [](float value) { return std::isfinite(value); }));
    }
  }
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

TEST_CASE("forms: at a few rows the output is that of all rows") {
  for (const MixerEntry& entry : mixers()) {
    for (const Form form : {Form::kFastest, Form::kDense, Form::kChunkwise}) {
      CAPTURE(entry.name);
      CAPTURE(static_cast<int>(form));
      TestModel settings;
      settings.width = 6;
      settings.heads = 3;
      settings.chunk = 16;
      settings.form = form;
      constexpr Index kTokens = 70;
      const MixerFixture<double> fixture(entry, settings, kTokens);
      const std::vector<std::int32_t> some = {0, 3, 15, 16, 40, 41, 69};
      const Queries rows{some, false};
      const Matrix<double> u = normal_matrix<double>(21, kTokens, 6);
      const Matrix<double> w = normal_matrix<double>(22, rows.count(), 6);
      Matrix<double> wide = Matrix<double>::Zero(kTokens, 6);
      for (Index r = 0; r < rows.count(); ++r)
        wide.row(some[static_cast<std::size_t>(r)]) = w.row(r);

      const auto at_rows = fixture.gradients(u, rows, w);
      const auto everywhere = fixture.gradients(u, fixture.all(), wide);
      for (Index r = 0; r < rows.count(); ++r) {
        CHECK(distance(everywhere.y.row(some[static_cast<std::size_t>(r)]).eval(),
                       at_rows.y.row(r).eval()) <= kTolerance);
      }
      CHECK(distance(everywhere.du, at_rows.du) <= kTolerance);
      CHECK(distance(vector_of(everywhere.theta), vector_of(at_rows.theta)) <= kTolerance);
    }
  }
}

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
