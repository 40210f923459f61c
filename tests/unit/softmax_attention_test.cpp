// Softmax attention in float, with vectors and triangular tiles, against its plain double
// instantiation.
#include "models/attention/softmax_attention.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "models/kernels/products.hpp"
#include "tests/support/float_pair.hpp"
#include "tests/support/random_numbers.hpp"

namespace recollect {
namespace {

std::vector<std::int32_t> consecutive(Index first, Index count) {
  std::vector<std::int32_t> positions(static_cast<std::size_t>(count));
  std::iota(positions.begin(), positions.end(), static_cast<std::int32_t>(first));
  return positions;
}

/// What a workspace hands out first will be NaN: memory is as bad as it can be.
template <class S>
void spoil(Workspace<S>& workspace) {
  const typename Workspace<S>::Scope scope(workspace);
  std::fill_n(workspace.take(1 << 14), 1 << 14, std::numeric_limits<S>::quiet_NaN());
}

/// Both instantiations, forwards and backwards, at `rows` of a sequence of `tokens` tokens.
void check(const Queries& rows, Index tokens, Index width, Index gap, double spread,
           const VisibleKeys& visible = {}) {
  CAPTURE(tokens);
  CAPTURE(width);
  CAPTURE(gap);
  CAPTURE(rows.count());
  CAPTURE(rows.positions.front());
  CAPTURE(visible.window);
  CAPTURE(visible.first);
  constexpr float kScale = 0.375F;
  const Index count = rows.count();
  const FloatPair q(1, count, width, gap, spread), k(2, tokens, width, gap, spread);
  const FloatPair v(3, tokens, width, gap, 1.0), dy(4, count, width, gap, 1.0);
  FloatPair y(5, count, width, gap), log_sum(6, 1, count, 0);
  Workspace<float> workspace;
  Workspace<double> exact_workspace;
  spoil(workspace);
  SoftmaxAttention<float>::forward(q.read(), k.read(), v.read(), rows, kScale, y.write(),
                                   log_sum.write().data(), workspace, visible);
  SoftmaxAttention<double>::forward(q.read_exact(), k.read_exact(), v.read_exact(), rows,
                                    double{kScale}, y.write_exact(), log_sum.write_exact().data(),
                                    exact_workspace, visible);
  const double tolerance = 1e-5 * (1.0 + spread * spread);
  y.check(tolerance);
  log_sum.check(tolerance);

  spoil(workspace);
  FloatPair dq(7, count, width, gap), dk(8, tokens, width, gap), dv(9, tokens, width, gap);
  SoftmaxAttention<float>::backward(q.read(), k.read(), v.read(), rows, kScale, y.read(),
                                    log_sum.read().data(), dy.read(), dq.write(), dk.write(),
                                    dv.write(), workspace, visible);
  SoftmaxAttention<double>::backward(q.read_exact(), k.read_exact(), v.read_exact(), rows,
                                     double{kScale}, y.read_exact(), log_sum.read_exact().data(),
                                     dy.read_exact(), dq.write_exact(), dk.write_exact(),
                                     dv.write_exact(), exact_workspace, visible);
  const double looser = tolerance * (4.0 + static_cast<double>(width));
  dq.check(looser);
  dk.check(looser);
  dv.check(looser);
}

TEST_CASE("softmax attention: float agrees with double for any length and width") {
  for (const Index tokens : {1, 2, 3, 15, 16, 17, 31, 48, 63, 64, 65, 70, 128, 131, 200}) {
    for (const Index width : {1, 3, 8, 17, 64, 72}) {
      const std::vector<std::int32_t> positions = consecutive(0, tokens);
      check(Queries{positions, true}, tokens, width, 0, 1.0);
      check(Queries{positions, true}, tokens, width, 5, 1.0);
    }
  }
}

TEST_CASE("softmax attention: float agrees with double for a segment after others") {
  for (const Index first : {1, 16, 63, 64, 65, 100, 128}) {
    for (const Index count : {1, 5, 16, 64, 70, 129}) {
      const std::vector<std::int32_t> positions = consecutive(first, count);
      check(Queries{positions, true}, first + count, 8, 2, 1.0);
    }
  }
}

TEST_CASE("softmax attention: float agrees with double where few rows are read") {
  const std::vector<std::vector<std::int32_t>> some{
      {0}, {129}, {0, 1, 2, 70}, {5, 63, 64, 65, 130}, {64}, {127, 128}, consecutive(40, 90)};
  for (const auto& positions : some) {
    for (const Index width : {1, 8, 17, 64}) {
      check(Queries{positions, false}, 131, width, 3, 1.0);
    }
  }
}

TEST_CASE("softmax attention: float agrees with double through a window of any length") {
  for (const Index window : {1, 2, 5, 16, 63, 64, 65, 100, 131, 500}) {
    for (const Index tokens : {1, 17, 64, 131, 200}) {
      const std::vector<std::int32_t> positions = consecutive(0, tokens);
      check(Queries{positions, true}, tokens, 8, 3, 1.0, {0, window});
    }
    // A segment after others, of whose keys those that its tokens see are there alone.
    for (const Index first : {16, 64, 100, 700}) {
      for (const Index count : {1, 16, 70, 129}) {
        const Index before = std::min(first, window - 1);
        const std::vector<std::int32_t> positions = consecutive(first, count);
        check(Queries{positions, true}, before + count, 17, 0, 1.0, {first - before, window});
      }
    }
    const std::vector<std::vector<std::int32_t>> some{
        {0}, {129}, {0, 1, 2, 70}, {5, 63, 64, 65, 130}, {64}, {127, 128}, consecutive(40, 90)};
    for (const auto& positions : some) {
      check(Queries{positions, false}, 131, 8, 3, 1.0, {0, window});
    }
  }
}

TEST_CASE("softmax attention: a token sees the last keys of its window, as plain loops have it") {
  constexpr Index kTokens = 150;
  const std::vector<std::int32_t> positions = consecutive(0, kTokens);
  const Matrix<double> q = normal_matrix<double>(1, kTokens, 3);
  const Matrix<double> k = normal_matrix<double>(2, kTokens, 3);
  const Matrix<double> v = normal_matrix<double>(3, kTokens, 2);
  for (const Index window : {0, 1, 7, 64, 70, 149, 150, 151}) {
    CAPTURE(window);
    Matrix<double> y(kTokens, 2);
    std::vector<double> log_sum(kTokens);
    Workspace<double> workspace;
    SoftmaxAttention<double>::forward(read_of(q), read_of(k), read_of(v), {positions, true}, 0.5,
                                      view_of(y), log_sum.data(), workspace, {0, window});
    for (Index t = 0; t < kTokens; ++t) {
      double sum = 0.0;
      Eigen::RowVector2d expected = Eigen::RowVector2d::Zero();
      for (Index s = window == 0 ? 0 : std::max<Index>(0, t - window + 1); s <= t; ++s) {
        const double weight = std::exp(0.5 * q.row(t).dot(k.row(s)));
        sum += weight;
        expected += weight * v.row(s);
      }
      CHECK((y.row(t) - expected / sum).cwiseAbs().maxCoeff() < 1e-13);
    }
  }
}

TEST_CASE("softmax attention: scores that would overflow an exponential are no trouble") {
  const std::vector<std::int32_t> positions = consecutive(0, 150);
  check(Queries{positions, true}, 150, 16, 0, 8.0);  // up to about 400 in size
}

TEST_CASE("softmax attention: no NaN is lost, and none is seen before its time") {
  constexpr Index kTokens = 140;
  const std::vector<std::int32_t> positions = consecutive(0, kTokens);
  const Queries all{positions, true};
  const Matrix<float> q = normal_matrix<float>(1, kTokens, 8);
  const Matrix<float> dy = normal_matrix<float>(4, kTokens, 8);
  for (const Index place : {0, 7, 16, 63, 64, 100, 139}) {
    for (const bool in_key : {true, false}) {
      CAPTURE(place);
      CAPTURE(in_key);
      Matrix<float> k = normal_matrix<float>(2, kTokens, 8);
      Matrix<float> v = normal_matrix<float>(3, kTokens, 8);
      (in_key ? k : v).row(place).setConstant(std::numeric_limits<float>::quiet_NaN());
      Matrix<float> y(kTokens, 8), dq(kTokens, 8);
      Matrix<float> dk = Matrix<float>::Zero(kTokens, 8), dv = dk;
      std::vector<float> log_sum(kTokens);
      Workspace<float> workspace;
      SoftmaxAttention<float>::forward(read_of(q), read_of(k), read_of(v), all, 0.5F, view_of(y),
                                       log_sum.data(), workspace);
      SoftmaxAttention<float>::backward(read_of(q), read_of(k), read_of(v), all, 0.5F, read_of(y),
                                        log_sum.data(), read_of(dy), view_of(dq), view_of(dk),
                                        view_of(dv), workspace);
      for (Index t = 0; t < kTokens; ++t) {
        if (t >= place) {
          CHECK((y.row(t).array().isNaN().all() && dq.row(t).array().isNaN().all()));
          CHECK(std::isnan(log_sum[static_cast<std::size_t>(t)]) == in_key);
        } else if (t < place / kBand * kBand) {  // a band of rows is multiplied as one
          CHECK((std::isfinite(y.row(t).sum()) && std::isfinite(dq.row(t).sum())));
          CHECK(std::isfinite(log_sum[static_cast<std::size_t>(t)]));
        }
      }
    }
  }
}

}  // namespace
}  // namespace recollect
