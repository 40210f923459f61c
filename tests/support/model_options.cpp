#include "tests/support/model_options.hpp"

#include "base/error.hpp"
#include "harness/config/model_options.hpp"

namespace recollect {
namespace {

/// The values other than its default that a test gives an option: each name of a choice, a small
/// number.
std::vector<std::int64_t> values_of(const Field& option) {
  if (const auto* choice = std::get_if<ChoiceRef>(&option.value)) {
    std::vector<std::int64_t> all;
    for (std::size_t i = 0; i < choice->names.size(); ++i) all.push_back(static_cast<int>(i));
    return all;
  }
  if (!std::holds_alternative<std::int64_t*>(option.value)) return {};
  if (option.name == "width" || option.name == "chunk") return {};
  return {option.name == "short_conv" ? 3 : 2};
}

bool is_valid(const TestModel& model, const MixerEntry& entry) {
  try {
    model.validate();
    mixer_of(model, entry.name)->validate(model);
    return true;
  } catch (const FieldError&) {
    return false;
  }
}

}  // namespace

std::vector<TestModel> all_options(const MixerEntry& entry, const TestModel& plain) {
  std::vector<TestModel> all = {plain};
  const auto add = [&](const TestModel& one) {
    if (is_valid(one, entry)) all.push_back(one);
  };
  TestModel probe = plain;
  const Fields around = probe.ModelSettings::fields();
  for (std::size_t i = 0; i < around.size(); ++i) {
    for (const std::int64_t value : values_of(around[i])) {
      TestModel one = plain;
      const Fields mine = one.ModelSettings::fields();
      if (const auto* choice = std::get_if<ChoiceRef>(&mine[i].value)) {
        choice->set(static_cast<int>(value));
      } else {
        *std::get<std::int64_t*>(mine[i].value) = value;
      }
      add(one);
    }
  }
  const auto mixer = entry.settings();
  for (const Field& option : mixer->fields()) {
    for (const std::int64_t value : values_of(option)) {
      TestModel one = plain;
      one.others.emplace_back(option.name, value);
      if (option.name == "gate") one.gate = static_cast<Gate>(value);
      if (option.name == "lambda_hidden") one.lambda_hidden = value;
      add(one);
    }
  }
  TestModel rich = plain;
  rich.norm = Norm::kPre;
  rich.short_conv = 2;
  rich.mlp = 2;
  rich.heads = 2;
  rich.position = Position::kRope;
  all.push_back(rich);
  rich.norm = Norm::kPost;
  rich.position = Position::kLearned;
  all.push_back(rich);
  return all;
}

std::string describe(const TestModel& settings, std::string_view variant) {
  ModelSettings model = settings;
  const auto mixer = mixer_of(settings, variant);
  std::string text;
  for (const Field& field : model_fields(model, *mixer)) {
    text += field.name + "=" + field.text() + " ";
  }
  return text;
}

}  // namespace recollect
