#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace recollect {

struct YamlEntry;

/// A YAML value that knows where it was written. Maps keep the order of the file and hold no key
/// twice; aliases are expanded.
struct YamlValue {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  std::string text;                ///< of a scalar
  bool quoted = false;             ///< a scalar in quotes is text, never a number
  std::string place;               ///< "configs/x.yaml:5" or "--set task.pairs=16"
  std::vector<YamlValue> items;    ///< of a list
  std::vector<YamlEntry> entries;  ///< of a map

  /// The value of a map's key, or null where the map lacks it (or this is no map).
  [[nodiscard]] const YamlValue* find(std::string_view key) const noexcept;
  /// The value on one line as a message shows it: cut to about 60 characters, unprintable bytes as
  /// \xNN, so that a hostile file cannot drive the terminal.
  [[nodiscard]] std::string shown() const;
};

struct YamlEntry {
  std::string key;
  std::string place;
  YamlValue value;
};

/// The bytes of a file. @throws IoError where it cannot be read, is no regular file, or is larger
/// than any configuration (1 MiB)
[[nodiscard]] std::string read_configuration_file(const std::string& path);

/// What is refused before it costs memory or time.
struct YamlLimits {
  std::size_t bytes = std::size_t{1} << 20;
  std::size_t values = std::size_t{1}
                       << 18;  ///< with aliases expanded: aliases of aliases grow exponentially
};

/// Parses the one document that `text` must hold. A null document gives a null value.
/// @param name  of the file, for messages and places
/// @throws ConfigError naming file and line: not UTF-8, tabs, not YAML, a key twice, nested deeper
///         than 16, more than one document, tags, merge keys, beyond the limits
[[nodiscard]] YamlValue parse_yaml(const std::string& text, const std::string& name,
                                   const YamlLimits& limits = {});

/// Parses the right-hand side of an override; every value in it has the place `place`.
[[nodiscard]] YamlValue parse_yaml_at(const std::string& text, const std::string& place);

/// A scalar as YAML writes it: plain where that reads back as the same text, quoted otherwise.
[[nodiscard]] std::string yaml_quoted(std::string_view text);

/// A value in flow style on one line; parsing it gives the same value.
[[nodiscard]] std::string yaml_flow(const YamlValue& value);

}  // namespace recollect
