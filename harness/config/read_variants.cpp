#include "harness/config/read_variants.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <utility>

#include "base/error.hpp"
#include "harness/config/pattern.hpp"
#include "harness/config/read_field.hpp"
#include "models/outside.hpp"
#include "models/registry.hpp"

namespace recollect {
namespace {

using Kind = YamlValue::Kind;

/// A label that is another variant's name would make tables say what is not.
void check_label(const VariantEntry& variant, const std::string& key, AllowedNames names) {
  if (names == AllowedNames::kAny || variant.label == variant.name) return;
  if (mixers().find(variant.label) == nullptr) return;
  throw ConfigError(
      fmt::format("{}: {}.label = {}: is the name of another variant than {}; take another label",
                  variant.place, key, variant.label, variant.name));
}

std::string read_variant_name(const YamlValue& map, const std::string& key, AllowedNames names) {
  const YamlValue* name = map.find("name");
  if (name == nullptr) {
    throw ConfigError(fmt::format("{}: {} = {}: has no name; add name: and one of {}", map.place,
                                  key, map.shown(), fmt::join(mixers().names(), ", ")));
  }
  const bool outside = names == AllowedNames::kAny && name->text == kOutside;
  return outside ? name->text : read_known(*name, key + ".name", mixers().names());
}

VariantEntry read_variant(const YamlValue& item, const std::string& key, AllowedNames names) {
  VariantEntry variant;
  variant.place = item.place;
  if (item.kind != Kind::kMap) {
    variant.name = read_known(item, key, mixers().names());
    variant.label = variant.name;
    return variant;
  }
  variant.name = read_variant_name(item, key, names);
  variant.label = variant.name;
  if (const YamlValue* label = item.find("label"); label != nullptr) {
    variant.label = allowed_name(read_name(*label, key + ".label"), *label, key + ".label", names);
    check_label(variant, key, names);
  }
  variant.options = item;
  if (const YamlValue* pattern = item.find("pattern"); pattern != nullptr) {
    variant.pattern = read_pattern(*pattern, key + ".pattern");
  }
  return variant;
}

std::vector<VariantEntry> all_variants() {
  std::vector<VariantEntry> variants;
  for (const std::string& name : mixers().names()) {
    VariantEntry& variant = variants.emplace_back();
    variant.name = variant.label = name;
  }
  return variants;
}

}  // namespace

std::vector<VariantEntry> read_variants(const YamlValue* list, AllowedNames names) {
  if (list == nullptr) return all_variants();
  require_list(*list, "variants", "[fixed-decay, adaptive-decay]");
  std::vector<VariantEntry> variants;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const std::string key = fmt::format("variants[{}]", i);
    VariantEntry variant = read_variant(list->items[i], key, names);
    for (const VariantEntry& other : variants) {
      if (other.label == variant.label) {
        throw ConfigError(
            fmt::format("{}: {} has the label '{}' of another variant ({}); give it a "
                        "label of its own, {{name: {}, label: ...}}",
                        variant.place, key, variant.label, other.place, variant.name));
      }
    }
    variants.push_back(std::move(variant));
  }
  return variants;
}

}  // namespace recollect
