#include "harness/config/read_field.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <type_traits>

#include "base/error.hpp"
#include "base/text.hpp"
#include "harness/config/declarations.hpp"

namespace recollect {

namespace {

using Kind = YamlValue::Kind;

// "a whole number, 1..63", as an error says it.
std::string expected(const Field& field) {
  std::string text;
  if (const auto* names = std::get_if<ChoiceRef>(&field.value)) {
    return fmt::format("one of {}", fmt::join(names->names, ", "));
  }
  const std::string type = field.type();
  if (type.starts_with("list of ")) {
    text = fmt::format("a list of {}{}",
                       field.exact_size > 0 ? fmt::format("{} ", field.exact_size) : "",
                       type.starts_with("list of int")    ? "whole numbers"
                       : type.starts_with("list of real") ? "numbers"
                                                          : "names or maps");
  } else if (type.starts_with("int")) {
    text = "a whole number";
  } else if (type.starts_with("real")) {
    text = "a number";
  } else if (type == "bool") {
    text = "true or false";
  } else {
    text = "a text";
  }
  if (field.bounded()) text += fmt::format(", {}", field.bounds_text());
  if (!field.also.empty()) text += fmt::format(", or the word {}", field.also);
  return text;
}

std::string example(const Field& field) {
  const std::string value = field.text();
  const bool derived = !field.derived.empty();  // the value is a stand-in then
  if (!derived && !value.empty() && value != "[]") return value;
  const double inside = field.low_open ? field.high : field.low;
  return value == "[]" ? fmt::format("[{}]", shortest(inside)) : shortest(inside);
}

[[noreturn]] void fail(const YamlValue& value, const std::string& key, const std::string& problem) {
  throw ConfigError(fmt::format("{}: {} = {}: {}", value.place, key, value.shown(), problem));
}

// One element of a number option; checks type and bounds.
class ElementReader {
 public:
  ElementReader(const Field& field, const std::string& key) : field_(field), key_(key) {}

  [[nodiscard]] std::int64_t integer(const YamlValue& value) const {
    std::int64_t number = 0;
    const char* first = begin(value);
    const char* last = end(value);
    const auto [stop, error] = std::from_chars(first, last, number);
    if (stop == last && error == std::errc::result_out_of_range) {
      fail(value, key_, fmt::format("must be {}; it does not fit 64 bits", expected(field_)));
    }
    if (stop != last || error != std::errc() || value.quoted) {
      double real = 0.0;
      const bool is_real = !value.quoted && parse_real(value, real) == std::errc();
      fail(value, key_,
           is_real
               ? fmt::format("must be {}; write it without fraction or exponent", expected(field_))
               : wrong_type(value));
    }
    const char* digits = *first == '-' ? first + 1 : first;
    if (*digits == '0' && last - digits > 1) {
      fail(value, key_, "a leading zero means octal to some readers; write it without");
    }
    bounds(value, number);
    return number;
  }

  [[nodiscard]] double real(const YamlValue& value) const {
    double number = 0.0;
    const std::errc error = value.quoted ? std::errc::invalid_argument : parse_real(value, number);
    if (error == std::errc::result_out_of_range) {
      fail(value, key_, fmt::format("must be {}; it does not fit a double", expected(field_)));
    }
    if (error != std::errc()) fail(value, key_, wrong_type(value));
    if (!std::isfinite(number)) {
      fail(value, key_, fmt::format("must be {}, and finite", expected(field_)));
    }
    bounds(value, number);
    return number == 0.0 ? 0.0 : number;  // -0 is the same setting, and must not be another cell
  }

  [[nodiscard]] std::string wrong_type(const YamlValue& value) const {
    if (value.quoted) {
      return fmt::format("must be {}; in quotes it is a text, so write it without",
                         expected(field_));
    }
    return fmt::format("must be {}; write e.g. {}", expected(field_), example(field_));
  }

 private:
  // from_chars takes no plus sign.
  static const char* begin(const YamlValue& value) {
    const std::string& text = value.text;
    const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-' && text[1] != '+';
    return text.data() + (plus ? 1 : 0);
  }
  static const char* end(const YamlValue& value) { return value.text.data() + value.text.size(); }

