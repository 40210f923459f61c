// What models show of themselves, against an independent implementation in float64.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "tests/support/built_in.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/mixer_fixture.hpp"
#include "tests/support/random_numbers.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {
namespace {

template <class S>
void check_file(const std::string& file, bool shortcuts, double tolerance) {
  CAPTURE(file);
  const Golden golden(file);
  TestModel settings = golden.settings();
  settings.shortcuts = shortcuts;
  SequenceModel<S> model = golden.model<S>(settings);
  // Enough tokens that the first layer has its table; the pass goes around it.
  model.begin_step({golden.length(), 100'000});
  Workspace<S> workspace;
  const std::vector<std::int32_t> ids = golden.json().at("ids").at(0);
  const std::vector<LayerInspection> layers = model.inspect(ids, workspace);
  const nlohmann::json& expected = golden.json().at("layers_inspected");
  REQUIRE(layers.size() == expected.size());
  for (std::size_t l = 0; l < layers.size(); ++l) {
    CAPTURE(l);
    const std::vector<double> lambda = expected[l].at("lambda").at("data");
    const std::vector<double> gate = expected[l].at("gate").at("data");
    const std::vector<std::size_t> shape = expected[l].at("lambda").at("shape");
    CHECK(shape == std::vector<std::size_t>{layers[l].heads, layers[l].tokens, layers[l].levels});
    REQUIRE(layers[l].lambda.size() == lambda.size());
    REQUIRE(layers[l].gate.size() == gate.size());
    CHECK(largest_difference(lambda, layers[l].lambda.data()) <= tolerance);
    CHECK(largest_difference(gate, layers[l].gate.data()) <= tolerance);
    if (!expected[l].at("beta").is_null()) {
      const std::vector<double> beta = expected[l].at("beta").at("data");
      REQUIRE(layers[l].beta.size() == beta.size());
      CHECK(largest_difference(beta, layers[l].beta.data()) <= tolerance);
    } else {
      CHECK(layers[l].beta.empty());
    }
  }
}

TEST_CASE("inspect: lambda, gate and beta are those of an independent implementation") {
  const std::vector<std::string> files = golden_files({"inspect-"});
  REQUIRE(files.size() == 5);
  for (const std::string& file : files) {
    for (const bool shortcuts : {false, true}) {
      check_file<double>(file, shortcuts, 1e-9);
      check_file<float>(file, shortcuts, 1e-5);
    }
  }
}

/// A model with random weights of its own, and a sequence for it.
template <class S>
std::vector<LayerInspection> random_inspection(const TestModel& settings,
                                               const std::string& variant, Index tokens,
                                               std::int64_t levels) {
  SequenceModel<S> model = test_model<S>(settings, variant, 11, 64, levels);
  fill_normal<S>(3, 0.6, model.parameters());
  model.begin_step({tokens, 0});
  Workspace<S> workspace;
  std::vector<std::int32_t> ids(static_cast<std::size_t>(tokens));
  for (std::size_t t = 0; t < ids.size(); ++t) ids[t] = static_cast<std::int32_t>(t * t % 11);
  return model.inspect(ids, workspace);
}

/// What a mixer puts out, from nothing but what it shows and its W_v and W_o.
Matrix<double> rebuilt(const MixerFixture<double>& fixture, const Matrix<double>& u,
                       const LayerInspection& layer) {
  const auto weights = [&](const char* name) {
    return fixture.layout.find(fmt::format("layers.0.{}.weight", name))
        ->tensor.in(fixture.theta.data());
  };
  const ConstView<double> w_v = weights("v_proj");
  const ConstView<double> w_o = weights("out_proj");
  const Index width = u.cols();
  const Index head = width / static_cast<Index>(layer.heads);
  Matrix<double> y = Matrix<double>::Zero(u.rows(), width);
  for (Index t = 0; t < u.rows(); ++t) {
    for (Index i = 0; i < width; ++i) {  // column i of the heads' output
      const std::vector<double> row =
          layer.attention_row(static_cast<std::size_t>(i / head), static_cast<std::size_t>(t));
      double core = 0.0;
      for (Index s = 0; s <= t; ++s) {
        double v = 0.0;
        for (Index j = 0; j < width; ++j) v += w_v(i, j) * u(s, j);
        core += row[static_cast<std::size_t>(s)] * v;
      }
      for (Index j = 0; j < width; ++j) y(t, j) += w_o(j, i) * core;
    }
  }
  return y;
}

TEST_CASE("inspect: what a built-in mixer shows is what its output is made of") {
  constexpr Index kTokens = 37;
  TestModel settings;
  settings.width = 8;
  settings.heads = 2;
  settings.chunk = 16;
  for (const MixerEntry& entry : built_in_mixers()) {
    CAPTURE(entry.name);
    const bool has_levels = entry.settings()->has_levels();
    for (const Form form : {Form::kFastest, Form::kDense, Form::kRecurrent}) {
      for (const std::int64_t levels : {7, 3}) {  // enough, and too few
        CAPTURE(levels);
        settings.form = form;
        settings.position = levels == 3 ? Position::kRope : Position::kNone;
        const MixerFixture<double> fixture(entry, settings, kTokens, levels);
        // With a norm, other numbers stand between the core and W_o.
        if (fixture.layout.find("layers.0.out_norm.weight") != nullptr) continue;
        const Matrix<double> u = normal_matrix<double>(5, kTokens, 8);
        fixture.mixer->begin_step(fixture.theta.data(), {kTokens});
        Workspace<double> workspace;
        Matrix<double> y(kTokens, 8);
        auto* carry = fixture.mixer->begin({kTokens, kTokens, false}, workspace);
        const auto* tape = fixture.mixer->forward(fixture.theta.data(), view_of(u), fixture.all(),
                                                  carry, view_of(y), workspace);
        const LayerInspection layer = inspection_of<double>(fixture.mixer->inspect(tape), kTokens);
        REQUIRE(layer.heads == 2);
        CHECK(layer.levels == (has_levels ? static_cast<std::size_t>(levels) : 0));
        CHECK((rebuilt(fixture, u, layer) - y).cwiseAbs().maxCoeff() <= 1e-10);
      }
    }
  }
}

TEST_CASE("inspect: one token, and the options that change what a mixer reads") {
  for (const auto position : {Position::kNone, Position::kLearned, Position::kRope}) {
    TestModel settings;
    settings.width = 8;
    settings.heads = 2;
    settings.layers = 2;
    settings.position = position;
    settings.short_conv = 3;
    settings.mlp = 2;
    for (const Index tokens : {1, 2, 33}) {
      const auto layers = random_inspection<float>(settings, "adaptive-decay", tokens, 7);
      REQUIRE(layers.size() == 2);
      CHECK(layers[1].tokens == static_cast<std::size_t>(tokens));
      CHECK(layers[1].attention_row(0, 0).size() == 1);
    }
  }
}

}  // namespace
}  // namespace recollect
