#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/report/text_table.hpp"
#include "harness/store/csv.hpp"

namespace recollect {

/// Grouped rows for people, a table for each experiment: the settings that vary, chance and
/// ceilings, and the two scores side by side, of the best weights. Accuracies are percentages.
/// Where the seeds of a row fall into two clusters, "! 16/20 solved; solved 99.6, others 8.1"
/// stands in the place of a mean and its interval.
/// @param groups  of group_cells()
[[nodiscard]] std::vector<TextTable> readable_groups(const CsvTable& groups);

/// The same in short: the training length alone, with a column for the test accuracy at each other
/// length, and without median, extremes and first-binding ceiling.
[[nodiscard]] std::vector<TextTable> readable_headlines(const CsvTable& groups);

/// Single cells: best weights on test examples.
/// @param cells  of read_cells()
[[nodiscard]] std::vector<TextTable> readable_cells(const CsvTable& cells);

/// Rows of compare_published(), a table for each experiment; none where it has no row.
[[nodiscard]] std::vector<TextTable> readable_comparison(const CsvTable& comparison);

/// The same in short: those rows alone that can be compared; a note counts the others.
[[nodiscard]] std::vector<TextTable> readable_comparison_headlines(const CsvTable& comparison);

/// The settings that tell the rows of one experiment apart, and a line on those that they share.
struct SettingsSplit {
  std::vector<std::string> varying;  ///< columns: task_pairs, train_learning_rate, ...
  std::string shared;
};
[[nodiscard]] SettingsSplit split_settings(const CsvTable& table,
                                           const std::vector<std::size_t>& rows);

/// A column as people call it: "pairs" of task_pairs.
[[nodiscard]] std::string short_name(const std::string& column);

/// Rows to show: best weights on test examples, and groups or cells without scores.
[[nodiscard]] std::vector<std::size_t> shown_rows(const CsvTable& table);

/// Of a grouped row's solve_steps, "3500 >6000": true, false.
[[nodiscard]] std::vector<bool> which_solved(const std::string& solve_steps);

/// "99.6 ± 0.1" in per cent, or the two clusters. `solved` says for each value whether its run
/// solved the task; `runs` counts those without a value as well.
[[nodiscard]] std::string spread_text(const std::vector<double>& values,
                                      const std::vector<bool>& solved, std::int64_t runs);

}  // namespace recollect
