#include "harness/store/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <type_traits>

#include "base/error.hpp"
#include "base/fields.hpp"
#include "base/text.hpp"
#include "tasks/registry.hpp"

namespace recollect {
namespace {

template <class T>
Value write_value(const T& value) {
  return value;
}
Value write_value(const std::optional<double>& value) { return value_of(value); }
Value write_value(Weights value) { return name_of(value); }
Value write_value(Split value) { return std::string(name_of(value)); }

constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::size_t kBitsOfDigit = 4;
constexpr char kBits = 'x';  // before the digits, which are no number

Value write_value(const std::vector<bool>& bits) {
  std::string text(1, kBits);
  for (std::size_t i = 0; i < bits.size(); i += kBitsOfDigit) {
    std::size_t digit = 0;
    for (std::size_t j = i; j < i + kBitsOfDigit; ++j) {
      digit = 2 * digit + (j < bits.size() && bits[j] ? 1 : 0);
    }
    text += kDigits[digit];
  }
  return text;
}

void read_value(double& value, const std::string& text) { value = to_real(text); }
void read_value(std::int64_t& value, const std::string& text) { value = to_integer(text); }
void read_value(bool& value, const std::string& text) {
  if (text != "0" && text != "1") {
    throw IoError(fmt::format("'{}' is neither 0 nor 1", printable(text)));
  }
  value = text == "1";
}
void read_value(std::string& value, const std::string& text) { value = text; }
void read_value(std::optional<double>& value, const std::string& text) {
  value = text.empty() ? std::nullopt : std::optional(to_real(text));
}
/// Gives whole digits: the caller knows how many bits there are.
void read_value(std::vector<bool>& bits, const std::string& text) {
  bits.clear();
  for (const char c : std::string_view(text).substr(text.starts_with(kBits) ? 1 : 0)) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) {
      throw IoError(fmt::format("'{}' is no digit of 0-9a-f", printable(std::string_view(&c, 1))));
    }
    for (std::size_t j = kBitsOfDigit; j-- > 0;) bits.push_back(((digit >> j) & 1) != 0);
  }
}

template <class Choice>
void read_choice(Choice& value, const std::string& text, std::initializer_list<Choice> choices) {
  for (const Choice choice : choices) {
    if (csv_text(write_value(choice)) == text) {
      value = choice;
      return;
    }
  }
  throw IoError(fmt::format("'{}' is not a known name", printable(text)));
}
void read_value(Weights& value, const std::string& text) {
  read_choice(value, text, {Weights::kFinal, Weights::kBest});
}
void read_value(Split& value, const std::string& text) {
  read_choice(value, text, {Split::kTrain, Split::kValidation, Split::kTest});
}

/// A column of a member; `member(row)` gives a reference to it.
template <class Row, class Member>
Column<Row> column(std::string name, Member member) {
  return {std::move(name),
          [member](const Row& row) { return write_value(member(const_cast<Row&>(row))); },
          [member](Row& row, const std::string& text) { read_value(member(row), text); }};
}

template <class Row>
Column<Row> optional(Column<Row> column) {
  column.optional = true;
  return column;
}

Column<ScoreRow> ceiling_column(const std::string& rule) {
  return {"ceiling_" + rule,
          [rule](const ScoreRow& row) { return value_of(ceiling_of(row.ceilings, rule)); },
          [rule](ScoreRow& row, const std::string& text) {
            if (!text.empty()) row.ceilings.push_back({rule, to_real(text)});
          }};
}

/// Ids that come from elsewhere have no loss.
bool lacks_loss(const ScoreRow& row) { return std::isnan(row.loss) && row.best_step == 0; }

Column<ScoreRow> loss_column() {
  return {"loss", [](const ScoreRow& row) { return lacks_loss(row) ? Value() : Value(row.loss); },
          [](ScoreRow& row, const std::string& text) {
            const bool none = text.empty() && row.best_step == 0;
            row.loss = none ? std::numeric_limits<double>::quiet_NaN() : to_real(text);
          }};
}

/// The columns of rules that only some tasks have.
void add_ceilings(std::vector<Column<ScoreRow>>& columns) {
  std::set<std::string_view> known = {"first", "recent"};
  for (const TaskEntry& entry : tasks()) {
    const std::unique_ptr<TaskSettings> settings = entry.settings();
    for (const std::string_view rule : settings->rules()) {
      if (known.insert(rule).second) columns.push_back(optional(ceiling_column(std::string(rule))));
    }
  }
}

