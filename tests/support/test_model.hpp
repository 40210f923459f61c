#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "models/mixers/log_linear_settings.hpp"
#include "models/registry.hpp"
#include "models/sequence_model.hpp"

namespace recollect {

/// The options of a model and of any mixer in one place, and how it is executed: a mixer takes what
/// it declares.
struct TestModel : ModelSettings {
  Gate gate = Gate::kInput;
  std::int64_t chunk = 64;
  std::int64_t lambda_hidden = 64;
  FirstLayerPath first_layer = FirstLayerPath::kIds;
  Form form = Form::kFastest;
  bool shortcuts = true;
  /// Options that only some variant declares, by name: a number, 0 or 1, or the index of a choice.
  std::vector<std::pair<std::string, std::int64_t>> others = {};

  [[nodiscard]] Execution execution() const { return {form, shortcuts}; }
};

/// Sets an option by its name where there is one of that name.
template <class T>
void set_option(const Fields& fields, std::string_view name, T value) {
  for (const Field& field : fields) {
    if (field.name != name) continue;
    if constexpr (std::is_enum_v<T>) {
      std::get<ChoiceRef>(field.value).set(static_cast<int>(value));
    } else {
      *std::get<T*>(field.value) = value;
    }
  }
}

[[nodiscard]] inline std::unique_ptr<MixerSettings> mixer_of(const TestModel& model,
                                                             std::string_view variant) {
  std::unique_ptr<MixerSettings> mixer = mixer_settings(variant);
  const Fields fields = mixer->fields();
  set_option(fields, "gate", model.gate);
  set_option(fields, "chunk", model.chunk);
  set_option(fields, "lambda_hidden", model.lambda_hidden);
  set_option(fields, "first_layer", model.first_layer);
  for (const auto& [name, value] : model.others) {
    for (const Field& field : fields) {
      if (field.name != name) continue;
      if (const auto* choice = std::get_if<ChoiceRef>(&field.value)) {
        choice->set(static_cast<int>(value));
      } else if (auto* const* flag = std::get_if<bool*>(&field.value)) {
        **flag = value != 0;
      } else {
        *std::get<std::int64_t*>(field.value) = value;
      }
    }
  }
  return mixer;
}

using LayerMixers = std::vector<std::shared_ptr<const MixerSettings>>;

/// The mixer of each layer where the pattern holds names alone. `others` are options of the
/// variant.
[[nodiscard]] inline LayerMixers layers_of(const TestModel& model, std::string_view variant) {
  TestModel of_named = model;
  of_named.others.clear();
  LayerMixers layers;
  for (std::size_t i = 0; i < static_cast<std::size_t>(model.layers); ++i) {
    const std::string& name = model.pattern[i % model.pattern.size()];
    layers.push_back(name == "variant" ? mixer_of(model, variant) : mixer_of(of_named, name));
  }
  return layers;
}

template <class S>
[[nodiscard]] SequenceModel<S> test_model(const TestModel& model, std::string_view variant,
                                          std::int64_t vocab, std::int64_t train_length,
                                          std::int64_t levels, bool with_weights = true) {
  const LayerMixers layers = layers_of(model, variant);
  return SequenceModel<S>({model, *layers.front(), model.execution(), layers}, vocab, train_length,
                          levels, with_weights);
}

/// Elements that a workspace is said to hold at most.
[[nodiscard]] inline std::int64_t workspace_bound(const Cost& cost) {
  return cost.carry + cost.tape + cost.scratch;
}

}  // namespace recollect
