#include "harness/report/group_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.hpp"
#include "harness/stats/statistics.hpp"
#include "harness/store/table_rows.hpp"

namespace recollect {
namespace {

/// The cells of one group: those that differ in their seeds alone.
struct Group {
  const CsvTable& cells;
  std::vector<std::string> settings;  ///< columns
  std::vector<std::size_t> scored;    ///< rows with scores: for each cell one a score
  std::vector<std::size_t> failed;    ///< rows of cells without
};

std::string joined(const std::vector<double>& values) {
  std::vector<std::string> texts;
  for (const double value : values) texts.push_back(shortest(value));
  return fmt::format("{}", fmt::join(texts, " "));
}

std::string text_or_empty(const std::optional<double>& value) {
  return value ? shortest(*value) : "";
}

void put(Values& row, std::string name, std::string value) {
  row.emplace_back(std::move(name), std::move(value));
}

std::optional<Summary> summary_of(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  return summarise(values);
}

std::string mean_text(const std::vector<double>& values) {
  return values.empty() ? "" : shortest(mean(values));
}

void put_spread(Values& row, const std::string& measure, const std::optional<Summary>& summary) {
  put(row, measure + "_mean", summary ? shortest(summary->mean) : "");
  put(row, measure + "_sd", summary ? text_or_empty(summary->sd) : "");
  put(row, measure + "_median", summary ? shortest(summary->median) : "");
  put(row, measure + "_min", summary ? shortest(summary->min) : "");
  put(row, measure + "_max", summary ? shortest(summary->max) : "");
}

void put_interval(Values& row, const std::string& measure, const std::optional<Summary>& summary) {
  const bool known = summary && summary->interval;
  put(row, measure + "_low", known ? shortest(summary->interval->low) : "");
  put(row, measure + "_high", known ? shortest(summary->interval->high) : "");
}

/// One of the two scores that stand side by side, at the length and with the levels of `row`.
void put_score(Values& values, const Group& group, const std::vector<std::size_t>& rows,
               const std::string& name, const char* split) {
  std::vector<std::size_t> found;
  if (!rows.empty()) {
    const auto text = [&](std::size_t row, const char* column) {
      return group.cells.rows[row][group.cells.index(column)];
    };
    for (const std::size_t row : group.scored) {
      if (text(row, "weights") == "best" && text(row, "split") == split &&
          text(row, "eval_length") == text(rows.front(), "eval_length") &&
          text(row, "unseen_levels") == text(rows.front(), "unseen_levels")) {
        found.push_back(row);
      }
    }
  }
  const std::vector<double> accuracies = numbers(group.cells, found, "accuracy");
  const std::optional<Summary> summary = summary_of(accuracies);
  put(values, name + "_mean", summary ? shortest(summary->mean) : "");
  put(values, name + "_sd", summary ? text_or_empty(summary->sd) : "");
  put_interval(values, name, summary);
  put(values, name + "_values", joined(accuracies));
}

/// How many runs solved the task and when. Validation at the training length decides, so this is
/// the same for all rows of a group.
void put_solving(Values& values, const Group& group, const std::vector<std::size_t>& rows,
                 std::int64_t diverged) {
  const auto text = [&](std::size_t row, const char* column) {
    return group.cells.rows[row][group.cells.index(column)];
  };
  std::vector<Waiting> waiting(
      static_cast<std::size_t>(diverged),
      Waiting{std::numeric_limits<double>::infinity(), true});  // it will never be
  std::vector<double> solved_steps;
  std::vector<std::string> steps;
  for (const std::size_t row : rows) {
    const std::string solved_step = text(row, "solved_step");
    if (solved_step.empty()) {
      waiting.push_back(Waiting{to_real(text(row, "steps")), true});
      steps.push_back(fmt::format(">{}", text(row, "steps")));
    } else {
      waiting.push_back(Waiting{to_real(solved_step), false});
      solved_steps.push_back(to_real(solved_step));
      steps.push_back(solved_step);
    }
  }
  const auto runs = static_cast<std::int64_t>(waiting.size());
  const auto solved = static_cast<std::int64_t>(solved_steps.size());
  put(values, "runs", std::to_string(runs));
  put(values, "diverged", std::to_string(diverged));
  put(values, "solved_low", runs == 0 ? "" : shortest(wilson_interval(solved, runs).low));
  put(values, "solved_high", runs == 0 ? "" : shortest(wilson_interval(solved, runs).high));
  put(values, "solve_steps", fmt::format("{}", fmt::join(steps, " ")));
  put(values, "censored", std::to_string(runs - solved));
  put(values, "solve_step_median", text_or_empty(median_waiting(waiting)));
  put(values, "solve_step_median_solved",
      solved_steps.empty() ? "" : shortest(median(solved_steps)));
}

/// The row of some scores of a group, one for each seed; none where all its cells failed.
Values grouped_row(const Group& group, const std::vector<std::size_t>& rows) {
  const CsvTable& cells = group.cells;
  std::vector<std::size_t> members = rows;
  members.insert(members.end(), group.failed.begin(), group.failed.end());
  const auto text = [&](std::string_view column) {
    return cells.rows[members.front()][cells.index(column)];
  };
  const auto score_text = [&](std::string_view column) {
    return rows.empty() ? std::string() : text(column);
  };
  const auto mean_of = [&](std::string_view column) {
    std::vector<std::size_t> filled = rows;  // a task without the rule has no ceiling of it
    std::erase_if(filled,
                  [&](std::size_t row) { return cells.rows[row][cells.index(column)].empty(); });
    return mean_text(numbers(cells, filled, column));
  };
  const auto count = [&](const std::vector<std::size_t>& among, auto&& holds) {
    return static_cast<std::int64_t>(std::count_if(among.begin(), among.end(), holds));
  };
  const std::int64_t diverged = count(group.failed, [&](std::size_t row) {
    return cells.rows[row][cells.index("status")] == "diverged";
  });
  const std::int64_t solved = count(
      rows, [&](std::size_t row) { return !cells.rows[row][cells.index("solved_step")].empty(); });
  const std::int64_t runs = static_cast<std::int64_t>(rows.size()) + diverged;

  Values values;
  put(values, "experiment", text("experiment"));
  for (const char* column : {"config_hash", "code_version", "compiler", "build"}) {
    put(values, column, distinct(cells, members, column, "; "));
  }
  for (const std::string& column : group.settings) put(values, column, text(column));
  put(values, "seeds", distinct(cells, rows, "seed", " "));
  put(values, "n", std::to_string(rows.size()));
  put(values, "failed", std::to_string(group.failed.size()));
  for (const char* column :
       {"data_seed", "train_length", "parameters", "state_floats", "state_floats_peak"}) {
    put(values, column, text(column));
  }
  put(values, "training_flops", mean_of("training_flops"));
  put(values, "steps", mean_of("steps"));
  for (const char* column : {"weights", "split", "eval_length"}) {
    put(values, column, score_text(column));
  }
  const std::vector<std::string> measures = {"accuracy", "exact_match", "loss"};
  std::vector<std::optional<Summary>> summaries;
  for (const std::string& measure : measures) {
    summaries.push_back(summary_of(numbers(cells, rows, measure)));
    put_spread(values, measure, summaries.back());
  }
  put(values, "solved", runs == 0 ? "" : std::to_string(solved));
  put(values, "solved_share",
      runs == 0 ? "" : shortest(static_cast<double>(solved) / static_cast<double>(runs)));
  for (const char* column : {"scored", "chance"}) put(values, column, mean_of(column));
  for (const std::string& column : cells.header) {
    if (column.starts_with("ceiling_")) put(values, column, mean_of(column));
  }
  for (const char* column : {"unseen_level", "examples", "unseen_levels", "foreign_selection"}) {
    put(values, column, score_text(column));
  }
  for (std::size_t i = 0; i < measures.size(); ++i) {
    put_interval(values, measures[i], summaries[i]);
    put(values, measures[i] + "_values", joined(numbers(cells, rows, measures[i])));
  }
  const auto clusters = two_clusters(numbers(cells, rows, "accuracy"));
  put(values, "bimodal", rows.empty() ? "" : clusters ? "1" : "0");
  put(values, "upper_n", clusters ? std::to_string(clusters->upper) : "");
  put(values, "upper_mean", clusters ? shortest(clusters->upper_mean) : "");
  put(values, "lower_mean", clusters ? shortest(clusters->lower_mean) : "");
  put_solving(values, group, rows, diverged);
  put_score(values, group, rows, "as_published", "validation");
  put_score(values, group, rows, "clean", "test");
  return values;
}

}  // namespace

CsvTable group_cells(const CsvTable& original) {
  CsvTable cells = original;
  name_following_seeds(cells);
  std::vector<std::string> settings;
  for (const std::string& name : cells.header) {
    if (name == "task" || name == "variant" || name == "label" ||
        (starts_with_any(name, {"task_", "model_", "train_"}) && name != "train_length")) {
      settings.push_back(name);
    }
  }
  std::vector<std::string> key = settings;
  key.insert(key.end(), {"experiment", "data_seed", "train_length"});
  std::vector<Values> grouped;
  for (const auto& rows : group_by(cells, all_rows(cells), key)) {
    Group group{cells, settings, {}, {}};
    for (const std::size_t row : rows) {
      (cells.rows[row][cells.index("weights")].empty() ? group.failed : group.scored)
          .push_back(row);
    }
    for (const auto& scores :
         group_by(cells, group.scored,
                  {"weights", "split", "eval_length", "examples", "unseen_levels"})) {
      grouped.push_back(grouped_row(group, scores));
    }
    if (group.scored.empty()) grouped.push_back(grouped_row(group, {}));
  }
  return table_of(grouped);
}

}  // namespace recollect
