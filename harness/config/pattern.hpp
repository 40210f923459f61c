#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/config/settings.hpp"
#include "harness/config/yaml_tree.hpp"

namespace recollect {

/// A mixer as a configuration names it: an entry of `variants:` or of a pattern.
struct WrittenMixer {
  std::string name;
  std::string place;
  YamlValue options;  ///< a map, `name` among its keys; empty for a bare name
};

/// A pattern as written; empty: none is given.
using Pattern = std::vector<WrittenMixer>;

/// The entry of a pattern that stands for the variant of the cell.
inline constexpr std::string_view kVariantEntry = "variant";

/// Reads a list of at least one entry; what its maps hold beside names is not yet looked at.
/// @param key  in full, for messages: "model.pattern"
/// @throws ConfigError
[[nodiscard]] Pattern read_pattern(const YamlValue& value, const std::string& key);

/// What a text of a pattern says of an entry's options.
enum class PatternText {
  kFiles,  ///< all that a configuration needs to give the same layers beside the variant's options
  kIdentity,  ///< what makes another cell: options that differ from the mixer's defaults
};

/// The shortest pattern that gives a variant's layers, one text an entry: "variant", a name, or a
/// map. Layers of the variant's name and options are the variant, whatever they were called.
[[nodiscard]] std::vector<std::string> pattern_texts(const VariantSettings& variant,
                                                     PatternText kind);

}  // namespace recollect
