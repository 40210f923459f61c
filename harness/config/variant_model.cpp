#include "harness/config/variant_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "harness/config/read_field.hpp"
#include "harness/config/reporter.hpp"

namespace recollect {

namespace {

// Whether the option is one of the model around the mixers, which all layers share.
bool is_around(std::string_view option) {
  const Fields around = ModelSettings().fields();
  return std::any_of(around.begin(), around.end(),
                     [&](const Field& field) { return field.name == option; });
}

// Whether `holds` is true of the variant, or of an entry of its pattern that has such an option.
template <class Holds>
bool any_mixer(const Draft& draft, const VariantEntry& variant, std::string_view option,
               const Holds& holds) {
  if (model_option_applies(variant.name, option) && holds(variant)) return true;
  if (is_around(option)) return false;
  const Pattern& pattern = pattern_of(draft, variant);
  return std::any_of(pattern.begin(), pattern.end(), [&](const WrittenMixer& entry) {
    return entry.name != kVariantEntry && model_option_applies(entry.name, option) && holds(entry);
  });
}

// Reads a mixer's own map over what `model:` says.
// @param others  keys that are no options
void read_own(const WrittenMixer& mixer, const std::string& key,
              const std::vector<std::string>& others, ModelOptions& options, PlaceMap& places) {
  read_section(options.fields(), mixer.options, key, others, places);
  options.share();
  for (const YamlEntry& option : mixer.options.entries) {
    if (std::find(others.begin(), others.end(), option.key) != others.end()) continue;
    options.give(mixer.name, option.key);
    if (!has_model_option(mixer.name, option.key)) {
      throw ConfigError(fmt::format("{}: {}.{} = {}: {} has no use for it{}; leave it out",
                                    option.place, key, option.key, option.value.shown(), mixer.name,
                                    where_it_belongs(option.key)));
    }
  }
}

class Resolver {
 public:
  Resolver(const Draft& draft, const VariantEntry& variant, std::size_t index,
           const std::string& combination)
      : draft_(draft),
        variant_(variant),
        own_(fmt::format("variants[{}]", index)),
        combination_(combination) {}

  [[nodiscard]] VariantSettings resolve() const {
    ModelOptions options = draft_.model;
    PlaceMap places = draft_.places;
    read_own(variant_, own_, {"name", "label"}, options, places);
    const auto section = [&](const std::string& option) {
      return variant_.options.find(option) != nullptr ? own_ : std::string("model");
    };
    validate(places, "", section, [&] {
      options.model.validate();
      options.mixer(variant_.name).validate(options.model);
    });
    VariantSettings made;
    made.name = variant_.name;
    made.label = variant_.label;
    made.model = options.model;
    made.mixer = options.mixer(variant_.name).clone();
    made.given = std::make_shared<const ModelOptions>(options);
    const auto layers = static_cast<std::size_t>(made.model.layers);
    const Pattern& pattern = pattern_of(draft_, variant_);
    if (pattern.empty()) {
      made.layers.assign(layers, made.mixer);
      return made;
    }
    expect_placed(places, pattern, layers);
    std::vector<std::shared_ptr<const MixerSettings>> entries;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      entries.push_back(entry(pattern, i, made, places));
    }
    for (std::size_t i = 0; i < layers; ++i) made.layers.push_back(entries[i % entries.size()]);
    made.model.pattern = pattern_texts(made, PatternText::kFiles);
    return made;
  }

 private:
  [[nodiscard]] std::string pattern_key() const {
    return (variant_.pattern.empty() ? std::string("model") : own_) + ".pattern";
  }

  // Runs `check`; `section` says of an option where it was given.
  template <class Section, class Check>
  void validate(const PlaceMap& places, const std::string& where, const Section& section,
                const Check& check) const {
    const Reporter report(places, where + combination_);
    report("", [&] {
      try {
        check();
      } catch (const FieldError& error) {
        throw FieldError(fmt::format("{}.{}", section(error.key()), error.key()), error.detail());
      }
    });
  }

  void expect_placed(const PlaceMap& places, const Pattern& pattern, std::size_t layers) const {
    const auto found = std::find_if(pattern.begin(), pattern.end(), [](const WrittenMixer& entry) {
      return entry.name == kVariantEntry;
    });
    const auto first = static_cast<std::size_t>(found - pattern.begin());
    if (first < layers && found != pattern.end()) return;
    std::vector<std::string> names;
    for (const WrittenMixer& entry : pattern) names.push_back(entry.name);
    const std::string why =
        found == pattern.end()
            ? std::string("; add the entry variant, or leave the variant out of the list")
            : fmt::format(
                  " within {}; raise layers to {} or more, or let the entry variant "
                  "stand earlier",
                  plural(layers, "layer"), first + 1);
    const std::string key = pattern_key();
    throw ConfigError(fmt::format(
        "{}: {} = {} never places the variant {}{}{}", Reporter(places, "").place(key), key,
        printable(fmt::format("[{}]", fmt::join(names, ", "))), variant_.label, why, combination_));
  }

  // The mixer of entry i. `places` has the variant's own options too.
  [[nodiscard]] std::shared_ptr<const MixerSettings> entry(const Pattern& pattern, std::size_t i,
                                                           const VariantSettings& made,
                                                           PlaceMap places) const {
    const WrittenMixer& entry = pattern[i];
    if (entry.name == kVariantEntry) return made.mixer;
    const std::string key = fmt::format("{}[{}]", pattern_key(), i);
    for (const YamlEntry& option : entry.options.entries) {
      if (!is_around(option.key)) continue;
      throw ConfigError(
          fmt::format("{}: {}.{} = {}: is the same in all layers; set it in model or in the map of "
                      "a variant",
                      option.place, key, option.key, option.value.shown()));
    }
    ModelOptions options = draft_.model;
    read_own(entry, key, {"name"}, options, places);
    const MixerSettings& mixer = options.mixer(entry.name);
    const auto section = [&](const std::string& option) {
      if (entry.options.find(option) != nullptr) return key;
      const bool is_own = is_around(option) && variant_.options.find(option) != nullptr;
      return is_own ? own_ : std::string("model");
    };
    validate(places, fmt::format(" ({}: {})", key, entry.name), section,
             [&] { mixer.validate(made.model); });
    return mixer.clone();
  }

  const Draft& draft_;
  const VariantEntry& variant_;
  std::string own_;  // the variant's key
  const std::string& combination_;
};

}  // namespace

const Pattern& pattern_of(const Draft& draft, const VariantEntry& variant) {
  return variant.pattern.empty() ? draft.pattern : variant.pattern;
}

bool has_use(const Draft& draft, const VariantEntry& variant, std::string_view option) {
  return any_mixer(draft, variant, option, [](const WrittenMixer&) { return true; });
}

bool takes(const Draft& draft, const VariantEntry& variant, std::string_view option) {
  return any_mixer(draft, variant, option, [&](const WrittenMixer& mixer) {
    return mixer.options.find(option) == nullptr;
  });
}

VariantSettings resolve_variant(const Draft& draft, const VariantEntry& variant, std::size_t index,
                                const std::string& combination) {
  return Resolver(draft, variant, index, combination).resolve();
}

}  // namespace recollect
