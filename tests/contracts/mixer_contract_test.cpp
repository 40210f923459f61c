// What every variant must do, looped over the registry.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "models/sequence_model.hpp"
#include "tests/support/mixer_fixture.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {
namespace {

TEST_CASE("mixers: causal, changing a token changes no output before it, in every form") {
  constexpr Index kTokens = 70;
  for (const MixerEntry& entry : mixers()) {
    for (const Form form : {Form::kFastest, Form::kDense, Form::kRecurrent}) {
      for (const Position position : {Position::kNone, Position::kRope}) {
        CAPTURE(entry.name);
        CAPTURE(static_cast<int>(form));
        TestModel settings;
        settings.width = 4;
        settings.heads = 2;
        settings.chunk = 16;
        settings.form = form;
        settings.position = position;
        const MixerFixture<double> fixture(entry, settings, kTokens);
        const Matrix<double> u = normal_matrix<double>(1, kTokens, 4);
        const Matrix<double> y = fixture.forward(u, fixture.all());
        for (const Index changed : {1, 15, 16, 33, 48, 69}) {
          CAPTURE(changed);
          Matrix<double> other = u;
          other.row(changed).setConstant(3.0);
          const Matrix<double> y_other = fixture.forward(other, fixture.all());
          CHECK(y.topRows(changed) == y_other.topRows(changed));
          CHECK(y.row(changed) != y_other.row(changed));
        }
      }
    }
  }
}

TEST_CASE("model: causal with every option, and shorter sequences are prefixes") {
  constexpr std::int64_t kTokens = 40;
  for (const MixerEntry& entry : mixers()) {
    TestModel settings;
    settings.width = 8;
    settings.heads = 2;
    settings.chunk = 8;
    settings.short_conv = 4;
    settings.mlp = 2;
    for (const Norm norm : {Norm::kPost, Norm::kPre}) {
      settings.norm = norm;
      CAPTURE(entry.name);
      SequenceModel<double> model =
          test_model<double>(settings, std::string(entry.name), 9, kTokens, level_count(kTokens));
      fill_normal<double>(1, 0.4, model.parameters());
      model.begin_step({kTokens});
      std::vector<std::int32_t> ids(kTokens);
      for (std::size_t t = 0; t < ids.size(); ++t) ids[t] = static_cast<std::int32_t>(t * 7 % 9);
      const std::vector<std::int32_t> positions = {3, 17, 23};
      const std::vector<std::int32_t> labels = {0, 1, 2};
      Workspace<double> workspace;
      const auto logits = [&](std::span<const std::int32_t> tokens) {
        Matrix<double> out(3, 9);
        (void)model.forward({tokens, positions, labels}, workspace, view_of(out));
        return out;
      };
      const Matrix<double> whole = logits(ids);
      CHECK((whole - logits({ids.data(), 24})).cwiseAbs().maxCoeff() < 1e-12);
      std::vector<std::int32_t> changed = ids;
      for (std::size_t t = 18; t < changed.size(); ++t) changed[t] = 8;
      const Matrix<double> other = logits(changed);
      CHECK((whole.topRows(2) - other.topRows(2)).cwiseAbs().maxCoeff() < 1e-12);
      CHECK((whole.row(2) - other.row(2)).cwiseAbs().maxCoeff() > 1e-6);
    }
  }
}

TEST_CASE("mixers: state size is one d x d state a head and level, or the key-value cache") {
  TestModel settings;
  settings.width = 12;
  settings.heads = 3;
  for (const MixerEntry& entry : mixers()) {
    CAPTURE(entry.name);
    const MixerFixture<double> fixture(entry, settings, 4);
    std::int64_t peak = 0;
    for (std::int64_t tokens = 1; tokens <= 600; ++tokens) {
      CAPTURE(tokens);
      std::int64_t expected = std::int64_t{3} * 4 * 4;
      if (entry.settings()->has_levels()) {
        // Non-empty levels by the definition: the distinct levels at which the last token sees
        // others.
        std::vector<int> seen;
        for (std::int64_t s = 0; s < tokens; ++s) seen.push_back(level(tokens - 1, s));
        std::sort(seen.begin(), seen.end());
        expected *= std::unique(seen.begin(), seen.end()) - seen.begin();
      } else if (entry.name == "full-quadratic") {
        expected = 2 * tokens * 12;
      }
      REQUIRE(fixture.mixer->cost({tokens, tokens}).state == expected);
      peak = std::max(peak, expected);
      REQUIRE(fixture.mixer->cost({tokens, tokens}).state_peak == peak);
    }
    CHECK(fixture.mixer->cost({0, 0}).state == 0);
  }
}

TEST_CASE("model: state size adds layers and what a convolution remembers") {
  TestModel settings;
  settings.width = 8;
  settings.layers = 3;
  settings.short_conv = 4;
  const SequenceModel<float> model = test_model<float>(settings, "gated-linear", 10, 16, 5);
  CHECK(model.cost({100, 100}).state == 3 * (8 * 8 + 3 * 8));
  CHECK(model.cost({2, 2}).state == 3 * (8 * 8 + 2 * 8));
  CHECK(model.cost({2, 2}).state_peak == 3 * (8 * 8 + 2 * 8));
}

TEST_CASE("mixers: names are unique, found, and unknown ones are not") {
  std::vector<std::string> names = mixers().names();
  CHECK(names == std::vector<std::string>{"fixed-decay", "linear-decay", "adaptive-decay",
                                          "softmax-level", "gated-linear", "full-quadratic"});
  for (const std::string& name : names) {
    REQUIRE(mixers().find(name) != nullptr);
    CHECK(mixers().find(name)->name == name);
  }
  CHECK(mixers().find("adaptive") == nullptr);
  CHECK_THROWS_WITH((void)test_model<float>(TestModel{}, "adaptive", 10, 16, 5),
                    "unknown variant 'adaptive'; known: fixed-decay, linear-decay, adaptive-decay, "
                    "softmax-level, gated-linear, full-quadratic");
}

TEST_CASE("model: a workspace takes no more than its bound, which is within 1.5") {
  struct Shape {
    std::int64_t tokens;
    std::int64_t scored;
  };
  enum class Options { kPlain, kPreNorm, kRich };  // rich ones hide what pre-norm alone takes
  for (const MixerEntry& entry : mixers()) {
    for (const Shape shape : {Shape{64, 8}, Shape{1000, 8}, Shape{512, 250}}) {
      for (const Options options : {Options::kPlain, Options::kPreNorm, Options::kRich}) {
        CAPTURE(entry.name);
        CAPTURE(shape.tokens);
        CAPTURE(static_cast<int>(options));
        TestModel settings;
        if (options != Options::kPlain) settings.norm = Norm::kPre;
        if (options == Options::kRich) {
          settings.heads = 2;
          settings.short_conv = 4;
          settings.mlp = 2;
        }
        SequenceModel<float> model = test_model<float>(settings, std::string(entry.name), 128,
                                                       shape.tokens, level_count(shape.tokens));
        const std::vector<std::int32_t> ids(static_cast<std::size_t>(shape.tokens), 1);
        std::vector<std::int32_t> positions;
        for (std::int64_t r = 0; r < shape.scored; ++r) {
          positions.push_back(static_cast<std::int32_t>(2 * r));
        }
        const std::vector<std::int32_t> labels(positions.size(), 2);
        std::size_t most = 0;
        for (const std::int64_t tokens_of_step : {std::int64_t{0}, 64 * shape.tokens}) {
          model.begin_step({shape.tokens, tokens_of_step});
          Workspace<float> workspace;
          std::vector<float> gradient(model.gradient_size(tokens_of_step));
          (void)model.forward_backward({ids, positions, labels}, 1.0F, workspace, gradient);
          most = std::max(most, workspace.peak_bytes());
        }
        const auto bytes = static_cast<double>(most);
        const auto estimate =
            4.0 *
            static_cast<double>(workspace_bound(model.cost({shape.tokens, shape.scored, true})));
        CHECK(estimate / bytes >= 1.0);
        CHECK(estimate / bytes <= 1.5);
      }
    }
  }
}

TEST_CASE("model: nominal work of the headline case, in GFLOP a step") {
  // Batch 64, width 64, 2 layers, vocabulary 128, 8 scored positions, adaptive-decay; a step is
  // three forward passes. The count is in docs/model.md.
  const std::vector<std::pair<std::int64_t, double>> expected = {
      {64, 0.8220}, {128, 1.8009}, {256, 3.8683}, {1024, 17.3709}};
  for (const auto& [length, gflop] : expected) {
    const std::int64_t tokens = length;  // clang 14 cannot capture a structured binding
    CAPTURE(tokens);
    const SequenceModel<float> model =
        test_model<float>(TestModel{}, "adaptive-decay", 128, tokens, level_count(tokens));
    const double count = 2.0 * 3.0 * 64.0 * model.cost({tokens, 8}).multiply_adds * 1e-9;
    CHECK(count == doctest::Approx(gflop).epsilon(1e-4));
  }
}

}  // namespace
}  // namespace recollect
