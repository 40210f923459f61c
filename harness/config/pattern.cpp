#include "harness/config/pattern.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.hpp"
#include "harness/config/emit.hpp"
#include "harness/config/model_options.hpp"
#include "harness/config/read_field.hpp"
#include "models/registry.hpp"

namespace recollect {

namespace {

using Kind = YamlValue::Kind;

// "gated-linear", or "{name: gated-linear, chunk: 32}".
class EntryText {
 public:
  EntryText(const MixerSettings& variant, PatternText kind)
      : kind_(kind), variant_(variant.clone()), of_variant_(fields_of(*variant_)) {}

  [[nodiscard]] std::string operator()(const MixerSettings& mixer) const {
    const auto own = mixer.clone();
    const auto usual = mixer_settings(mixer.name());
    const Fields fields = fields_of(*own);
    const Fields defaults = fields_of(*usual);
    if (mixer.name() == variant_->name() && same(fields, of_variant_)) {
      return std::string(kVariantEntry);
    }
    std::string options;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (text(fields[i]) == text(defaults[i]) && !is_said_otherwise(fields[i])) continue;
      options += fmt::format(", {}: {}", fields[i].name, text(fields[i]));
    }
    return options.empty() ? std::string(mixer.name())
                           : fmt::format("{{name: {}{}}}", mixer.name(), options);
  }

 private:
  [[nodiscard]] Fields fields_of(MixerSettings& mixer) const {
    Fields fields = mixer.fields();
    // Which way a first layer takes has a line of its own in the identity.
    if (kind_ == PatternText::kIdentity) {
      std::erase_if(fields, [](const Field& field) { return field.name == kFirstLayer; });
    }
    return fields;
  }

  [[nodiscard]] std::string text(const Field& field) const {
    return kind_ == PatternText::kIdentity ? field.identity_text() : field_text(field);
  }

  [[nodiscard]] bool same(const Fields& a, const Fields& b) const {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](const Field& x, const Field& y) {
      return x.name == y.name && text(x) == text(y);
    });
  }

  // The file of a cell gives the variant's options in `model:`, where they would reach the entry.
  [[nodiscard]] bool is_said_otherwise(const Field& own) const {
    if (kind_ == PatternText::kIdentity || own.set_by_name) return false;
    return std::any_of(of_variant_.begin(), of_variant_.end(), [&](const Field& said) {
      return said.name == own.name && !said.set_by_name && text(said) != text(own);
    });
  }

  PatternText kind_;
  std::unique_ptr<MixerSettings> variant_;
  Fields of_variant_;  // bound to variant_
};

}  // namespace

Pattern read_pattern(const YamlValue& value, const std::string& key) {
  require_list(value, key, "[fixed-decay, variant]");
  std::vector<std::string> known = {std::string(kVariantEntry)};
  for (const std::string& name : mixers().names()) known.push_back(name);
  Pattern pattern;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const YamlValue& item = value.items[i];
    const YamlValue* name = item.kind == Kind::kMap ? item.find("name") : &item;
    const bool is_known = name != nullptr && name->kind == Kind::kScalar &&
                          std::find(known.begin(), known.end(), name->text) != known.end();
    if (!is_known) {
      throw ConfigError(fmt::format(
          "{}: {}[{}] = {}: must be the entry variant, the name of a mixer, or a map of a name and "
          "options{}",
          item.place, key, i, item.shown(), known_names(name == nullptr ? "" : name->text, known)));
    }
    if (item.kind == Kind::kMap && name->text == kVariantEntry) {
      throw ConfigError(
          fmt::format("{}: {}[{}] = {}: the entry variant must be that word alone; give the "
                      "variant its options in the list of variants, or name a mixer",
                      item.place, key, i, item.shown()));
    }
    WrittenMixer& entry = pattern.emplace_back();
    entry.name = name->text;
    entry.place = item.place;
    if (item.kind == Kind::kMap) entry.options = item;
  }
  return pattern;
}

std::vector<std::string> pattern_texts(const VariantSettings& variant, PatternText kind) {
  const auto is_variant = [&](const auto& layer) { return layer == variant.mixer; };
  if (std::all_of(variant.layers.begin(), variant.layers.end(), is_variant)) {
    return {std::string(kVariantEntry)};
  }
  const EntryText text(*variant.mixer, kind);
  std::vector<std::string> all;
  for (const auto& layer : variant.layers) {
    all.push_back(is_variant(layer) ? std::string(kVariantEntry) : text(*layer));
  }
  std::size_t period = 1;
  while (!std::equal(all.begin() + static_cast<std::ptrdiff_t>(period), all.end(), all.begin())) {
    ++period;
  }
  all.resize(period);
  return all;
}

}  // namespace recollect
