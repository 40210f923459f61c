// Models whose layers have different mixers: forms, gradients, causality, segments, cost.
#include <doctest/doctest.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "models/layer_inspection.hpp"
#include "tests/contracts/random_model.hpp"
#include "tests/support/random_numbers.hpp"

namespace recollect {
namespace {

constexpr std::int64_t kVocab = 7;

struct Mix {
  std::string variant;
  std::vector<std::string> pattern;
};

/// First layers with a table and without, by id and by row; mixers that run by segments beside
/// those that keep every key; levels beside none.
const std::vector<Mix> kMixes = {
    {"adaptive-decay", {"full-quadratic", "variant"}},
    {"full-quadratic", {"gated-linear", "variant", "linear-decay"}},
    {"gated-deltanet", {"variant", "full-quadratic", "softmax-level"}},
    {"mamba-2", {"fixed-decay", "variant"}},
    {"fixed-decay", {"variant", "deltanet", "full-quadratic"}},
};

TestModel mixed(const Mix& mix, std::int64_t layers = 3) {
  TestModel model;
  model.layers = layers;
  model.width = 8;
  model.heads = 2;
  model.lambda_hidden = 4;
  model.chunk = 8;
  model.pattern = mix.pattern;
  return model;
}

struct Result {
  double loss = 0.0;
  std::vector<double> logits;
  std::vector<double> gradient;
};

template <class S>
Result run(const TestModel& settings, const std::string& variant, const SequenceInput& input,
           std::int64_t tokens_of_step) {
  const auto tokens = static_cast<std::int64_t>(input.ids.size());
  SequenceModel<S> model = random_model<S>(settings, variant, kVocab, tokens, 5, 0.3);
  model.begin_step({tokens, tokens_of_step});
  Workspace<S> workspace;
  std::vector<S> logits(input.positions.size() * kVocab);
  const auto rows = static_cast<Index>(input.positions.size());
  (void)model.forward(input, workspace, view(logits.data(), rows, kVocab));
  std::vector<S> gradient(model.gradient_size(tokens_of_step), S(0));
  Result result;
  result.loss = model.forward_backward(input, S(1), workspace, gradient).loss;
  model.end_step(gradient);
  result.logits.assign(logits.begin(), logits.end());
  result.gradient.assign(gradient.begin(),
                         gradient.begin() + static_cast<std::ptrdiff_t>(model.layout().size()));
  return result;
}

/// Largest difference over the largest magnitude.
double apart(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0.0;
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) != std::isnan(b[i])) return std::nan("");
    if (std::isnan(a[i])) continue;  // the gap between two tensors
    most = std::max(most, std::abs(a[i] - b[i]));
    largest = std::max(largest, std::abs(a[i]));
  }
  return most / largest;
}

void check_same(const Result& a, const Result& b, double tolerance) {
  CHECK(std::abs(a.loss - b.loss) <= tolerance * std::abs(a.loss));
  CHECK(apart(a.logits, b.logits) <= tolerance);
  CHECK(apart(a.gradient, b.gradient) <= tolerance);
}

struct AllScored {
  std::vector<std::int32_t> positions, labels;
  explicit AllScored(const TestExample& example) {
    for (std::size_t t = 0; t < example.ids.size(); ++t) {
      positions.push_back(static_cast<std::int32_t>(t));
      labels.push_back(static_cast<std::int32_t>((t * 5 + 1) % kVocab));
    }
  }
};