/// "validation_accuracy_2", of the second component of a mixture.
Column<HistoryRow> component_column(std::size_t number) {
  return {fmt::format("validation_accuracy_{}", number),
          [number](const HistoryRow& row) {
            return number <= row.component_accuracies.size()
                       ? Value(row.component_accuracies[number - 1])
                       : Value();
          },
          [](HistoryRow& row, const std::string& text) {
            if (!text.empty()) row.component_accuracies.push_back(to_real(text));
          }};
}

/// "eval_pairs": the options that eval.cells may give, but for the length.
template <class Row>
void add_eval_settings(std::vector<Column<Row>>& columns) {
  std::set<std::string> known = {"length"};
  for (const TaskEntry& entry : tasks()) {
    const std::unique_ptr<TaskSettings> task = entry.settings();
    for (const Field& field : task->fields()) {
      const std::string name = field.name;
      if (!known.insert(name).second) continue;
      columns.push_back(optional(Column<Row>{"eval_" + name,
                                             [name](const Row& row) {
                                               const auto found = row.key.settings.find(name);
                                               return found == row.key.settings.end()
                                                          ? Value()
                                                          : Value(OptionText{found->second});
                                             },
                                             [name](Row& row, const std::string& text) {
                                               if (!text.empty()) row.key.settings[name] = text;
                                             }}));
    }
  }
}

}  // namespace

std::optional<double> ceiling_of(const std::vector<RuleAccuracy>& ceilings, std::string_view rule) {
  for (const RuleAccuracy& each : ceilings) {
    if (each.rule == rule) return each.accuracy;
  }
  return std::nullopt;
}

std::string settings_text(const ScoreKey& key) {
  std::string text;
  for (const auto& [name, value] : key.settings) text += fmt::format(", {} {}", name, value);
  return text;
}

std::string name_of(Weights weights) { return weights == Weights::kFinal ? "final" : "best"; }

std::string name_of(UnseenLevels mode) {
  switch (mode) {
    case UnseenLevels::kError:
      return "error";
    case UnseenLevels::kClamp:
      return "clamp";
    case UnseenLevels::kAsIs:
      return "as-is";
  }
  return {};
}

const std::vector<Column<HistoryRow>>& history_columns() {
  using Row = HistoryRow;
  static const std::vector<Column<Row>> columns = [] {
    std::vector<Column<Row>> all = {
        column<Row>(
            "step", [](Row & row) -> auto& { return row.step; }),
        column<Row>(
            "loss", [](Row & row) -> auto& { return row.loss; }),
        column<Row>(
            "gradient_norm", [](Row & row) -> auto& { return row.gradient_norm; }),
        column<Row>(
            "learning_rate", [](Row & row) -> auto& { return row.learning_rate; }),
        column<Row>(
            "validation_accuracy", [](Row & row) -> auto& { return row.validation_accuracy; }),
        column<Row>(
            "validation_exact_match",
            [](Row & row) -> auto& { return row.validation_exact_match; }),
        optional(column<Row>(
            "validation_loss", [](Row & row) -> auto& { return row.validation_loss; })),
    };
    for (std::size_t number = 1; number <= kMostComponents; ++number) {
      all.push_back(optional(component_column(number)));
    }
    return all;
  }();
  return columns;
}

const std::vector<Column<ScoreRow>>& score_columns() {
  using Row = ScoreRow;
  static const std::vector<Column<Row>> columns = [] {
    std::vector<Column<Row>> all = {
        column<Row>(
            "weights", [](Row & row) -> auto& { return row.key.weights; }),
        column<Row>(
            "best_step", [](Row & row) -> auto& { return row.best_step; }),
        column<Row>(
            "split", [](Row & row) -> auto& { return row.key.split; }),
        column<Row>(
            "eval_length", [](Row & row) -> auto& { return row.key.eval_length; }),
        column<Row>(
            "accuracy", [](Row & row) -> auto& { return row.accuracy; }),
        column<Row>(
            "exact_match", [](Row & row) -> auto& { return row.exact_match; }),
        loss_column(),
        column<Row>(
            "scored", [](Row & row) -> auto& { return row.scored; }),
        column<Row>(
            "chance", [](Row & row) -> auto& { return row.chance; }),
        ceiling_column("first"),
        ceiling_column("recent"),
        column<Row>(
            "unseen_level", [](Row & row) -> auto& { return row.unseen_level; }),
        column<Row>(
            "examples", [](Row & row) -> auto& { return row.key.examples; }),
        column<Row>(
            "unseen_levels", [](Row & row) -> auto& { return row.key.unseen_levels; }),
        column<Row>(
            "foreign_selection", [](Row & row) -> auto& { return row.foreign_selection; }),
    };
    add_ceilings(all);
    add_eval_settings(all);
    return all;
  }();
  return columns;
}

