// The log-linear core by token id against the dense form, which reads one row a token.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "math/fenwick.hpp"
#include "math/rng.hpp"
#include "models/linear_attention/core.hpp"
#include "models/sequence_model.hpp"
#include "models/shortcuts/by_id.hpp"
#include "tests/support/random_numbers.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {
namespace {

constexpr Index kHead = 6;   // d
constexpr Index kWidth = 9;  // D

/// Queries of the vocabulary, an output projection, and a sequence of ids.
struct Problem {
  std::vector<std::int32_t> ids;
  Matrix<double> q;    // (V, d)
  Matrix<double> k;    // (V, d)
  Matrix<double> v;    // (V, d)
  Matrix<double> out;  // (D, d)
  std::vector<double> g;
  Matrix<double> lambda;  // (V, L)
  Matrix<double> dz;      // (T, D)

  Problem(Index tokens, Index vocab, Index levels, bool decays)
      : q(normal_matrix<double>(1, vocab, kHead)),
        k(normal_matrix<double>(2, vocab, kHead)),
        v(normal_matrix<double>(3, vocab, kHead)),
        out(normal_matrix<double>(4, kWidth, kHead)),
        lambda(normal_matrix<double>(5, vocab, levels)),
        dz(normal_matrix<double>(6, tokens, kWidth)) {
    Rng rng(7, Stream::kInit, 0);
    for (Index t = 0; t < tokens; ++t) {
      // New ids keep coming: what a token has not yet seen must not count.
      const auto until = static_cast<std::uint32_t>(std::min(vocab, 1 + t * vocab / tokens));
      ids.push_back(static_cast<std::int32_t>(rng.below(until)));
    }
    for (Index id = 0; decays && id < vocab; ++id) g.push_back(-0.2 * rng.uniform());
  }
};

/// What both forms give, by row of the vocabulary.
struct Outcome {
  Matrix<double> z;   // (T, D)
  Matrix<double> dq;  // (V, d), as the next two
  Matrix<double> dk;
  Matrix<double> dv;
  Matrix<double> d_out;
  std::vector<double> dg;
  Matrix<double> d_lambda;
};

Outcome dense(const Problem& problem) {
  const auto tokens = static_cast<Index>(problem.ids.size());
  const Index vocab = problem.q.rows();
  const auto picked = [&](const Matrix<double>& table) {
    Matrix<double> rows(tokens, table.cols());
    for (Index t = 0; t < tokens; ++t) rows.row(t) = table.row(problem.ids[t]);
    return rows;
  };
  const Matrix<double> q = picked(problem.q);
  const Matrix<double> k = picked(problem.k);
  const Matrix<double> v = picked(problem.v);
  const Matrix<double> lambda = picked(problem.lambda);
  std::vector<double> g;
  for (const std::int32_t id : problem.ids) {
    if (!problem.g.empty()) g.push_back(problem.g[static_cast<std::size_t>(id)]);
  }
  std::vector<std::int32_t> positions(problem.ids.size());
  std::iota(positions.begin(), positions.end(), 0);
  const Queries rows{positions, true};
  const CoreInput<double> in{view_of(q), view_of(k), view_of(v), g.empty() ? nullptr : g.data(),
                             view_of(lambda)};
  Workspace<double> workspace;
  Matrix<double> y(tokens, kHead);
  const auto tape = LogLinearDense<double>::forward(in, rows, true, view_of(y), workspace);
  const Matrix<double> dy = problem.dz * problem.out;
  Matrix<double> dq(tokens, kHead);
  Matrix<double> dk(tokens, kHead);
  Matrix<double> dv(tokens, kHead);
  Matrix<double> d_lambda(tokens, lambda.cols());
  std::vector<double> dg(problem.ids.size());
  LogLinearDense<double>::backward(
      in, rows, tape, view_of(dy),
      CoreGradient<double>{view_of(dq), view_of(dk), view_of(dv), view_of(d_lambda),
                           g.empty() ? nullptr : dg.data()},
      workspace);
  const auto by_id = [&](const Matrix<double>& per_token) {
    Matrix<double> sums = Matrix<double>::Zero(vocab, per_token.cols());
    for (Index t = 0; t < tokens; ++t) sums.row(problem.ids[t]) += per_token.row(t);
    return sums;
  };
  Outcome result{y * problem.out.transpose(), by_id(dq), by_id(dk),      by_id(dv),
                 problem.dz.transpose() * y,  {},        by_id(d_lambda)};
  result.dg.assign(problem.g.size(), 0.0);
  for (std::size_t t = 0; t < g.size(); ++t) {
    result.dg[static_cast<std::size_t>(problem.ids[t])] += dg[t];
  }
  return result;
}

template <class S>
Outcome by_id(const Problem& problem, Index segment, bool backward = true) {
  const auto tokens = static_cast<Index>(problem.ids.size());
  const Index vocab = problem.q.rows();
  const Matrix<S> scores = (problem.q * problem.k.transpose()).template cast<S>();
  const Matrix<S> values = (problem.v * problem.out.transpose()).template cast<S>();
  const Matrix<S> lambda = problem.lambda.cast<S>();
  const Matrix<S> dz = problem.dz.cast<S>();
  const std::vector<S> g(problem.g.begin(), problem.g.end());
  using ById = LogLinearById<S>;
  const typename ById::Table table{view_of(scores), view_of(values), g.empty() ? nullptr : g.data(),
                                   view_of(lambda)};
  Matrix<S> d_scores = Matrix<S>::Zero(vocab, vocab);
  Matrix<S> d_values = Matrix<S>::Zero(vocab, kWidth);
  Matrix<S> d_lambda = Matrix<S>::Zero(vocab, lambda.cols());
  std::vector<S> dg(g.size(), S(0));
  const typename ById::TableGradient gradient{view_of(d_scores), view_of(d_values),
                                              g.empty() ? nullptr : dg.data(), view_of(d_lambda)};
  Workspace<S> workspace;
  const auto sequence =
      ById::begin(ById::number(problem.ids, vocab, workspace), table, backward, workspace);
  Matrix<S> z(tokens, kWidth);
  std::vector<typename ById::Tape> tapes;
  const auto ids_of = [&](Index first) {
    return std::span<const std::int32_t>(problem.ids)
        .subspan(static_cast<std::size_t>(first),
                 static_cast<std::size_t>(std::min(segment, tokens - first)));
  };
  const auto part = [&](const auto& m, Index first) {
    return rows(m, first, std::min(segment, tokens - first));
  };
  for (Index first = 0; first < tokens; first += segment) {
    tapes.push_back(ById::forward(sequence, first, ids_of(first), part(view_of(z), first),
                                  Write::kOverwrite, workspace));
  }
  Outcome result{z.template cast<double>(), {}, {}, {}, {}, {}, {}};
  if (!backward) return result;
  for (Index first = (tokens - 1) / segment * segment; first >= 0; first -= segment) {
    ById::backward(sequence, first, ids_of(first), tapes.back(), part(read_of(dz), first), gradient,
                   workspace);
    tapes.pop_back();
  }
  ById::end(sequence, gradient);
  const Matrix<double> da = d_scores.template cast<double>();
  const Matrix<double> db = d_values.template cast<double>();
  result.dq = da * problem.k;
  result.dk = da.transpose() * problem.q;
  result.dv = db * problem.out;
  result.d_out = db.transpose() * problem.v;
  result.dg.assign(dg.begin(), dg.end());
  result.d_lambda = d_lambda.template cast<double>();
  return result;
}

double distance(const double* expected, const double* actual, Index count) {
  double scale = 1.0;
  double most = 0.0;
  for (Index i = 0; i < count; ++i) {
    scale = std::max(scale, std::abs(expected[i]));
    const double here = std::abs(expected[i] - actual[i]);
    if (!(here <= most)) most = here;  // a NaN stays
  }
  return most / scale;
}
double distance(const Matrix<double>& expected, const Matrix<double>& actual) {
  REQUIRE(expected.size() == actual.size());
  return distance(expected.data(), actual.data(), expected.size());
}

void check(const Outcome& expected, const Outcome& actual, double tolerance) {
  CHECK(distance(expected.z, actual.z) <= tolerance);
  CHECK(distance(expected.dq, actual.dq) <= tolerance);
  CHECK(distance(expected.dk, actual.dk) <= tolerance);
  CHECK(distance(expected.dv, actual.dv) <= tolerance);
  CHECK(distance(expected.d_out, actual.d_out) <= tolerance);
  CHECK(distance(expected.d_lambda, actual.d_lambda) <= tolerance);
  REQUIRE(expected.dg.size() == actual.dg.size());
  CHECK(distance(expected.dg.data(), actual.dg.data(), static_cast<Index>(actual.dg.size())) <=
        tolerance);
}

TEST_CASE("by id: output and gradients are the dense form's, whatever length, vocabulary, levels") {
  for (const Index tokens : {1, 2, 15, 16, 17, 63, 64, 65, 200, 300}) {
    for (const Index vocab : {1, 5, 16, 17, 90}) {
      for (const Index levels : {0, 1, 3, level_count(tokens)}) {
        for (const bool decays : {false, true}) {
          CAPTURE(tokens);
          CAPTURE(vocab);
          CAPTURE(levels);
          CAPTURE(decays);
          const Problem problem(tokens, vocab, levels, decays);
          const Outcome expected = dense(problem);
          check(expected, by_id<double>(problem, tokens), 1e-11);
          check(expected, by_id<float>(problem, tokens), 2e-4);
        }
      }
    }
  }
}

TEST_CASE("by id: segments give the bits of the whole sequence, a forward pass those of training") {
  for (const Index tokens : {130, 257}) {
    for (const Index levels : {0, 4, 9}) {
      CAPTURE(tokens);
      CAPTURE(levels);
      const Problem problem(tokens, 40, levels, true);
      const Outcome whole = by_id<float>(problem, tokens);
      const Outcome parts = by_id<float>(problem, 64);
      CHECK(whole.z == parts.z);
      CHECK(whole.dq == parts.dq);
      CHECK(whole.dv == parts.dv);
      CHECK(whole.d_lambda == parts.d_lambda);
      CHECK(whole.dg == parts.dg);
      CHECK(whole.z == by_id<float>(problem, 64, false).z);
    }
  }
}

TEST_CASE(
    "by id: a first layer takes it where the vocabulary is small and nothing tells tokens apart") {
  const auto sizes = [](auto&& change, std::int64_t vocab = 128) {
    TestModel settings;
    change(settings);
    const SequenceModel<float> model =
        test_model<float>(settings, "adaptive-decay", vocab, 64, 7, false);
    return model.gradient_size(1'000'000) - static_cast<std::size_t>(model.layout().size());
  };
  const auto by_id = [](std::size_t vocab, std::size_t heads) {
    return vocab * (heads * (vocab + 64) + heads + heads * 7);
  };
  const auto by_row = [](std::size_t vocab, std::size_t heads) {
    return vocab * (std::size_t{3} * 64 + heads + heads * 7);
  };
  const auto close = [](std::size_t actual, std::size_t expected) {
    return actual >= expected && actual < expected + 16;  // aligned
  };
  const auto nothing = [](TestModel&) {};
  CHECK(close(sizes(nothing), by_id(128, 1)));
  CHECK(close(sizes(nothing, 192), by_id(192, 1)));
  CHECK(close(sizes(nothing, 193), by_row(193, 1)));
  CHECK(close(sizes([](TestModel& s) { s.heads = 2; }), by_row(128, 2)));
  CHECK(close(sizes([](TestModel& s) { s.heads = 2; }, 96), by_id(96, 2)));
  CHECK(close(sizes([](TestModel& s) { s.layers = 1; }), by_row(128, 1)));
  CHECK(close(sizes([](TestModel& s) { s.first_layer = FirstLayerPath::kRows; }), by_row(128, 1)));
  CHECK(close(sizes([](TestModel& s) { s.position = Position::kRope; }), by_row(128, 1)));
  CHECK(close(sizes([](TestModel& s) { s.form = Form::kChunkwise; }), by_row(128, 1)));
  CHECK(sizes([](TestModel& s) { s.shortcuts = false; }) < 16);
  CHECK(sizes([](TestModel& s) { s.short_conv = 2; }) < 16);
  CHECK(sizes([](TestModel& s) { s.position = Position::kLearned; }) < 16);
}

}  // namespace
}  // namespace recollect
