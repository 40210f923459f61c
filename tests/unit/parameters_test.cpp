#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "math/fenwick.hpp"
#include "models/registry.hpp"
#include "models/sequence_model.hpp"
#include "tests/support/built_in.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {
namespace {

SequenceModel<float> made(const std::string& variant, const TestModel& settings,
                          std::uint64_t seed) {
  SequenceModel<float> model = test_model<float>(settings, variant, 128, 128, level_count(128));
  model.initialise(seed);
  return model;
}

std::vector<float> tensor(const SequenceModel<float>& model, const std::string& name) {
  const ParameterInfo* info = model.layout().find(name);
  REQUIRE(info != nullptr);
  const auto begin = model.parameters().begin() + info->tensor.offset;
  return {begin, begin + info->tensor.size()};
}

double mean(const std::vector<float>& values) {
  double sum = 0.0;
  for (const float value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double deviation(const std::vector<float>& values) {
  double sum = 0.0;
  for (const float value : values) sum += value * value;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

TEST_CASE("parameters: the published initialisation, tensor by tensor") {
  TestModel settings;
  settings.short_conv = 4;
  settings.mlp = 2;
  settings.heads = 4;
  settings.position = Position::kLearned;
  for (const MixerEntry& entry : built_in_mixers()) {
    CAPTURE(entry.name);
    const SequenceModel<float> model = made(std::string(entry.name), settings, 3);
    for (const ParameterInfo& info : model.layout().all()) {
      CAPTURE(info.name);
      const std::vector<float> values = tensor(model, info.name);
      const auto ends = [&](const char* end) { return info.name.ends_with(end); };
      if (ends("A_log")) {
        for (std::size_t h = 0; h < values.size(); ++h) {
          CHECK(values[h] == doctest::Approx(std::log(static_cast<double>(h + 1))));
        }
      } else if (ends("dt_bias")) {
        for (const float value : values) {
          const double step = std::log1p(std::exp(value));
          CHECK(step >= 1e-3 * 0.999);
          CHECK(step <= 1e-1 * 1.001);
        }
      } else if (ends("short_conv.weight")) {
        for (const float value : values) CHECK(std::abs(value) <= 0.5F);
        CHECK(deviation(values) == doctest::Approx(0.5 / std::sqrt(3.0)).epsilon(0.1));
      } else if (ends("level_scale") || ends("norm.weight")) {
        for (const float value : values) CHECK(value == 1.0F);
      } else if (ends("bias")) {
        for (const float value : values) CHECK(value == 0.0F);
      } else {
        const double spread = ends("out_proj.weight") ? 0.02 / 2.0 : 0.02;
        const double error = 4.0 / std::sqrt(static_cast<double>(values.size()));
        if (values.size() >= 64) CHECK(deviation(values) == doctest::Approx(spread).epsilon(error));
        for (const float value : values) CHECK(value != 0.0F);
        CHECK(std::abs(mean(values)) < spread * error);
      }
    }
  }
}

TEST_CASE("parameters: variants of one seed share the tensors that they have in common") {
  const SequenceModel<float> reference = made("adaptive-decay", {}, 5);
  for (const MixerEntry& entry : mixers()) {
    const SequenceModel<float> other = made(std::string(entry.name), {}, 5);
    int shared = 0;
    for (const ParameterInfo& info : other.layout().all()) {
      const ParameterInfo* twin = reference.layout().find(info.name);
      if (twin == nullptr || twin->tensor.size() != info.tensor.size()) continue;
      CAPTURE(info.name);
      CHECK(tensor(reference, info.name) == tensor(other, info.name));
      ++shared;
    }
    CHECK(shared >= (is_built_in(entry.name) ? 14 : 6));
  }
  CHECK(tensor(reference, "embedding.weight") !=
        tensor(made("adaptive-decay", {}, 6), "embedding.weight"));
  CHECK(tensor(reference, "layers.0.q_proj.weight") != tensor(reference, "layers.0.k_proj.weight"));
}

TEST_CASE("parameters: the identity initialisation starts lambda at 1") {
  TestModel settings;
  settings.init = Init::kIdentity;
  const auto softplus_of = [](float value) { return std::log1p(std::exp(value)); };
  for (const float value : tensor(made("fixed-decay", settings, 0), "layers.1.level_scale")) {
    CHECK(softplus_of(value) == doctest::Approx(1.0));
  }
  const SequenceModel<float> adaptive = made("adaptive-decay", settings, 0);
  for (const float value : tensor(adaptive, "layers.1.lambda_mlp.w2.weight")) CHECK(value == 0.0F);
  for (const float value : tensor(adaptive, "layers.1.lambda_mlp.w2.bias")) {
    CHECK(softplus_of(value) == doctest::Approx(1.0));
  }
}

TEST_CASE("parameters: init uniform draws the matrices of the layers alone, by their columns") {
  TestModel settings;
  settings.short_conv = 4;
  settings.mlp = 2;
  settings.mlp_kind = MlpKind::kSwiglu;
  settings.heads = 4;
  settings.position = Position::kLearned;
  TestModel uniform = settings;
  uniform.init = Init::kUniform;
  for (const MixerEntry& entry : mixers()) {
    CAPTURE(entry.name);
    const SequenceModel<float> published = made(std::string(entry.name), settings, 3);
    const SequenceModel<float> model = made(std::string(entry.name), uniform, 3);
    int drawn = 0;
    for (const ParameterInfo& info : model.layout().all()) {
      CAPTURE(info.name);
      const std::vector<float> values = tensor(model, info.name);
      const bool in_layers = info.name.starts_with("layers.");
      if (!in_layers || published.layout().find(info.name)->fill != Fill::kNormal) {
        CHECK(values == tensor(published, info.name));
        continue;
      }
      ++drawn;
      const double bound = 1.0 / std::sqrt(static_cast<double>(info.tensor.cols));
      const auto [low, high] = std::minmax_element(values.begin(), values.end());
      CHECK(*low >= -bound);
      CHECK(*high <= bound);
      if (values.size() < 1000) continue;
      CHECK(*low < -0.99 * bound);
      CHECK(*high > 0.99 * bound);
      CHECK(deviation(values) == doctest::Approx(bound / std::sqrt(3.0)).epsilon(0.05));
    }
    CHECK(drawn >= 2 * 4);
    CHECK(model.layout().find("layers.0.mlp.w2.weight")->scale ==
          doctest::Approx(1.0 / std::sqrt(128.0)));  // W2 reads twice the width
  }
}

/// A tensor of a wide model whose gate starts as given.
std::vector<float> of_gate(const std::string& variant, const std::string& name,
                           std::vector<double> a, std::vector<double> dt) {
  TestModel model;
  model.width = 256;
  model.heads = 256;
  const auto mixer = mixer_of(model, variant);
  set_option(mixer->fields(), "A_init", std::move(a));
  if (!dt.empty()) set_option(mixer->fields(), "dt_range", std::move(dt));
  mixer->validate(model);
  SequenceModel<float> built({model, *mixer, {}}, 128, 128, level_count(128));
  built.initialise(11);
  std::vector<float> both = tensor(built, "layers.0." + name);
  const std::vector<float> second = tensor(built, "layers.1." + name);
  both.insert(both.end(), second.begin(), second.end());
  return both;
}

TEST_CASE("parameters: A_init and dt_range are where a gate starts, on both kinds of mixer") {
  for (const std::string variant : {"adaptive-decay", "gated-linear", "mamba-2"}) {
    CAPTURE(variant);
    double sum = 0.0;
    double least = 1e9;
    double most = 0.0;
    const std::vector<float> logs = of_gate(variant, "A_log", {1.0, 16.0}, {});
    for (const float value : logs) {
      const double a = std::exp(value);
      sum += a;
      least = std::min(least, a);
      most = std::max(most, a);
    }
    CHECK(least >= 0.999);
    CHECK(least < 1.3);
    CHECK(most <= 16.001);
    CHECK(most > 15.7);
    // 512 draws: five standard errors of the mean are 0.96.
    CHECK(std::abs(sum / static_cast<double>(logs.size()) - 8.5) < 0.96);

    const std::vector<float> by_head = of_gate(variant, "A_log", {}, {});
    CHECK(by_head[2] == doctest::Approx(std::log(3.0)));

    for (const auto& range : std::vector<std::pair<double, double>>{
             {1e-3, 0.1}, {1e-18, 1e-16}, {0.5, 0.5}, {1.0, 1e5}}) {
      const double low = range.first;  // clang lets no macro capture a structured binding
      const double high = range.second;
      CAPTURE(low);
      const std::vector<float> biases = of_gate(variant, "dt_bias", {}, {low, high});
      double logs_sum = 0.0;
      for (const float bias : biases) {
        const double step = bias > 30.0F ? bias : std::log1p(std::exp(double{bias}));
        CHECK(step >= low * 0.9999);
        CHECK(step <= high * 1.0001);
        logs_sum += std::log(step);
      }
      // Log-uniform: the mean logarithm is the middle, within five standard errors.
      const double mean_log = logs_sum / static_cast<double>(biases.size());
      const double width = std::log(high / low);
      CHECK(std::abs(mean_log - 0.5 * std::log(low * high)) <=
            5.0 * width / std::sqrt(12.0 * static_cast<double>(biases.size())) + 1e-4);
    }
    // The default is what the option says when it is written out.
    CHECK(of_gate(variant, "dt_bias", {}, {1e-3, 0.1}) == of_gate(variant, "dt_bias", {}, {}));
  }
}

TEST_CASE("parameters: names are unique and no model holds a tensor that it does not use") {
  for (const MixerEntry& entry : mixers()) {
    CAPTURE(entry.name);
    const SequenceModel<float> model = made(std::string(entry.name), {}, 0);
    std::set<std::string> names;
    for (const ParameterInfo& info : model.layout().all()) names.insert(info.name);
    CHECK(names.size() == model.layout().all().size());
    if (!is_built_in(entry.name)) continue;
    CHECK(names.contains("layers.0.level_scale") ==
          (entry.name == "fixed-decay" || entry.name == "linear-decay"));
    CHECK(names.contains("layers.0.lambda_mlp.w1.weight") ==
          (entry.name == "adaptive-decay" || entry.name == "softmax-level"));
    CHECK(names.contains("head.weight"));
    CHECK(names.contains("final_norm.bias"));
    CHECK(names.contains("layers.0.A_log") == (entry.name != "full-quadratic"));
  }
}

}  // namespace
}  // namespace recollect