TEST_CASE("mixed layers: dense, chunkwise and the fastest form agree, with a table and without") {
  for (const Mix& mix : kMixes) {
    for (const Norm norm : {Norm::kPost, Norm::kPre}) {
      CAPTURE(mix.variant);
      const std::string pattern = fmt::format("{}", fmt::join(mix.pattern, ", "));
      CAPTURE(pattern);
      TestModel settings = mixed(mix);
      settings.norm = norm;
      const TestExample example(75, kVocab);
      const AllScored all(example);
      for (const SequenceInput& input :
           {example.input(), SequenceInput{example.ids, all.positions, all.labels}}) {
        settings.form = Form::kDense;
        const Result dense = run<double>(settings, mix.variant, input, 0);
        for (const std::int64_t chunk : {4, 16, 64}) {
          settings.chunk = chunk;
          settings.form = Form::kChunkwise;
          check_same(dense, run<double>(settings, mix.variant, input, 0), 1e-9);
          settings.form = Form::kFastest;
          check_same(dense, run<double>(settings, mix.variant, input, 0), 1e-9);
          check_same(dense, run<double>(settings, mix.variant, input, 100'000), 1e-9);
        }
        check_same(dense, run<float>(settings, mix.variant, input, 100'000), 1e-4);
      }
    }
  }
}

TEST_CASE("mixed layers: gradients against central differences, through the whole model") {
  const TestExample example(11, kVocab);
  for (const Mix& mix : kMixes) {
    for (const std::int64_t tokens_of_step : {0, 1000}) {
      CAPTURE(mix.variant);
      CAPTURE(tokens_of_step);
      TestModel settings = mixed(mix);
      settings.short_conv = tokens_of_step == 0 ? 2 : 0;  // a convolution leaves no table
      SequenceModel<double> model = random_model<double>(settings, mix.variant, kVocab, 11, 4, 0.5);
      std::vector<double> gradient(model.gradient_size(tokens_of_step), 0.0);
      Workspace<double> workspace;
      model.begin_step({11, tokens_of_step});
      (void)model.forward_backward(example.input(), 0.25, workspace, gradient);
      model.end_step(gradient);
      Matrix<double> logits(4, kVocab);
      const auto loss = [&] {
        model.begin_step({11, tokens_of_step});
        return 0.25 * model.forward(example.input(), workspace, view_of(logits)).loss;
      };
      for (const ParameterInfo& info : model.layout().all()) {
        CAPTURE(info.name);
        bool any = false;
        for (Index i = 0; i < info.tensor.size(); ++i) {
          double& weight = model.parameters()[static_cast<std::size_t>(info.tensor.offset + i)];
          const double own = gradient[static_cast<std::size_t>(info.tensor.offset + i)];
          const double keep = weight;
          weight = keep + 1e-5;
          const double above = loss();
          weight = keep - 1e-5;
          const double below = loss();
          weight = keep;
          const double numeric = (above - below) / 2e-5;
          REQUIRE(std::abs(own - numeric) <= 1e-7 * std::max(1.0, std::abs(numeric)));
          any = any || own != 0.0;
        }
        CHECK(any);
      }
    }
  }
}

TEST_CASE("mixed layers: no output depends on a later token") {
  for (const Mix& mix : kMixes) {
    for (const Form form : {Form::kDense, Form::kChunkwise, Form::kFastest}) {
      CAPTURE(mix.variant);
      TestModel settings = mixed(mix);
      settings.form = form;
      settings.short_conv = 3;
      SequenceModel<double> model = random_model<double>(settings, mix.variant, kVocab, 40, 1, 0.4);
      model.begin_step({40});
      Workspace<double> workspace;
      const TestExample example(40, kVocab);
      const std::vector<std::int32_t> positions = {3, 17, 23};
      const std::vector<std::int32_t> labels = {0, 1, 2};
      const auto logits = [&](const std::vector<std::int32_t>& ids) {
        Matrix<double> out(3, kVocab);
        (void)model.forward({ids, positions, labels}, workspace, view_of(out));
        return out;
      };
      const Matrix<double> whole = logits(example.ids);
      std::vector<std::int32_t> changed = example.ids;
      for (std::size_t t = 18; t < changed.size(); ++t) changed[t] = (changed[t] + 1) % kVocab;
      const Matrix<double> other = logits(changed);
      CHECK((whole.topRows(2) - other.topRows(2)).cwiseAbs().maxCoeff() <= 1e-12);
      CHECK((whole.row(2) - other.row(2)).cwiseAbs().maxCoeff() > 1e-6);
    }
  }
}

TEST_CASE("mixed layers: segments are whole chunks of every layer, and streams give the same") {
  // Segments hold 256 tokens, more where a layer's chunk is longer, wherever that layer stands.
  TestModel settings = mixed({"linear-decay", {}}, 3);
  TestModel wide = settings;
  wide.chunk = 512;
  const TestExample example(1100, kVocab);
  const AllScored all(example);
  const SequenceInput input{example.ids, all.positions, all.labels};
  for (const std::string inner : {"linear-decay", "adaptive-deltanet", "full-quadratic"}) {
    CAPTURE(inner);
    const LayerMixers layers = {mixer_of(settings, "gated-linear"), mixer_of(wide, inner),
                                mixer_of(settings, "fixed-decay")};
    std::array<Matrix<double>, 3> logits;
    std::array<std::vector<double>, 2> gradients;
    std::size_t at = 0;
    for (const Form form : {Form::kDense, Form::kFastest}) {
      SequenceModel<double> model({settings, *layers.front(), {form, true}, layers}, kVocab, 1100,
                                  level_count(1100));
      fill_normal<double>(3, 0.3, model.parameters());
      model.begin_step({1100});
      Workspace<double> workspace;
      Matrix<double>& out = logits[at];
      out.resize(1100, kVocab);
      (void)model.forward(input, workspace, view_of(out));
      gradients[at].assign(model.gradient_size(), 0.0);
      (void)model.forward_backward(input, 1.0, workspace, gradients[at]);
      if (++at < 2) continue;
      logits[2].resize(1100, kVocab);
      (void)model.stream(input, workspace, view_of(logits[2]));
    }
    CHECK((logits[0] - logits[1]).cwiseAbs().maxCoeff() <= 1e-9);
    CHECK((logits[1] - logits[2]).cwiseAbs().maxCoeff() <= 1e-12);
    CHECK(apart(gradients[0], gradients[1]) <= 1e-9);
  }
}

TEST_CASE("mixed layers: state and work are the sums of the layers, memory is as was said") {
  for (const Mix& mix : kMixes) {
    for (const std::int64_t tokens : {300, 700}) {
      CAPTURE(mix.variant);
      CAPTURE(tokens);
      TestModel settings = mixed(mix);
      settings.width = 64;
      SequenceModel<float> model =
          random_model<float>(settings, mix.variant, kVocab, tokens, 5, 0.3);
      const TestExample example(tokens, kVocab);
      const AllScored all(example);
      for (const SequenceInput& input :
           {example.input(), SequenceInput{example.ids, all.positions, all.labels}}) {
        const auto queries = static_cast<std::int64_t>(input.positions.size());
        const Cost cost = model.cost({tokens, queries, true});
        std::int64_t state = 0;
        auto work = static_cast<double>(kVocab * settings.width * queries);
        const LayerMixers layers = layers_of(settings, mix.variant);
        for (std::size_t l = 0; l < layers.size(); ++l) {
          ParameterLayout layout;
          const Block<float> block({settings, {}, level_count(tokens), "x."}, *layers[l], layout);
          const Cost of_layer =
              block.cost({tokens, l + 1 < layers.size() ? tokens : queries, true});
          state += of_layer.state;
          work += of_layer.multiply_adds;
        }
        CHECK(cost.state == state);
        CHECK(cost.multiply_adds == doctest::Approx(work).epsilon(1e-12));
        std::int64_t used = 0;
        for (const std::int64_t of_step : {0, 100'000}) {
          model.begin_step({tokens, of_step});
          Workspace<float> workspace;
          std::vector<float> gradient(model.gradient_size(of_step), 0.0F);
          (void)model.forward_backward(input, 1.0F, workspace, gradient);
          used = std::max(used, static_cast<std::int64_t>(workspace.peak_bytes() / sizeof(float)));
        }
        const double ratio = static_cast<double>(workspace_bound(cost)) / static_cast<double>(used);
        // Small pieces take whole lines of the cache, here as in models of one mixer.
        CHECK(ratio >= 0.995);
        CHECK(ratio <= 1.5);
      }
    }
  }
}

TEST_CASE("mixed layers: each layer shows what its own mixer has") {
  const Mix mix{"adaptive-decay", {"full-quadratic", "variant", "gated-deltanet"}};
  SequenceModel<double> model = random_model<double>(mixed(mix), mix.variant, kVocab, 30, 5, 0.3);
  model.begin_step({30});
  Workspace<double> workspace;
  const TestExample example(30, kVocab);
  const std::vector<LayerInspection> layers = model.inspect(example.ids, workspace);
  REQUIRE(layers.size() == 3);
  CHECK(layers[0].attention == AttentionKind::kSoftmax);
  CHECK(layers[0].levels == 0);
  CHECK(layers[1].attention == AttentionKind::kLinear);
  CHECK(layers[1].levels == 6);
  CHECK(layers[2].beta.size() == 2 * 30);
}

}  // namespace
}  // namespace recollect
