// Softmax attention on the tape: a window, and that it is the hand-written one without.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/error.hpp"
#include "tests/support/mixer_fixture.hpp"

namespace recollect {
namespace {

TestModel with_window(std::int64_t window, std::int64_t heads, bool rope = false) {
  TestModel settings;
  settings.width = 12;
  settings.heads = heads;
  if (rope) settings.position = Position::kRope;
  if (window > 0) settings.others.emplace_back("window", window);
  return settings;
}

/// The largest difference over the larger of 1 and the largest number.
template <class Tensor>
double distance(const Tensor& expected, const Tensor& actual) {
  REQUIRE(expected.size() == actual.size());
  double largest = 1.0, worst = 0.0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(expected.size()); ++i) {
    largest = std::max(largest, std::abs(expected.data()[i]));
    const double error = std::abs(expected.data()[i] - actual.data()[i]);
    worst = error <= worst ? worst : error;
  }
  return worst / largest;
}

}  // namespace

TEST_CASE("sliding-window: a window of the whole sequence is full-quadratic, gradients too") {
  const std::vector<std::int32_t> some = {0, 3, 64, 100};
  for (const std::int64_t heads : {1, 3}) {
    for (const bool rope : {false, true}) {
      for (const Index tokens : {1, 64, 131}) {
        for (const Index longer : {0, 1, 500}) {
          for (const char* name : {"sliding-window", "full-quadratic"}) {
            CAPTURE(heads);
            CAPTURE(rope);
            CAPTURE(tokens);
            CAPTURE(longer);
            CAPTURE(name);
            const MixerFixture<double> full(*mixers().find("full-quadratic"),
                                            with_window(0, heads, rope), tokens);
            MixerFixture<double> window(*mixers().find(name),
                                        with_window(tokens + longer, heads, rope), tokens);
            REQUIRE(window.layout.all().size() == full.layout.all().size());
            window.theta = full.theta;
            const Matrix<double> u = normal_matrix<double>(11, tokens, 12);
            for (const bool all : {true, false}) {
              if (!all && tokens < 101) continue;
              const Queries queries = all ? full.all() : Queries{some, false};
              const Matrix<double> w = normal_matrix<double>(12, queries.count(), 12);
              const auto expected = full.gradients(u, queries, w);
              for (const Index segment : {0, 16}) {
                const auto actual = window.gradients(u, queries, w, segment);
                CHECK(distance(expected.y, actual.y) < 1e-12);
                CHECK(distance(expected.du, actual.du) < 1e-12);
                CHECK(distance(expected.theta, actual.theta) < 1e-12);
              }
            }
          }
        }
      }
    }
  }
}

TEST_CASE("sliding-window: tokens beyond the window do not matter, the one at its edge does") {
  constexpr Index kTokens = 150;
  for (const Index window : {1, 5, 70}) {
    CAPTURE(window);
    const MixerFixture<double> fixture(*mixers().find("sliding-window"), with_window(window, 2),
                                       kTokens);
    const Matrix<double> u = normal_matrix<double>(11, kTokens, 12);
    const Matrix<double> y = fixture.forward(u, fixture.all());
    constexpr Index kChanged = 20;
    Matrix<double> other = u;
    other.row(kChanged).array() += 1.0;
    const Matrix<double> z = fixture.forward(other, fixture.all());
    for (Index t = 0; t < kTokens; ++t) {
      const bool sees = t >= kChanged && t < kChanged + window;
      CHECK(((y.row(t) - z.row(t)).cwiseAbs().maxCoeff() > 0.0) == sees);
    }
  }
}