  static std::errc parse_real(const YamlValue& value, double& number) {
    // YAML's .inf and .nan, with or without a sign.
    const std::string_view unsigned_text =
        std::string_view(value.text)
            .substr(value.text.starts_with('-') || value.text.starts_with('+') ? 1 : 0);
    for (const std::string_view word : {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"}) {
      if (unsigned_text != word) continue;
      number = std::nan("");
      return std::errc();
    }
    const auto [stop, error] = std::from_chars(begin(value), end(value), number);
    return stop == end(value) ? error : std::errc::invalid_argument;
  }

  // In the number's own type: as a double, 2^53 + 1 would pass for 2^53.
  template <class T>
  void bounds(const YamlValue& value, T number) const {
    if (!field_.bounded()) return;
    const auto low = static_cast<T>(field_.low);
    const auto high = static_cast<T>(field_.high);
    if (number < low || (field_.low_open && number == low)) {
      fail(value, key_, fmt::format("must be {}; raise it", expected(field_)));
    }
    if (number > high || (field_.high_open && number == high)) {
      fail(value, key_, fmt::format("must be {}; lower it", expected(field_)));
    }
  }

  const Field& field_;
  const std::string& key_;
};

void require_value(const YamlValue& value, std::string_view key, const std::string& wanted) {
  if (value.kind == Kind::kNull) {
    throw ConfigError(fmt::format("{}: {} has no value: must be {}; write one or leave the key out",
                                  value.place, key, wanted));
  }
}

void require_scalar(const Field& field, const YamlValue& value, const std::string& key) {
  require_value(value, key, expected(field));
  if (value.kind == Kind::kScalar) return;
  const bool crossable = value.kind == Kind::kList && !key.starts_with("grid.");
  fail(value, key,
       fmt::format("must be {}, not a {}{}", expected(field),
                   value.kind == Kind::kList ? "list" : "map",
                   crossable ? fmt::format("; to cross values, give {} in the grid section", key)
                             : fmt::format("; write e.g. {}", example(field))));
}

/// Whether a word stands for the list.
bool is_word(const Field& field, const YamlValue& value) {
  return !field.also.empty() && value.kind == Kind::kScalar && value.text == field.also;
}

void require_filled_list(const Field& field, const YamlValue& value, const std::string& key) {
  require_value(value, key, expected(field));
  if (value.kind != Kind::kList) {
    fail(value, key, fmt::format("must be {}; write e.g. {}", expected(field), example(field)));
  }
  const bool right_size =
      field.exact_size > 0 ? value.items.size() == field.exact_size : !value.items.empty();
  if (!right_size) {
    fail(value, key, fmt::format("must be {}; it holds {}", expected(field), value.items.size()));
  }
}

template <class T, class Read>
std::vector<T> read_list(const Field& field, const YamlValue& value, const std::string& key,
                         const Read& read) {
  if (is_word(field, value)) return {};
  require_filled_list(field, value, key);
  std::vector<T> all;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const std::string element = fmt::format("{}[{}]", key, i);
    const YamlValue& item = value.items[i];
    require_value(item, element, expected(field));
    if (item.kind != Kind::kScalar) {
      fail(item, element, fmt::format("must be {}, without lists or maps in it", expected(field)));
    }
    all.push_back(read(ElementReader(field, element), item));
  }
  return all;
}

// Names or maps, each on one line.
std::vector<std::string> read_entries(const Field& field, const YamlValue& value,
                                      const std::string& key) {
  if (is_word(field, value)) return {};
  require_filled_list(field, value, key);
  std::vector<std::string> all;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    require_value(value.items[i], fmt::format("{}[{}]", key, i), expected(field));
    all.push_back(yaml_flow(value.items[i]));
  }
  return all;
}

// "; 'train.steps' is a key of another section" for a key that stands in the wrong one.
std::string other_section(const std::string& key, const std::string& name) {
  // Entries of train.mixture and eval.cells are made of options of the task.
  const bool is_entry = name.starts_with("train.mixture[") || name.starts_with("eval.cells[");
  const std::string section = is_entry ? "task" : name;
  for (const std::string& full : section_keys()) {
    if (!full.ends_with("." + key)) continue;
    return full.starts_with(section + ".")
               ? fmt::format("; it is an option of another {}", section)
               : fmt::format("; it belongs to another section, as '{}'", full);
  }
  return "";
}

template <class>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

}  // namespace

