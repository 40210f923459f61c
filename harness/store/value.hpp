#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace recollect {

/// The value of an option as its declaration writes it (Field::text()): "8", "1.0e-08", "true",
/// "[0.9, 0.999]", or a word, "packed"; empty where the option does not apply or is not given.
struct OptionText {
  std::string text;
  bool is_word = false;
  friend bool operator==(const OptionText& a, const OptionText& b) { return a.text == b.text; }
};

/// Numbers of one column, one for each seed.
using Series = std::vector<double>;
using Integers = std::vector<std::int64_t>;

/// When a run solved the task, or up to which step it was watched without.
struct SolveStep {
  std::int64_t step = 0;
  bool solved = false;
};
using SolveSteps = std::vector<SolveStep>;

/// What a cell of a table holds, before a renderer makes it text. std::monostate: it is absent.
using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string, OptionText,
                           Series, Integers, SolveSteps>;

/// The value of an optional; std::monostate if it is absent.
template <class T>
[[nodiscard]] Value value_of(const std::optional<T>& value) {
  return value ? Value(*value) : Value();
}

/// As CSV files hold it: nothing where it is absent, 1 and 0 for a truth, numbers by shortest(),
/// series with blanks between, "3500 >6000" for steps.
[[nodiscard]] std::string csv_text(const Value& value);

/// A table of values.
struct DataTable {
  std::vector<std::string> header;
  std::vector<std::vector<Value>> rows;  ///< each as long as the header
};

}  // namespace recollect
