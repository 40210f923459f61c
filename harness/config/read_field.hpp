#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.hpp"
#include "harness/config/yaml_tree.hpp"

namespace recollect {

/// Where each option that was given stands: "task.pairs" -> "configs/x.yaml:5". Sections are in it
/// too ("task"), so that an option left to its default can point at its section.
using PlaceMap = std::map<std::string, std::string>;

/// Sets the option from its YAML value: type, then bounds.
/// @param key  in full, for messages: "task.pairs"
/// @throws ConfigError naming place, key, value, bound and remedy
void read_field(const Field& field, const YamlValue& value, const std::string& key);

/// Reads a section: every entry must be one of `fields`, or one of `others`, which are left to the
/// caller. Notes the place of each in `places`.
/// @throws ConfigError
void read_section(const Fields& fields, const YamlValue& section, const std::string& name,
                  const std::vector<std::string>& others, PlaceMap& places);

/// @throws ConfigError where `value` is not of the kind that `key` takes; `example` shows one
void require_map(const YamlValue& value, std::string_view key, std::string_view example);
void require_list(const YamlValue& value, std::string_view key, std::string_view example);

/// A text that is to name something in files and tables: not empty, at most 100 bytes, free of
/// comma, quotes and control characters. @throws ConfigError
[[nodiscard]] std::string read_name(const YamlValue& value, std::string_view key);

/// A name that becomes part of a file's name too: also no '/', and no '.' in front.
/// @throws ConfigError
[[nodiscard]] std::string read_file_name(const YamlValue& value, std::string_view key);

/// The name of one of `known`. @throws ConfigError listing them and the nearest
[[nodiscard]] std::string read_known(const YamlValue& value, std::string_view key,
                                     const std::vector<std::string>& known);

/// A whole number in low..high. @throws ConfigError
[[nodiscard]] std::int64_t read_integer(const YamlValue& value, std::string_view key,
                                        std::int64_t low, std::int64_t high);

/// "; did you mean 'pairs'? known: a, b" with the first half where a name is near.
[[nodiscard]] std::string known_names(std::string_view name, const std::vector<std::string>& known);

}  // namespace recollect
