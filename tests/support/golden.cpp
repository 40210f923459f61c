#include "tests/support/golden.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "tests/support/places.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {
namespace {

/// The value of the option whose enumerators have these names.
template <class E>
E named(const nlohmann::json& json, const char* key, const std::vector<std::string>& names) {
  const auto place = std::find(names.begin(), names.end(), json.at(key).get<std::string>());
  REQUIRE(place != names.end());
  return static_cast<E>(place - names.begin());
}

}  // namespace

std::vector<GoldenSequence> golden_batch(const nlohmann::json& json) {
  std::vector<GoldenSequence> batch(json.at("ids").size());
  for (std::size_t b = 0; b < batch.size(); ++b) {
    batch[b] =
        GoldenSequence{json.at("ids")[b], json.at("label_positions")[b], json.at("labels")[b]};
  }
  return batch;
}

std::vector<std::string> golden_files(const std::vector<std::string>& prefixes) {
  std::vector<std::string> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(source_folder() / "tests" / "golden")) {
    const std::string name = entry.path().filename();
    if (std::any_of(prefixes.begin(), prefixes.end(),
                    [&](const std::string& prefix) { return name.starts_with(prefix); })) {
      paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Golden::Golden(const std::string& path) {
  std::ifstream file(path);
  REQUIRE(file.good());
  json_ = nlohmann::json::parse(file);
}

TestModel Golden::settings() const {
  TestModel settings;
  settings.layers = json_.at("layers");
  settings.width = json_.at("width");
  settings.heads = json_.at("heads");
  settings.norm = named<Norm>(json_, "norm", {"post", "pre"});
  settings.position = named<Position>(json_, "position", {"none", "learned", "rope"});
  settings.short_conv = json_.at("short_conv");
  settings.mlp = json_.at("mlp");
  settings.lambda_hidden = json_.at("lambda_hidden");
  if (!json_.contains("update")) return settings;
  // What stands around a core and in the block: files from before it have the defaults.
  settings.norm_kind = named<NormKind>(json_, "norm_kind", {"layer", "rms"});
  settings.mlp_kind = named<MlpKind>(json_, "mlp_kind", {"gelu", "swiglu"});
  settings.tied_head = json_.at("tied_head");
  settings.pattern = json_.at("pattern").get<std::vector<std::string>>();
  settings.gate = named<Gate>(json_, "gate", {"input", "constant", "none"});
  const auto choice = [&](const char* key, const std::vector<std::string>& names) {
    settings.others.emplace_back(key, static_cast<std::int64_t>(named<int>(json_, key, names)));
  };
  choice("update", {"additive", "delta"});
  choice("qk_norm", {"none", "l2"});
  choice("value_scale", {"none", "dt"});
  choice("output", {"plain", "rms", "rms-gate", "gate-rms"});
  settings.others.emplace_back("beta_max", json_.at("beta_max").get<double>() > 1.0 ? 2 : 1);
  settings.others.emplace_back("skip", json_.at("skip").get<bool>() ? 1 : 0);
  for (const char* key : {"qkv_conv", "key_width", "value_width", "window"}) {
    if (!json_.contains(key)) continue;
    settings.others.emplace_back(key, json_.at(key).get<std::int64_t>());
  }
  return settings;
}

template <class S>
SequenceModel<S> Golden::model(const TestModel& settings) const {
  SequenceModel<S> model = test_model<S>(settings, json_.at("variant").get<std::string>(),
                                         json_.at("vocab").get<std::int64_t>(), length(),
                                         json_.at("levels").get<std::int64_t>());
  const nlohmann::json& params = json_.at("params");
  REQUIRE(params.size() == model.layout().all().size());
  for (const ParameterInfo& info : model.layout().all()) {
    CAPTURE(info.name);
    REQUIRE(params.contains(info.name));
    const std::vector<std::int64_t> shape = params.at(info.name).at("shape");
    const std::vector<std::int64_t> ours =
        info.one_dimensional ? std::vector<std::int64_t>{info.tensor.cols}
                             : std::vector<std::int64_t>{info.tensor.rows, info.tensor.cols};
    REQUIRE(shape == ours);
    const std::vector<double> data = params.at(info.name).at("data");
    for (std::size_t i = 0; i < data.size(); ++i) {
      model.parameters()[static_cast<std::size_t>(info.tensor.offset) + i] =
          static_cast<S>(data[i]);
    }
  }
  return model;
}

template SequenceModel<float> Golden::model<float>(const TestModel&) const;
template SequenceModel<double> Golden::model<double>(const TestModel&) const;

template <class S>
double largest_difference(const std::vector<double>& expected, const S* actual) {
  double largest = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(expected[i] - static_cast<double>(actual[i]));
    if (std::isnan(difference)) return difference;  // no bound holds for it
    largest = std::max(largest, difference);
  }
  return largest;
}

template <class S>
double relative_error(const std::vector<double>& expected, const S* actual) {
  double magnitude = 0.0;
  for (const double value : expected) magnitude = std::max(magnitude, std::abs(value));
  const double difference = largest_difference(expected, actual);
  return magnitude > 0.0 ? difference / magnitude : difference;
}

template double largest_difference<float>(const std::vector<double>&, const float*);
template double largest_difference<double>(const std::vector<double>&, const double*);
template double relative_error<float>(const std::vector<double>&, const float*);
template double relative_error<double>(const std::vector<double>&, const double*);

}  // namespace recollect
