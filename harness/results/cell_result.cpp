#include "harness/results/cell_result.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <set>
#include <stdexcept>
#include <utility>

#include "base/error.hpp"
#include "base/fields.hpp"
#include "harness/config/model_options.hpp"
#include "harness/store/experiment_file.hpp"
#include "tasks/task.hpp"

namespace recollect {
namespace {

using Columns = std::vector<Column<CellResult>>;

void add_settings(std::vector<Setting>& settings, const std::string& prefix, const Fields& fields) {
  for (const Field& field : fields) {
    if (field.is_implied()) continue;
    const bool is_word = std::holds_alternative<ChoiceRef>(field.value) ||
                         std::holds_alternative<std::string*>(field.value) ||
                         field.text() == field.also;
    // A path is not what was computed; what stands for it in the identity is.
    const bool is_path = std::holds_alternative<std::string*>(field.value);
    settings.push_back(
        {prefix + field.name, {is_path ? field.identity_text() : field.text(), is_word}});
  }
}

Column<CellResult> word(std::string name, std::string CellResult::*member) {
  return {std::move(name), [member](const CellResult& row) { return Value(row.*member); },
          [member](CellResult& row, const std::string& text) { row.*member = text; }};
}

/// A hash, as tables name it.
Column<CellResult> hash(std::string name, std::string CellResult::*member) {
  return {
      std::move(name),
      [member](const CellResult& row) { return Value(hash_in_table(row.*member)); },
      [member](CellResult& row, const std::string& text) { row.*member = hash_of_table(text); }};
}

Column<CellResult> integer(std::string name, std::int64_t CellResult::*member) {
  return {std::move(name), [member](const CellResult& row) { return Value(row.*member); },
          [member](CellResult& row, const std::string& text) { row.*member = to_integer(text); }};
}

Column<CellResult> of_status(std::string_view name) {
  const auto& columns = status_columns();
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const auto& column) { return column.name == name; });
  if (found == columns.end()) throw std::logic_error("a status has no such member");
  const Column<CellStatus>& own = *found;
  return {own.name, [&own](const CellResult& row) { return own.value(row.status); },
          [&own](CellResult& row, const std::string& text) {
            if (!text.empty()) own.read(row.status, text);
          }};
}

/// A score's column. Only its key and its measures must be there to read it.
Column<CellResult> of_score(const Column<ScoreRow>& own) {
  static const std::set<std::string> kNeeded = {"weights",  "split",       "eval_length",
                                                "accuracy", "exact_match", "loss"};
  return {own.name,
          [&own](const CellResult& row) { return row.score ? own.value(*row.score) : Value(); },
          [&own](CellResult& row, const std::string& text) {
            if (row.score && (!text.empty() || kNeeded.contains(own.name))) {
              own.read(*row.score, text);
            }
          },
          own.optional};
}

Column<CellResult> data_seed_column() {
  return {"data_seed",
          [](const CellResult& row) {
            return row.data_seed ? Value(*row.data_seed) : Value(std::string("seed"));
          },
          [](CellResult& row, const std::string& text) {
            if (text != "seed") row.data_seed = to_integer(text);
          }};
}

/// The columns that every table has, around those of options.
const Columns& head_columns() {
  static const Columns columns = {word("experiment", &CellResult::experiment),
                                  hash("cell", &CellResult::cell),
                                  hash("config_hash", &CellResult::config_hash),
                                  of_status("code_version"),
                                  of_status("compiler"),
                                  of_status("build"),
                                  of_status("status"),
                                  of_status("reason"),
                                  word("task", &CellResult::task)};
  return columns;
}

const Columns& middle_columns() {
  static const Columns columns = {word("variant", &CellResult::variant),
                                  word("label", &CellResult::label)};
  return columns;
}

