#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/config/settings.hpp"
#include "harness/store/cell_status.hpp"
#include "harness/store/csv.hpp"
#include "harness/store/record.hpp"

namespace recollect {

/// An option of a cell's task, model or training, by its column: "task_pairs", "train_batch".
struct Setting {
  std::string name;
  OptionText value;
};

/// One score of a cell; or, of a cell without scores, how it ended.
struct CellResult {
  std::string experiment;
  std::string cell;         ///< its folder; tables put a letter before it, as before config_hash
  std::string config_hash;  ///< of the experiment's resolved configuration
  CellStatus status;
  std::string task;
  std::string variant;
  std::string label;
  std::vector<Setting> settings;  ///< of the task, of the model, of training, as they declare them
  std::int64_t seed = 0;
  std::optional<std::int64_t> data_seed;  ///< none: the cell's own, see name_following_seeds()
  std::int64_t train_length = 0;
  std::optional<ScoreRow> score;  ///< none where the cell failed or diverged
};

/// An option by its column; empty if absent.
[[nodiscard]] const OptionText& setting_of(const std::vector<Setting>& settings,
                                           std::string_view name);

/// Whether a column holds an option.
[[nodiscard]] bool is_setting_column(std::string_view column);

/// The options that some of the rows have: those of tasks first, then the others, in the order in
/// which they first appear.
[[nodiscard]] std::vector<std::string> setting_names(
    const std::vector<const std::vector<Setting>*>& rows);
template <class Row>
[[nodiscard]] std::vector<std::string> setting_names(const std::vector<Row>& rows) {
  std::vector<const std::vector<Setting>*> all;
  for (const Row& row : rows) all.push_back(&row.settings);
  return setting_names(all);
}

/// What a table says of a cell without its score.
[[nodiscard]] CellResult describe_cell(const std::string& experiment,
                                       const std::string& config_hash, const Cell& cell,
                                       const std::string& folder, const CellStatus& status);

/// data_seed and order_seed follow the cell's seed unless they are set. Where they do throughout an
/// experiment they become none, and "seed", so that the cells of a group agree in them.
void name_following_seeds(std::vector<CellResult>& results);

/// The column of that name, for the options of some rows among them. results/README.md explains
/// all. @throws std::logic_error if there is no such column
[[nodiscard]] Column<CellResult> cell_column(std::string_view name);

/// The columns of the per-cell table.
/// @param settings  setting_names() of its rows
[[nodiscard]] std::vector<Column<CellResult>> cell_columns(
    const std::vector<std::string>& settings);

/// The per-cell table: experiment, cell, config_hash, code_version, compiler, build, status,
/// reason, task and its options (task_*: every option of any task in the table, empty where a task
/// has none), variant, label, model_*, train_*, seed, data_seed, train_length, steps, solved_step,
/// parameters, training_flops, state_floats, state_floats_peak, those of scores.csv, then
/// numerics_version.
[[nodiscard]] DataTable cell_table(const std::vector<CellResult>& results);

/// The same as CSV, with less memory than the table takes.
[[nodiscard]] std::string cell_table_csv(const std::vector<CellResult>& results);

/// A number in one form: other programs write 1.0e-08 as 1e-08, 300 as 300.0, true as True. Other
/// texts stay as they are.
[[nodiscard]] std::string same_number(const std::string& text);

/// Reads a per-cell table, also one that another program has read and written. Columns that are
/// missing are left at their defaults; others are passed over. A measure of a score that is no
/// number, or not there, is NaN. `name` stands for the file in messages.
/// @throws IoError naming row and column of what cannot be read
[[nodiscard]] std::vector<CellResult> cells_of_table(const CsvTable& table,
                                                     const std::string& name);

/// Groups rows by a key, in the order in which the groups first appear.
template <class Row, class Key>
[[nodiscard]] std::vector<std::vector<const Row*>> group_rows(const std::vector<const Row*>& rows,
                                                              Key&& key) {
  using KeyType = decltype(key(*rows.front()));
  std::vector<std::vector<const Row*>> groups;
  std::map<KeyType, std::size_t> known;
  for (const Row* row : rows) {
    const auto [found, added] = known.emplace(key(*row), groups.size());
    if (added) groups.emplace_back();
    groups[found->second].push_back(row);
  }
  return groups;
}

template <class Row>
[[nodiscard]] std::vector<const Row*> pointers_to(const std::vector<Row>& rows) {
  std::vector<const Row*> pointers;
  for (const Row& row : rows) pointers.push_back(&row);
  return pointers;
}

}  // namespace recollect