const std::vector<Column<SliceRow>>& slice_columns() {
  using Row = SliceRow;
  static const std::vector<Column<Row>> columns = [] {
    std::vector<Column<Row>> all = {
        column<Row>(
            "weights", [](Row & row) -> auto& { return row.key.weights; }),
        column<Row>(
            "split", [](Row & row) -> auto& { return row.key.split; }),
        column<Row>(
            "eval_length", [](Row & row) -> auto& { return row.key.eval_length; }),
        column<Row>(
            "slice", [](Row & row) -> auto& { return row.slice; }),
        column<Row>(
            "value", [](Row & row) -> auto& { return row.value; }),
        column<Row>(
            "scored", [](Row & row) -> auto& { return row.scored; }),
        column<Row>(
            "accuracy", [](Row & row) -> auto& { return row.accuracy; }),
        column<Row>(
            "examples", [](Row & row) -> auto& { return row.key.examples; }),
        column<Row>(
            "unseen_levels", [](Row & row) -> auto& { return row.key.unseen_levels; }),
    };
    add_eval_settings(all);
    return all;
  }();
  return columns;
}

const std::vector<Column<CorrectRow>>& correct_columns() {
  using Row = CorrectRow;
  static const std::vector<Column<Row>> columns = [] {
    std::vector<Column<Row>> all = {
        column<Row>(
            "weights", [](Row & row) -> auto& { return row.key.weights; }),
        column<Row>(
            "split", [](Row & row) -> auto& { return row.key.split; }),
        column<Row>(
            "eval_length", [](Row & row) -> auto& { return row.key.eval_length; }),
        column<Row>(
            "examples", [](Row & row) -> auto& { return row.key.examples; }),
        column<Row>(
            "unseen_levels", [](Row & row) -> auto& { return row.key.unseen_levels; }),
        column<Row>(
            "exact", [](Row & row) -> auto& { return row.exact; }),
    };
    add_eval_settings(all);
    return all;
  }();
  return columns;
}

bool has_numbers(const ScoreRow& row) {
  return std::isfinite(row.accuracy) && std::isfinite(row.exact_match) &&
         (std::isfinite(row.loss) || lacks_loss(row));
}

std::string fault_of(const ScoreRow& row) {
  const auto share = [](const char* name, double value, std::int64_t of) -> std::string {
    if (!(value >= 0.0 && value <= 1.0)) return fmt::format("{} = {} is not in 0..1", name, value);
    const double count = value * static_cast<double>(of);
    // A quotient of whole numbers, read back to the last bit, is whole again but for rounding.
    if (std::abs(count - std::round(count)) > 1e-9 * static_cast<double>(of)) {
      return fmt::format("{} = {} is no whole number of {}", name, shortest(value), of);
    }
    return "";
  };
  if (!std::isfinite(row.loss) && !lacks_loss(row))
    return fmt::format("loss = {} is not finite", row.loss);
  std::string fault = share("accuracy", row.accuracy, row.scored);
  if (fault.empty()) fault = share("exact_match", row.exact_match, row.key.examples);
  return fault;
}

std::vector<CorrectRow> correct_rows(const CsvTable& table, const std::string& name) {
  std::vector<CorrectRow> rows = from_table(correct_columns(), table, name);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<bool>& exact = rows[i].exact;
    const std::int64_t examples = rows[i].key.examples;
    const auto bits = static_cast<std::int64_t>(exact.size());
    const auto spare = bits - examples;
    if (examples < 1 || spare < 0 || spare >= static_cast<std::int64_t>(kBitsOfDigit) ||
        std::find(exact.begin() + examples, exact.end(), true) != exact.end()) {
      throw_in_cell(name, i + 1, "exact",
                    IoError(fmt::format("{} digits do not fit the row's {} examples",
                                        exact.size() / kBitsOfDigit, examples)));
    }
    exact.resize(static_cast<std::size_t>(examples));
  }
  return rows;
}

}  // namespace recollect