const Columns& tail_columns() {
  static const Columns columns = [] {
    Columns all = {integer("seed", &CellResult::seed),
                   data_seed_column(),
                   integer("train_length", &CellResult::train_length),
                   of_status("steps"),
                   of_status("solved_step"),
                   of_status("parameters"),
                   of_status("training_flops"),
                   of_status("state_floats"),
                   of_status("state_floats_peak")};
    for (const Column<ScoreRow>& column : score_columns()) all.push_back(of_score(column));
    all.push_back(of_status("numerics_version"));
    return all;
  }();
  return columns;
}

const Column<CellResult>* fixed_column(std::string_view name) {
  for (const Columns* columns : {&head_columns(), &middle_columns(), &tail_columns()}) {
    for (const Column<CellResult>& column : *columns) {
      if (column.name == name) return &column;
    }
  }
  return nullptr;
}

Column<CellResult> setting_column(const std::string& name) {
  return {name, [name](const CellResult& row) { return Value(setting_of(row.settings, name)); },
          [name](CellResult& row, const std::string& text) {
            row.settings.push_back({name, {text, false}});
          }};
}

}  // namespace

const OptionText& setting_of(const std::vector<Setting>& settings, std::string_view name) {
  static const OptionText none;
  const auto found = std::find_if(settings.begin(), settings.end(),
                                  [&](const Setting& setting) { return setting.name == name; });
  return found == settings.end() ? none : found->value;
}

bool is_setting_column(std::string_view column) {
  return column.starts_with("task_") || column.starts_with("model_") ||
         (column.starts_with("train_") && column != "train_length");
}

std::vector<std::string> setting_names(const std::vector<const std::vector<Setting>*>& rows) {
  std::vector<std::string> tasks, others;
  std::set<std::string> known;
  for (const std::vector<Setting>* settings : rows) {
    for (const Setting& setting : *settings) {
      if (!known.insert(setting.name).second) continue;
      (setting.name.starts_with("task_") ? tasks : others).push_back(setting.name);
    }
  }
  tasks.insert(tasks.end(), others.begin(), others.end());
  return tasks;
}

CellResult describe_cell(const std::string& experiment, const std::string& config_hash,
                         const Cell& cell, const std::string& folder, const CellStatus& status) {
  CellResult row;
  row.experiment = experiment;
  row.cell = folder;
  row.config_hash = config_hash;
  row.status = status;
  row.status.files.clear();  // digests, which would be most of the memory of many rows
  row.task = cell.task->name();
  row.variant = cell.variant.name;
  row.label = cell.variant.label;
  // fields() binds to its object, so it needs one that may change.
  const std::unique_ptr<TaskSettings> task = cell.task->clone();
  add_settings(row.settings, "task_", task->fields());
  for (auto& [name, text] : option_texts(cell.variant)) {
    row.settings.push_back({"model_" + name, {std::move(text), false}});
  }
  TrainSettings train = cell.train;
  train.order_seed = cell.order_seed;
  add_settings(row.settings, "train_", train.fields());
  row.seed = cell.seed;
  row.data_seed = cell.data_seed;
  row.train_length = cell.task->length;
  return row;
}

void name_following_seeds(std::vector<CellResult>& results) {
  const auto order = [](CellResult& row) -> OptionText* {
    const auto found = std::find_if(row.settings.begin(), row.settings.end(),
                                    [](const auto& one) { return one.name == "train_order_seed"; });
    return found == row.settings.end() ? nullptr : &found->value;
  };
  std::set<std::string> own_data,
      own_order;  // experiments in which some cell departs from its seed
  for (CellResult& row : results) {
    if (row.data_seed && *row.data_seed != row.seed) own_data.insert(row.experiment);
    const OptionText* seed = order(row);
    if (seed != nullptr && seed->text != std::to_string(row.seed)) own_order.insert(row.experiment);
  }
  for (CellResult& row : results) {
    if (!own_data.contains(row.experiment)) row.data_seed.reset();
    OptionText* seed = order(row);
    if (seed != nullptr && !own_order.contains(row.experiment)) *seed = {"seed", true};
  }
}

