#include "harness/config/model_options.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "harness/config/settings.hpp"
#include "models/outside.hpp"
#include "models/registry.hpp"

namespace recollect {
namespace {

/// The established order of options in files and tables; others follow as they are declared.
constexpr std::array<std::string_view, 12> kOrder = {
    "layers",     "width", "heads",         "norm",  "position", "gate",
    "short_conv", "mlp",   "lambda_hidden", "chunk", "init",     kFirstLayer};

std::size_t rank(const Field& field) {
  return static_cast<std::size_t>(std::find(kOrder.begin(), kOrder.end(), field.name) -
                                  kOrder.begin());
}

void sort_for_files(Fields& fields) {
  std::stable_sort(fields.begin(), fields.end(),
                   [](const Field& a, const Field& b) { return rank(a) < rank(b); });
}

const Field* find(const Fields& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const Field& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

/// Those of `more` that are not there yet.
void add_missing(Fields& fields, Fields more) {
  for (Field& field : more) {
    if (find(fields, field.name) == nullptr) fields.push_back(std::move(field));
  }
}

}  // namespace

Fields model_fields(ModelSettings& model, MixerSettings& mixer) {
  Fields all = model.fields();
  add_missing(all, mixer.fields());
  sort_for_files(all);
  return all;
}

ModelOptions::ModelOptions() {
  for (const MixerEntry& entry : mixers()) mixers_.push_back(entry.settings());
}

ModelOptions::ModelOptions(const ModelOptions& other) : model(other.model) {
  for (const auto& mixer : other.mixers_) mixers_.push_back(mixer->clone());
}

ModelOptions& ModelOptions::operator=(const ModelOptions& other) {
  if (this != &other) *this = ModelOptions(other);
  return *this;
}

Fields ModelOptions::fields() {
  Fields all = model.fields();
  for (const auto& mixer : mixers_) add_missing(all, mixer->fields());
  sort_for_files(all);
  return all;
}

void ModelOptions::share() {
  const Fields read = fields();
  for (const auto& mixer : mixers_) {
    for (const Field& own : mixer->fields()) {
      const Field* from = find(read, own.name);
      if (from != nullptr && !own.set_by_name) assign(own, *from);
    }
  }
}

void ModelOptions::give(std::string_view variant, std::string_view option) {
  const Fields read = fields();
  for (const auto& mixer : mixers_) {
    if (mixer->name() != variant) continue;
    const Fields all = mixer->fields();
    const Field* own = find(all, option);
    const Field* from = find(read, option);
    if (own != nullptr && from != nullptr) assign(*own, *from);
  }
}

const MixerSettings& ModelOptions::mixer(std::string_view name) const {
  if (name == kOutside) return outside_settings();
  const auto found = std::find_if(mixers_.begin(), mixers_.end(),
                                  [&](const auto& mixer) { return mixer->name() == name; });
  return **found;
}

namespace {

/// Whether a variant has such an option of which `holds` is true; true where no variant has that
/// name.
template <class Holds>
bool has_option(std::string_view variant, std::string_view option, const Holds& holds) {
  const MixerEntry* entry = mixers().find(variant);
  if (entry == nullptr) return true;
  ModelSettings model;
  const auto mixer = entry->settings();
  const Fields all = model_fields(model, *mixer);
  const Field* found = find(all, option);
  return found != nullptr && holds(*found);
}

}  // namespace

bool has_model_option(std::string_view variant, std::string_view option) {
  return has_option(variant, option, [](const Field&) { return true; });
}

bool name_sets_option(std::string_view variant, std::string_view option) {
  ModelOptions usual;
  const Fields common = usual.fields();
  const Field* found = find(common, option);
  return found != nullptr && has_option(variant, option, [&](const Field& field) {
           return field.set_by_name && field.text() != found->text();
         });
}

std::string where_it_belongs(std::string_view option) {
  constexpr std::size_t kMost = 3;
  std::vector<std::string_view> having;
  for (const MixerEntry& entry : mixers()) {
    if (has_model_option(entry.name, option)) having.push_back(entry.name);
  }
  if (having.empty() || is_always_listed(option)) return "";
  const bool more = having.size() > kMost;
  if (more) having.resize(kMost);
  return fmt::format("; it belongs to {}{}", fmt::join(having, ", "), more ? " and others" : "");
}

bool model_option_applies(std::string_view variant, std::string_view option) {
  return has_option(variant, option, [](const Field& field) { return !field.set_by_name; });
}

bool is_always_listed(std::string_view option) {
  return std::find(kOrder.begin(), kOrder.end(), option) != kOrder.end();
}

std::vector<std::pair<std::string, std::string>> option_texts(const VariantSettings& variant) {
  ModelSettings model = variant.model;
  const auto mixer = variant.mixer->clone();
  Fields own = model_fields(model, *mixer);
  ModelOptions given = variant.given ? *variant.given : ModelOptions();
  for (Field& field : given.fields()) {
    if (is_always_listed(field.name) && find(own, field.name) == nullptr) {
      own.push_back(std::move(field));
    }
  }
  sort_for_files(own);
  std::vector<std::pair<std::string, std::string>> texts;
  for (const Field& field : own) {
    // What files from before mean without saying it makes no column.
    if (field.is_implied() && !is_always_listed(field.name)) continue;
    texts.emplace_back(field.name, field.text());
  }
  return texts;
}

std::string options_text(const VariantSettings& variant) {
  ModelSettings model = variant.model;
  const auto mixer = variant.mixer->clone();
  ModelSettings default_model;
  const auto default_mixer = settings_of_variant(variant.name);
  const Fields given = model_fields(model, *mixer);
  const Fields usual = model_fields(default_model, *default_mixer);
  std::string text;
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i].text() == usual[i].text()) continue;
    if (!text.empty()) text += ' ';
    text += given[i].name + "=" + given[i].text();
  }
  return text;
}

}  // namespace recollect
