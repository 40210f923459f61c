#include "harness/compare/runs_by_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "harness/results/group_result.hpp"

namespace recollect {
namespace {

/// "train.learning_rate" is the column train_learning_rate.
std::string column_of(const std::string& by) {
  if (by == "variant") return "label";
  std::string column = by;
  std::replace(column.begin(), column.end(), '.', '_');
  return column;
}

bool belongs_to_variant(const std::string& column) {
  return column == "variant" || column == "label" || column.starts_with("model_");
}

Waiting wait_of(const CellStatus& status) {
  if (status.solved_step) return {static_cast<double>(*status.solved_step), false};
  if (status.ending == Ending::kDiverged) {
    return {std::numeric_limits<double>::infinity(), true};  // it never will
  }
  return {static_cast<double>(status.steps), true};
}

[[noreturn]] void refuse_option(const std::vector<CellResult>& cells, const std::string& by) {
  std::vector<std::string> known = {"variant"};
  for (const std::string& name : setting_names(cells)) {
    std::string option = name;
    option[option.find('_')] = '.';
    known.push_back(std::move(option));
  }
  std::string near = nearest_name(by, known);
  for (const std::string& option : known) {
    if (option.ends_with("." + by)) near = option;
  }
  throw IoError(fmt::format("--by {}: the results have no such option{}", printable(by),
                            near.empty()
                                ? "; give variant, or an option such as train.learning_rate"
                                : fmt::format("; did you mean '{}'?", near)));
}

}  // namespace

PairedRuns paired(const RunsOfSetting& setting, const std::string& a, const std::string& b) {
  PairedRuns runs;
  const auto first = setting.values.find(a);
  const auto second = setting.values.find(b);
  if (first == setting.values.end() || second == setting.values.end()) return runs;
  for (const auto& [seed, run] : first->second) {
    const auto other = second->second.find(seed);
    if (other == second->second.end()) continue;
    runs.seeds.push_back(seed);
    runs.a.push_back(run);
    runs.b.push_back(other->second);
  }
  return runs;
}

RunsByValue::RunsByValue(const ResultSet& set, const std::string& by, const ScoreChoice& score)
    : by_(column_of(by)) {
  std::vector<CellResult> cells = set.cells;
  name_following_seeds(cells);
  find_columns(cells, by);
  for (const CellResult& cell : cells) add(cell, score);
  if (values_.size() < 2) {
    throw IoError(fmt::format("{} has one {} alone, {}; nothing can be set against it", set.name,
                              by, values_.empty() ? "none" : values_.front()));
  }
}

void RunsByValue::find_columns(const std::vector<CellResult>& cells, const std::string& by) {
  bool known = false;
  for (const std::string& column : cell_table(cells).header) {
    const bool names = column == "task" || column == "label" || column == "variant" ||
                       column == "data_seed" || is_setting_column(column);
    known = known || column == by_;
    if (!names || column == by_) continue;
    if (by_ == "label" && belongs_to_variant(column)) continue;
    // A label is often made to tell these very values apart.
    if (by_.starts_with("model_") && column == "label") continue;
    columns_.push_back(column);
  }
  if (!known || !(by_ == "label" || is_setting_column(by_))) refuse_option(cells, by);
}

void RunsByValue::add(const CellResult& cell, const ScoreChoice& score) {
  if (cell.status.ending == Ending::kFailed) return;
  const std::string value =
      by_ == "label" ? cell.label : same_number(setting_of(cell.settings, by_).text);
  if (value.empty()) return;                                          // it has no such option
  if (by_.starts_with("model_") && !training_is_known(cell)) return;  // what it has is not known
  std::vector<std::string> texts;
  for (const std::string& column : columns_) {
    texts.push_back(same_number(cell_column(column).text(cell)));
  }
  const auto [found, added] = places_.emplace(texts, settings_.size());
  if (added) settings_.push_back({std::move(texts), {}});
  if (std::find(values_.begin(), values_.end(), value) == values_.end()) values_.push_back(value);
  RunWithValue& run = settings_[found->second].values[value][cell.seed];
  run.watched = training_is_known(cell);
  run.solved = cell.status.solved_step.has_value();
  run.wait = wait_of(cell.status);
  const std::string& steps = setting_of(cell.settings, "train_steps").text;
  run.limit = steps.empty() ? static_cast<double>(cell.status.steps) : to_real(steps);
  if (!cell.score || cell.score->key.weights != score.weights ||
      cell.score->key.split != score.split) {
    return;
  }
  const std::int64_t wanted = score.length.value_or(cell.train_length);
  const std::int64_t distance = std::abs(cell.score->key.eval_length - wanted);
  if (distance >= run.distance || (score.length && distance > 0)) return;
  run.distance = distance;
  run.accuracy = cell.score->accuracy;
}

std::vector<Setting> RunsByValue::varying(const RunsOfSetting& setting) const {
  std::vector<Setting> shared;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const bool varies = std::any_of(
        settings_.begin(), settings_.end(),
        [&](const RunsOfSetting& one) { return one.texts[i] != settings_.front().texts[i]; });
    if (varies && !setting.texts[i].empty()) shared.push_back({columns_[i], {setting.texts[i]}});
  }
  return shared;
}

}  // namespace recollect