Column<CellResult> cell_column(std::string_view name) {
  if (is_setting_column(name)) return setting_column(std::string(name));
  if (const Column<CellResult>* column = fixed_column(name)) return *column;
  throw std::logic_error(fmt::format("tables of cells have no column '{}'", name));
}

std::vector<Column<CellResult>> cell_columns(const std::vector<std::string>& settings) {
  Columns columns = head_columns();
  bool in_task = true;
  const auto add = [&](const Columns& more) {
    columns.insert(columns.end(), more.begin(), more.end());
  };
  for (const std::string& name : settings) {
    if (in_task && !name.starts_with("task_")) {
      add(middle_columns());
      in_task = false;
    }
    columns.push_back(setting_column(name));
  }
  if (in_task) add(middle_columns());
  add(tail_columns());
  return columns;
}

DataTable cell_table(const std::vector<CellResult>& results) {
  return to_data(cell_columns(setting_names(results)), results);
}

std::string cell_table_csv(const std::vector<CellResult>& results) {
  constexpr std::size_t kRows = 1000;  // as one table of values, many cells would take gigabytes
  Columns columns = cell_columns(setting_names(results));
  std::erase_if(columns, [&](const Column<CellResult>& column) {
    return column.optional && std::all_of(results.begin(), results.end(), [&](const auto& row) {
             return column.text(row).empty();
           });
  });
  CsvTable table;
  for (const Column<CellResult>& column : columns) table.header.push_back(column.name);
  std::string text = to_csv(table);
  const std::size_t header = text.size();
  for (std::size_t first = 0; first < results.size(); first += kRows) {
    table.rows.clear();
    for (std::size_t i = first; i < std::min(first + kRows, results.size()); ++i) {
      std::vector<std::string>& cells = table.rows.emplace_back();
      for (const Column<CellResult>& column : columns) cells.push_back(column.text(results[i]));
    }
    text += to_csv(table).substr(header);
  }
  return text;
}

std::string same_number(const std::string& text) {
  std::int64_t whole = 0;
  const char* end = text.data() + text.size();
  if (const auto read = std::from_chars(text.data(), end, whole);
      read.ec == std::errc{} && read.ptr == end) {
    return std::to_string(whole);
  }
  double value = 0.0;
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec == std::errc{} && read.ptr == end && std::isfinite(value)) {
    constexpr double kWholeBelow = 9007199254740992.0;  // 2^53
    const bool is_whole = std::abs(value) < kWholeBelow && value == std::trunc(value);
    return is_whole ? std::to_string(static_cast<std::int64_t>(value)) : shortest(value);
  }
  if (text == "True" || text == "TRUE") return "true";
  if (text == "False" || text == "FALSE") return "false";
  return text;
}

std::vector<CellResult> cells_of_table(const CsvTable& table, const std::string& name) {
  static const std::set<std::string> kWords = {
      "experiment", "cell", "config_hash", "code_version", "compiler", "build", "status",
      "reason",     "task", "variant",     "label",        "weights",  "split", "unseen_levels"};
  static const std::set<std::string> kMeasures = {"accuracy", "exact_match", "loss"};
  const auto weights = table.find("weights");
  Columns columns;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < table.header.size(); ++i) {
    const std::string& column = table.header[i];
    if (!is_setting_column(column) && fixed_column(column) == nullptr) continue;
    columns.push_back(cell_column(column));
    places.push_back(i);
  }
  std::vector<CellResult> results;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const std::vector<std::string>& texts = table.rows[i];
    CellResult& row = results.emplace_back();
    if (weights && !texts[*weights].empty()) row.score.emplace();
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const std::string& column = columns[c].name;
      std::string text = texts[places[c]];
      if (!kWords.contains(column) && !is_setting_column(column)) text = same_number(text);
      if (row.score && kMeasures.contains(column) && text.empty()) text = "nan";
      try {
        columns[c].read(row, text);
      } catch (const IoError& error) {
        throw_in_cell(name, i + 1, columns[c].name, error);
      }
    }
  }
  return results;
}

}  // namespace recollect
