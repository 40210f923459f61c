#include "base/fields.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <type_traits>
#include <utility>

namespace recollect {

namespace {

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

std::string yaml_text(std::int64_t value) { return std::to_string(value); }

// Readers of YAML 1.1 take 1e-08 for a word and 1.0e-08 for a number.
std::string yaml_text(double value) {
  std::string text = shortest(value);
  const std::size_t exponent = text.find('e');
  if (exponent != std::string::npos && text.find('.') == std::string::npos) {
    text.insert(exponent, ".0");
  }
  return text;
}

std::string yaml_text(const std::string& value) { return value; }

template <class T>
std::string list_text(const std::vector<T>& values) {
  std::string text = "[";
  for (const T& value : values) {
    if (text.size() > 1) text += ", ";
    text += yaml_text(value);
  }
  text += "]";
  return text;
}

// Whole bounds in full: 1000000000, not 1e+09.
std::string bound_text(double bound) {
  constexpr double kExact = 9007199254740992.0;
  const bool whole = bound >= -kExact && bound <= kExact && bound == std::trunc(bound);
  return whole ? std::to_string(static_cast<std::int64_t>(bound)) : shortest(bound);
}

std::string type_of(const Field& made) {
  if (const auto* names = std::get_if<ChoiceRef>(&made.value)) {
    std::string text = "one of ";
    for (std::size_t i = 0; i < names->names.size(); ++i) {
      if (i > 0) text += ", ";
      text += names->names[i];
    }
    return text;
  }
  // In the order of FieldRef.
  constexpr std::array<const char*, 9> kTypes = {
      "int",         "real",         "bool",
      "string",      "int",          "real",
      "list of int", "list of real", "list of names or maps"};
  return kTypes.at(made.value.index());
}

}  // namespace

Field&& Field::range(double lowest, double highest) && {
  low = lowest;
  high = highest;
  return std::move(*this);
}

Field&& Field::above(double bound, double highest) && {
  low = bound;
  high = highest;
  low_open = true;
  return std::move(*this);
}

Field&& Field::below(double lowest, double bound) && {
  low = lowest;
  high = bound;
  high_open = true;
  return std::move(*this);
}

Field&& Field::when_absent(std::string meaning) && {
  derived = std::move(meaning);
  return std::move(*this);
}

Field&& Field::size(std::size_t elements) && {
  exact_size = elements;
  return std::move(*this);
}

Field&& Field::or_word(std::string word) && {
  also = std::move(word);
  return std::move(*this);
}

Field&& Field::identified_as(std::vector<std::pair<std::string, std::string>> texts) && {
  identities = std::move(texts);
  return std::move(*this);
}

Field&& Field::implied_at(std::string default_text) && {
  implied = std::move(default_text);
  return std::move(*this);
}

std::string Field::type() const {
  std::string text = type_of(*this);
  if (!also.empty()) {
    text += " or ";
    text += also;
  }
  return text;
}

std::string Field::text() const {
  return std::visit(
      [this](const auto& ref) -> std::string {
        using Ref = std::decay_t<decltype(ref)>;
        if constexpr (std::is_same_v<Ref, ChoiceRef>) {
          return ref.names.at(static_cast<std::size_t>(ref.get()));
        } else if constexpr (std::is_same_v<Ref, bool*>) {
          return *ref ? "true" : "false";
        } else if constexpr (std::is_same_v<Ref, std::string*>) {
          return *ref;
        } else if constexpr (std::is_same_v<Ref, std::int64_t*> || std::is_same_v<Ref, double*>) {
          return yaml_text(*ref);
        } else if constexpr (IsVector<std::decay_t<decltype(*ref)>>::value) {
          return ref->empty() && !also.empty() ? also : list_text(*ref);
        } else {
          return *ref ? yaml_text(**ref) : also;
        }
      },
      value);
}

std::string Field::identity_text() const {
  std::string own = text();
  for (const auto& [given, identity] : identities) {
    if (given == own) return identity;
  }
  return own;
}

void assign(const Field& to, const Field& from) {
  std::visit(
      [&](const auto& target) {
        using Target = std::decay_t<decltype(target)>;
        const auto& source = std::get<Target>(from.value);
        if constexpr (std::is_same_v<Target, ChoiceRef>) {
          target.set(source.get());
        } else {
          *target = *source;
        }
      },
      to.value);
}

std::string Field::bounds_text() const {
  if (!bounded()) return "";
  if (!low_open && !high_open) {
    std::string text = bound_text(low);
    text += "..";
    text += bound_text(high);
    return text;
  }
  std::string text = low_open ? "> " : ">= ";
  text += bound_text(low);
  text += high_open ? " and < " : " and <= ";
  text += bound_text(high);
  return text;
}

std::string shortest(double value) {
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return error == std::errc() ? std::string(buffer.data(), end) : std::string();
}

}  // namespace recollect
