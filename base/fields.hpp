#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace recollect {

/// An enumeration seen through its names; reads and writes the member that it was declared on.
struct ChoiceRef {
  std::function<int()> get;
  std::function<void(int)> set;
  std::vector<std::string> names;  ///< names[i] is the enumerator of value i
};

/// Where an option's value lives. An optional that is empty means "not given; a default is
/// derived". A list of strings holds names or maps, each as YAML writes it on one line.
using FieldRef =
    std::variant<std::int64_t*, double*, bool*, std::string*, std::optional<std::int64_t>*,
                 std::optional<double>*, std::vector<std::int64_t>*, std::vector<double>*,
                 std::vector<std::string>*, ChoiceRef>;

/// One option, declared once, bound to a member of a settings struct. The declaration drives
/// reading YAML, the resolved dump, the generated documentation, the hash of a cell and the CSV
/// columns.
struct Field {
  std::string name;  ///< key inside its section, e.g. "pairs"
  std::string help;  ///< one line: meaning and unit
  FieldRef value;
  double low = 0.0;        ///< smallest allowed number (of each element, for a list)
  double high = 0.0;       ///< largest allowed number; no bounds where low == high
  bool low_open = false;   ///< true: `low` itself is not allowed
  bool high_open = false;  ///< true: `high` itself is not allowed
  std::string derived;     ///< for optionals: what an absent value means, e.g. "the cell's seed"
  std::size_t exact_size = 0;  ///< for lists: the only allowed length; 0: any but none
  /// The variant's name sets it: what `model:` says is for the other variants.
  bool set_by_name = false;
  std::string implied;   ///< a text that is left out where settings are written down; "": none
  bool decided = false;  ///< by another option: left out there, whatever it is
  /// Texts that stand for another one in the identity of a cell, where the meaning of a name has
  /// changed: {text, text in the identity}.
  std::vector<std::pair<std::string, std::string>> identities;
  std::string also;  ///< a word allowed in place of a number or list ("online"); leaves it empty

  /// Inclusive bounds.
  Field&& range(double lowest, double highest) &&;
  /// Bounds that exclude the lowest value, e.g. a rate that must be positive.
  Field&& above(double bound, double highest) &&;
  /// Bounds that exclude the highest value, e.g. Adam's betas.
  Field&& below(double lowest, double bound) &&;
  Field&& when_absent(std::string meaning) &&;
  Field&& size(std::size_t elements) &&;
  Field&& or_word(std::string word) &&;
  /// A name that means something new has another text in the identity of a cell, so that cells of
  /// both meanings stay distinct.
  Field&& identified_as(std::vector<std::pair<std::string, std::string>> texts) &&;
  /// For an option that files and tables from before do not have: its default, which they mean. It
  /// is not written, so that they stay what they are.
  Field&& implied_at(std::string default_text) &&;

  [[nodiscard]] bool bounded() const noexcept { return low != high; }
  [[nodiscard]] bool is_implied() const {
    return decided || (!implied.empty() && text() == implied);
  }
  /// "int", "real", "bool", "string", "list of int", "list of real", "list of names or maps" or
  /// "one of a, b, c".
  [[nodiscard]] std::string type() const;
  /// The value as YAML writes it; doubles in the shortest form that reads back to the same bits.
  /// An absent optional gives "" (or the word of `or_word`, as an empty list does).
  [[nodiscard]] std::string text() const;
  /// text(), or what stands for it in the identity of a cell.
  [[nodiscard]] std::string identity_text() const;
  /// "1..4096", "> 0 and <= 1"; "" without bounds.
  [[nodiscard]] std::string bounds_text() const;
};

using Fields = std::vector<Field>;

/// Gives an option the value of another of the same type.
void assign(const Field& to, const Field& from);

/// Declares an option on a member: field("pairs", pairs, "key-value pairs an example
/// holds").range(1, 63).
template <class T>
[[nodiscard]] Field field(std::string name, T& member, std::string help) {
  Field made;
  made.name = std::move(name);
  made.help = std::move(help);
  made.value = &member;
  return made;
}

/// Declares an option whose values are the enumerators of E, named in order from 0.
template <class E>
[[nodiscard]] Field choice(std::string name, E& member, std::vector<std::string> names,
                           std::string help) {
  Field made;
  made.name = std::move(name);
  made.help = std::move(help);
  made.value =
      ChoiceRef{[&member] { return static_cast<int>(member); },
                [&member](int value) { member = static_cast<E>(value); }, std::move(names)};
  return made;
}

/// The shortest decimal that reads back to the same double; "1e-3" style is never needed to be
/// exact.
[[nodiscard]] std::string shortest(double value);

}  // namespace recollect
