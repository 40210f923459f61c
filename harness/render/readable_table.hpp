#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/render/text_table.hpp"
#include "harness/results/cell_result.hpp"
#include "harness/results/group_result.hpp"
#include "harness/results/history_table.hpp"
#include "harness/results/published.hpp"
#include "harness/results/variance_result.hpp"

namespace recollect {

/// Grouped rows for people, a table for each experiment: the settings that vary, chance and
/// ceilings, and the two scores side by side, of the best weights. Accuracies are percentages.
/// Where the seeds of a row fall into two clusters, "! 16/20 solved; solved 99.6, others 8.1"
/// stands in the place of a mean and its interval.
[[nodiscard]] std::vector<TextTable> readable_groups(const std::vector<GroupResult>& groups);

/// The same in short: the training length alone, with a column for the test accuracy at each other
/// length, and without median, extremes and first-binding ceiling.
[[nodiscard]] std::vector<TextTable> readable_headlines(const std::vector<GroupResult>& groups);

/// Single cells: best weights on test examples.
[[nodiscard]] std::vector<TextTable> readable_cells(const std::vector<CellResult>& cells);

/// Every evaluation of every cell.
[[nodiscard]] std::vector<TextTable> readable_histories(const std::vector<CellHistory>& cells);

/// Published figures beside ours, a table for each experiment; none where it has no row.
[[nodiscard]] std::vector<TextTable> readable_comparison(
    const std::vector<PublishedComparison>& comparison);

/// The same in short: those rows alone that can be compared; a note counts the others.
[[nodiscard]] std::vector<TextTable> readable_comparison_headlines(
    const std::vector<PublishedComparison>& comparison);

/// The same with every figure, as one table of values.
[[nodiscard]] DataTable published_table(const std::vector<PublishedComparison>& comparison);

/// What the spread of each crossed design comes from.
[[nodiscard]] std::vector<TextTable> readable_variance(const std::vector<VarianceResult>& results);

/// The settings that tell the rows of one experiment apart, and a line on those that they share.
struct SettingsSplit {
  std::vector<std::string> varying;  ///< columns: task_pairs, train_learning_rate, ...
  std::string shared;
};
/// @param names  of the options that some row of the whole table has
[[nodiscard]] SettingsSplit split_settings(const std::vector<const GroupResult*>& rows,
                                           const std::vector<std::string>& names);

/// What one of the varying columns says of a row.
[[nodiscard]] std::string setting_text(const GroupResult& row, const std::string& column);

/// A column as people call it: "pairs" of task_pairs.
[[nodiscard]] std::string short_name(const std::string& column);

/// Rows to show: best weights on test examples, and groups without scores.
[[nodiscard]] std::vector<const GroupResult*> shown_rows(const std::vector<GroupResult>& groups);

/// "train.learning_rate 0.003 of 4, at the edge".
[[nodiscard]] std::string chosen_text(const ChosenValue& chosen);

/// A fraction in per cent, "99.6"; "-" if absent.
[[nodiscard]] std::string percent(const std::optional<double>& fraction);
[[nodiscard]] std::string percent_range(const std::optional<Interval>& interval);

/// "99.6 ± 0.1" in per cent, or the two clusters. `solved` says for each value whether its run
/// solved the task; `runs` counts those without a value as well.
[[nodiscard]] std::string spread_text(const std::vector<double>& values,
                                      const std::vector<bool>& solved, std::int64_t runs);
/// The same of one of the group's measures of accuracy.
[[nodiscard]] std::string spread_text(const GroupResult& group, const Measure& measure);

}  // namespace recollect