TEST_CASE("sliding-window: segments give what one piece gives, in memory that does not grow") {
  const auto used = [](Index tokens, Index window) {
    const MixerFixture<float> fixture(*mixers().find("sliding-window"), with_window(window, 2), 4);
    MixerFixture<float> longer =
        MixerFixture<float>(*mixers().find("sliding-window"), with_window(window, 2), tokens);
    longer.theta = fixture.theta;
    Workspace<float> workspace;
    longer.mixer->begin_step(longer.theta.data(), {tokens});
    auto* carry = longer.mixer->begin({tokens, tokens, false}, workspace);
    const Matrix<float> u = normal_matrix<float>(11, tokens, 12);
    const Matrix<float> whole = longer.forward(u, longer.all());
    Matrix<float> y(tokens, 12);
    const auto cut = longer.segments(longer.all(), 64);
    for (Index i = 0; i < cut.count(); ++i) {
      const Workspace<float>::Scope scope(workspace);
      (void)longer.mixer->forward(longer.theta.data(),
                                  rows(view_of(u), cut.first(i), cut.tokens(i)),
                                  longer.part(longer.all(), cut, i), carry,
                                  rows(view_of(y), cut.first(i), cut.tokens(i)), workspace);
    }
    CHECK((whole - y).cwiseAbs().maxCoeff() < 1e-4F);
    return workspace.peak_bytes();
  };
  for (const Index window : {1, 5, 64, 200}) {
    CAPTURE(window);
    CHECK(used(8192, window) == used(1024, window));
  }
}

TEST_CASE("sliding-window: the work grows with the window, not with the square of the tokens") {
  const auto work = [](std::int64_t window, std::int64_t tokens, std::int64_t scored) {
    const MixerFixture<float> fixture(*mixers().find("sliding-window"), with_window(window, 2), 4);
    return fixture.mixer->cost({tokens, scored}).multiply_adds;
  };
  // Projections and W_o, then pairs times 12 columns of keys and 12 of values.
  const double projections = 4 * 12.0 * 12.0;
  CHECK(work(5, 100, 100) == 100 * projections + 24.0 * (5 * 6 / 2 + 95 * 5));
  CHECK(work(500, 100, 100) == 100 * projections + 24.0 * 5050);
  CHECK(work(5, 4096, 4096) == 4096 * projections + 24.0 * (5 * 6 / 2 + 4091 * 5));
}

TEST_CASE("sliding-window: what it shows of itself is softmax through its window") {
  const TestModel settings = with_window(5, 2);
  SequenceModel<double> model = test_model<double>(settings, "sliding-window", 20, 40, 7);
  fill_normal<double>(9, 0.5, model.parameters());
  model.begin_step({40});
  Workspace<double> workspace;
  std::vector<std::int32_t> ids(40);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(i % 20);
  for (const LayerInspection& layer : model.inspect(ids, workspace)) {
    CHECK(layer.attention == AttentionKind::kSoftmax);
    CHECK(layer.window == 5);
    const std::vector<double> row = layer.attention_row(1, 20);
    double sum = 0.0;
    for (std::size_t s = 0; s < row.size(); ++s) {
      CHECK((row[s] > 0.0) == (s + 5 > 20));
      sum += row[s];
    }
    CHECK(sum == doctest::Approx(1.0));
  }
}

TEST_CASE("sliding-window: heads need not divide the width where both widths are given") {
  TestModel settings;
  settings.width = 8;
  settings.heads = 3;
  const auto error = [&](const char* name) -> std::string {
    try {
      mixer_of(settings, name)->validate(settings);
      return "";
    } catch (const FieldError& found) {
      return found.key() + " " + found.detail();
    }
  };
  CHECK(error("full-quadratic") ==
        "heads = 3 does not divide width = 8; choose a divisor of the width");
  settings.others = {{"key_width", 3}};
  CHECK(error("gla") ==
        "heads = 3 does not divide width = 8; choose a divisor of the width, or give key_width "
        "and value_width");
  settings.others.emplace_back("value_width", 5);
  for (const char* name : {"full-quadratic", "sliding-window", "gla", "mamba-2", "fixed-decay"}) {
    CAPTURE(name);
    CHECK(error(name).empty());
    const MixerFixture<double> fixture(*mixers().find(name), settings, 20);
    const Matrix<double> u = normal_matrix<double>(11, 20, 8);
    CHECK(fixture.forward(u, fixture.all()).allFinite());
  }
  settings.position = Position::kRope;
  CHECK(error("full-quadratic") ==
        "position = rope rotates pairs of columns; a head's 3 key columns are odd");
  CHECK(error("gated-convolution").empty());
  settings.position = Position::kNone;
  settings.others = {{"window", 0}};
  settings.heads = 1;
  CHECK(error("sliding-window") ==
        "window = 0: sliding-window needs a window of 1 or more; full-quadratic sees all keys");
}

}  // namespace recollect
