#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <string>
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
    CHECK(names.contains("layers.0.A_log") == (entry.name != "full-quadratic"));
  }
}

}  // namespace
}  // namespace recollect
