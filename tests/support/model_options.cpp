#include "tests/support/model_options.hpp"

#include "base/error.hpp"

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
  if (const auto* flag = std::get_if<bool*>(&option.value)) return {**flag ? 0 : 1};
  const auto* number = std::get_if<std::int64_t*>(&option.value);
  if (number == nullptr) return {};
  if (option.name == "width" || option.name == "layers" || option.name == "chunk") return {};
  return {option.name == "short_conv" || **number == 2 ? 3 : 2};
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
    const bool is_default = difference(one, plain, entry.name).empty();
    if (!is_default && is_valid(one, entry)) all.push_back(one);
  };
  TestModel probe = plain;
  const Fields around = probe.ModelSettings::fields();
  for (std::size_t i = 0; i < around.size(); ++i) {
    for (const std::int64_t value : values_of(around[i])) {
      TestModel one = plain;
      if (around[i].name == "mlp_kind" && value != 0) one.mlp = 2;  // it needs a block
      const Fields mine = one.ModelSettings::fields();
      if (const auto* choice = std::get_if<ChoiceRef>(&mine[i].value)) {
        choice->set(static_cast<int>(value));
      } else if (auto* const* flag = std::get_if<bool*>(&mine[i].value)) {
        **flag = value != 0;
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
  if (!is_valid(rich, entry)) rich.position = Position::kNone;
  add(rich);
  rich.norm = Norm::kPost;
  rich.position = Position::kLearned;
  rich.mlp_kind = MlpKind::kSwiglu;
  rich.tied_head = true;
  add(rich);
  TestModel table = plain;  // a first layer by id, with a norm before it and its embedding the head
  table.norm = Norm::kPre;
  table.norm_kind = NormKind::kRms;
  table.tied_head = true;
  add(table);
  return all;
}

Fields fields_of(ModelSettings& model, MixerSettings& mixer) {
  Fields all = model.fields();
  for (Field& own : mixer.fields()) all.push_back(std::move(own));
  return all;
}

std::string describe(const TestModel& settings, std::string_view variant) {
  ModelSettings model = settings;
  const auto mixer = mixer_of(settings, variant);
  std::string text;
  for (const Field& field : fields_of(model, *mixer)) {
    text += field.name + "=" + field.text() + " ";
  }
  return text;
}

std::string difference(const TestModel& settings, const TestModel& plain,
                       std::string_view variant) {
  ModelSettings model = settings;
  ModelSettings plain_model = plain;
  const auto mixer = mixer_of(settings, variant);
  const auto plain_mixer = mixer_of(plain, variant);
  const Fields given = fields_of(model, *mixer);
  const Fields usual = fields_of(plain_model, *plain_mixer);
  std::string text;
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i].text() == usual[i].text()) continue;
    if (!text.empty()) text += ", ";
    text += given[i].name + " = " + given[i].text();
  }
  return text;
}

}  // namespace recollect