void read_field(const Field& field, const YamlValue& value, const std::string& key) {
  const auto integer = [](const ElementReader& reader, const YamlValue& v) {
    return reader.integer(v);
  };
  const auto real = [](const ElementReader& reader, const YamlValue& v) { return reader.real(v); };
  const ElementReader element(field, key);

  std::visit(
      [&](const auto& ref) {
        using Ref = std::decay_t<decltype(ref)>;
        if constexpr (std::is_same_v<Ref, std::vector<std::int64_t>*>) {
          *ref = read_list<std::int64_t>(field, value, key, integer);
        } else if constexpr (std::is_same_v<Ref, std::vector<double>*>) {
          *ref = read_list<double>(field, value, key, real);
        } else if constexpr (std::is_same_v<Ref, std::vector<std::string>*>) {
          *ref = read_entries(field, value, key);
        } else {
          require_scalar(field, value, key);
          if constexpr (std::is_same_v<Ref, ChoiceRef>) {
            const auto found = std::find(ref.names.begin(), ref.names.end(), value.text);
            if (found == ref.names.end()) {
              const std::string near = nearest_name(value.text, ref.names);
              fail(value, key,
                   fmt::format("must be {}{}", expected(field),
                               near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
            }
            ref.set(static_cast<int>(found - ref.names.begin()));
          } else if constexpr (std::is_same_v<Ref, bool*>) {
            if (value.quoted || (value.text != "true" && value.text != "false")) {
              fail(value, key, "must be true or false; write one of these words");
            }
            *ref = value.text == "true";
          } else if constexpr (std::is_same_v<Ref, std::string*>) {
            *ref = value.text;
          } else {
            using Target = std::decay_t<decltype(*ref)>;
            if constexpr (IsOptional<Target>::value) {
              if (!field.also.empty() && value.text == field.also) {
                ref->reset();
                return;
              }
            }
            if constexpr (std::is_same_v<Target, std::int64_t> ||
                          std::is_same_v<Target, std::optional<std::int64_t>>) {
              *ref = element.integer(value);
            } else {
              *ref = element.real(value);
            }
          }
        }
      },
      field.value);
}

void read_section(const Fields& fields, const YamlValue& section, const std::string& name,
                  const std::vector<std::string>& others, PlaceMap& places) {
  for (const YamlEntry& entry : section.entries) {
    const std::string key = fmt::format("{}.{}", name, entry.key);
    const auto found = std::find_if(fields.begin(), fields.end(),
                                    [&](const Field& field) { return field.name == entry.key; });
    if (found != fields.end()) {
      read_field(*found, entry.value, key);
    } else if (std::find(others.begin(), others.end(), entry.key) == others.end()) {
      std::vector<std::string> known = others;
      for (const Field& field : fields) known.push_back(field.name);
      throw ConfigError(fmt::format("{}: unknown key '{}'{}{}", entry.place, printable(key),
                                    other_section(entry.key, name), known_names(entry.key, known)));
    }
    places[key] = entry.place;
  }
}

void require_map(const YamlValue& value, std::string_view key, std::string_view example_text) {
  if (value.kind == Kind::kMap) return;
  throw ConfigError(fmt::format("{}: {} = {}: must be a map of keys; write e.g. {}", value.place,
                                key, value.shown(), example_text));
}

void require_list(const YamlValue& value, std::string_view key, std::string_view example_text) {
  if (value.kind == Kind::kList && !value.items.empty()) return;
  throw ConfigError(fmt::format("{}: {} = {}: must be a list of at least one; write e.g. {}",
                                value.place, key, value.shown(), example_text));
}

std::string read_name(const YamlValue& value, std::string_view key) {
  // Lines of tables end at U+0085, U+2028 and U+2029 too, for some readers.
  const auto breaks_table = [](std::string_view text) {
    return printable(text, kWhole) != text ||
           text.find_first_of(",\"'") != std::string_view::npos ||
           text.find("\xE2\x80\xA8") != std::string_view::npos ||
           text.find("\xE2\x80\xA9") != std::string_view::npos;
  };
  const bool ok = value.kind == Kind::kScalar && !value.text.empty() && value.text.size() <= 100 &&
                  !breaks_table(value.text);
  if (!ok) {
    throw ConfigError(
        fmt::format("{}: {} = {}: must be a text of 1..100 bytes without comma, quotes "
                    "and line breaks; it stands in tables",
                    value.place, key, value.shown()));
  }
  if (value.text.front() == ' ' || value.text.back() == ' ') {
    throw ConfigError(fmt::format("{}: {} = '{}': begins or ends with a blank; leave it out",
                                  value.place, key, value.text));
  }
  return value.text;
}

std::string read_file_name(const YamlValue& value, std::string_view key) {
  std::string name = read_name(value, key);
  if (name.find('/') != std::string::npos || name.front() == '.') {
    throw ConfigError(
        fmt::format("{}: {} = {}: must not hold '/' or begin with '.'; it names a "
                    "file",
                    value.place, key, value.shown()));
  }
  return name;
}

std::string read_known(const YamlValue& value, std::string_view key,
                       const std::vector<std::string>& known) {
  if (value.kind == Kind::kScalar &&
      std::find(known.begin(), known.end(), value.text) != known.end()) {
    return value.text;
  }
  throw ConfigError(fmt::format("{}: {} = {} is unknown{}", value.place, key, value.shown(),
                                known_names(value.text, known)));
}

std::int64_t read_integer(const YamlValue& value, std::string_view key, std::int64_t low,
                          std::int64_t high) {
  std::int64_t number = low;
  read_field(
      recollect::field("", number, "").range(static_cast<double>(low), static_cast<double>(high)),
      value, std::string(key));
  return number;
}

std::string known_names(std::string_view name, const std::vector<std::string>& known) {
  const std::string near = nearest_name(name, known);
  return fmt::format("; {}known: {}", near.empty() ? "" : fmt::format("did you mean '{}'? ", near),
                     fmt::join(known, ", "));
}

}  // namespace recollect
