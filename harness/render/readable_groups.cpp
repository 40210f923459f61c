#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/fields.hpp"
#include "harness/render/readable_table.hpp"
#include "harness/stats/statistics.hpp"

namespace recollect {
namespace {

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

std::string number_text(const std::optional<double>& value) {
  return value ? shortest(*value) : "-";
}

// What both kinds of rows have.

const ScoreKey* key_of(const CellResult& row) { return row.score ? &row.score->key : nullptr; }
const ScoreKey* key_of(const GroupResult& row) { return row.key ? &*row.key : nullptr; }

bool is_unseen(const CellResult& row) { return row.score && row.score->unseen_level; }
bool is_unseen(const GroupResult& row) { return row.unseen_level; }

bool is_foreign(const CellResult& row) { return row.score && row.score->foreign_selection; }
bool is_foreign(const GroupResult& row) { return row.foreign_selection; }

/// What distinguishes rows, by its column: an option, "task" or "data_seed".
template <class Row>
std::string text_of(const Row& row, const std::string& column) {
  if (column == "task") return row.task;
  if (column == "data_seed") return row.data_seed ? std::to_string(*row.data_seed) : "seed";
  return setting_of(row.settings, column).text;
}

template <class Row>
using Rows = std::vector<const Row*>;

template <class Row>
bool varies(const Rows<Row>& rows, const std::string& column) {
  return std::any_of(rows.begin(), rows.end(), [&](const Row* row) {
    return text_of(*row, column) != text_of(*rows.front(), column);
  });
}

/// The task's options that all rows share: "mqar: layout packed, length 128".
template <class Row>
std::string shared_options(const Rows<Row>& rows, const std::vector<std::string>& names) {
  const Row& first = *rows.front();
  std::string text;
  for (const std::string& name : names) {
    if (!name.starts_with("task_") || text_of(first, name).empty() || varies(rows, name)) continue;
    text +=
        fmt::format("{}{} {}", text.empty() ? ": " : ", ", name.substr(5), text_of(first, name));
  }
  return first.task + text;
}

/// @param names  of the options that some row of the whole table has
template <class Row>
SettingsSplit split_rows(const Rows<Row>& rows, const std::vector<std::string>& names) {
  SettingsSplit result;
  // An option that goes with the task or the label alone needs no column of its own.
  const auto by_task = group_rows(rows, [](const Row& row) { return row.task; });
  const auto by_label = group_rows(rows, [](const Row& row) { return row.label; });
  const auto varies_in = [&](const auto& groups, const std::string& column) {
    return std::any_of(groups.begin(), groups.end(),
                       [&](const auto& group) { return varies(group, column); });
  };
  const bool selects_elsewhere = std::any_of(rows.begin(), rows.end(), [](const Row* row) {
    return text_of(*row, "train_select_length") != std::to_string(row->train_length);
  });
  if (by_task.size() > 1) result.varying.emplace_back("task");
  for (const std::string& name : names) {
    if (name == "train_order_seed" || (name == "train_select_length" && !selects_elsewhere)) {
      continue;
    }
    if (varies_in(name.starts_with("task_") ? by_task : by_label, name)) {
      result.varying.push_back(name);
    }
  }
  if (varies_in(by_label, "data_seed")) result.varying.emplace_back("data_seed");
  for (const auto& group : by_task) {
    if (!result.shared.empty()) result.shared += "; ";
    result.shared += shared_options(group, names);
  }
  return result;
}

/// Rows to show: best weights on test examples, and groups or cells without scores.
template <class Row>
Rows<Row> rows_to_show(const std::vector<Row>& all) {
  Rows<Row> rows;
  for (const Row& row : all) {
    const ScoreKey* key = key_of(row);
    if (key == nullptr || (key->weights == Weights::kBest && key->split == Split::kTest)) {
      rows.push_back(&row);
    }
  }
  return rows;
}

/// The marks that a table uses, each of which needs its note.
struct Marks {
  bool clusters = false;
  bool unseen = false;
  bool foreign = false;
  bool all_solved = false;
};

/// The evaluation length with the marks of its row.
template <class Row>
std::string marked_length(const Row& row, Marks& marks) {
  const ScoreKey* key = key_of(row);
  std::string text = key == nullptr ? "" : std::to_string(key->eval_length) + settings_text(*key);
  if (is_unseen(row)) {
    text += '*';
    marks.unseen = true;
  }
  if (is_foreign(row)) {
    text += '+';
    marks.foreign = true;
  }
  return or_dash(text);
}

std::vector<std::string> notes_of(const Marks& marks) {
  std::vector<std::string> notes;
  if (marks.clusters) {
    notes.emplace_back(
        "`!` the seeds fall into two groups, and a mean would describe neither: the mean of each "
        "stands there instead.");
  }
  if (marks.all_solved) {
    notes.emplace_back(
        "`^` every run solved the task, so the interval is that of runs that do; what share does "
        "stands in `95 % solved`.");
  }
  if (marks.unseen) {
    notes.emplace_back("`*` this length uses levels that training never reached.");
  }
  if (marks.foreign) {
    notes.emplace_back(
        "`+` the weights were selected on validation data of another length than was trained.");
  }
  return notes;
}

/// One table for each experiment. `columns` names what follows the settings, `cells` fills it.
template <class Row, class Cells>
std::vector<TextTable> readable(const std::vector<Row>& all_rows, const std::string& caption,
                                const std::vector<std::string>& columns, Cells&& cells) {
  const std::vector<std::string> names = setting_names(all_rows);
  std::vector<TextTable> all;
  for (const auto& rows :
       group_rows(rows_to_show(all_rows), [](const Row& row) { return row.experiment; })) {
    const SettingsSplit settings = split_rows(rows, names);
    TextTable& text = all.emplace_back();
    text.title = rows.front()->experiment;
    text.caption = fmt::format("{}. {}", settings.shared, caption);
    for (const std::string& column : settings.varying) text.header.push_back(short_name(column));
    text.header.insert(text.header.end(), columns.begin(), columns.end());
    Marks marks;
    for (const Row* row : rows) {
      std::vector<std::string>& line = text.rows.emplace_back();
      for (const std::string& column : settings.varying) line.push_back(text_of(*row, column));
      cells(*row, line, marks);
    }
    text.notes = notes_of(marks);
  }
  return all;
}

/// A length that is scored, or one of eval.cells: ", pairs 16".
using ScoredAt = std::pair<std::int64_t, std::string>;

/// Rows of the same groups at other lengths and settings, as a table of one row each would show
/// them.
class OtherScores {
 public:
  explicit OtherScores(const std::vector<GroupResult>& groups) : names_(setting_names(groups)) {
    for (const GroupResult* row : rows_to_show(groups)) rows_[key_of_group(*row)].push_back(row);
  }

  /// What a group is asked first: the settings that it was trained at, or the longest of its
  /// mixture; where it is not scored there, the first that it is.
  [[nodiscard]] bool leads(const GroupResult& row) const {
    if (!row.key || is_trained(row)) return true;
    const Rows<GroupResult>& rows = rows_.at(key_of_group(row));
    return !row.key->settings.empty() && scored_at(row) == scored_at(*rows.front()) &&
           std::none_of(rows.begin(), rows.end(),
                        [](const GroupResult* one) { return one->key && is_trained(*one); });
  }

  /// The settings of the row's own task.
  [[nodiscard]] static bool is_trained(const GroupResult& row) {
    return row.key->eval_length == row.train_length &&
           std::all_of(row.key->settings.begin(), row.key->settings.end(), [&](const auto& own) {
             return setting_of(row.settings, "task_" + own.first).text == own.second;
           });
  }

  /// Those that some group has beside that, in order; a mark where a level was never trained.
  [[nodiscard]] std::map<ScoredAt, bool> places() const {
    std::map<ScoredAt, bool> places;
    for (const auto& [key, rows] : rows_) {
      for (const GroupResult* row : rows) {
        if (row->key && !leads(*row)) places[scored_at(*row)] |= row->unseen_level;
      }
    }
    return places;
  }

  /// The row of the same group there.
  [[nodiscard]] const GroupResult* find(const GroupResult& row, const ScoredAt& place) const {
    for (const GroupResult* other : rows_.at(key_of_group(row))) {
      if (other->key && scored_at(*other) == place) return other;
    }
    return nullptr;
  }

 private:
  [[nodiscard]] static ScoredAt scored_at(const GroupResult& row) {
    return {row.key->eval_length, settings_text(*row.key)};
  }
  [[nodiscard]] std::vector<std::string> key_of_group(const GroupResult& row) const {
    std::vector<std::string> key = {row.experiment, row.label, text_of(row, "data_seed"),
                                    std::to_string(row.train_length)};
    for (const std::string& name : names_) key.push_back(text_of(row, name));
    return key;
  }

  std::vector<std::string> names_;
  std::map<std::vector<std::string>, Rows<GroupResult>> rows_;
};

std::string share_text(const GroupResult& group) {
  return group.runs() == 0 || !training_is_known(group)
             ? "-"
             : fmt::format("{}/{}", group.solved(), group.runs());
}

/// The interval of the clean accuracy, unless the seeds fall apart; of two and three values the
/// range.
std::string clean_range(const GroupResult& group, bool clusters, Marks& marks) {
  const std::optional<Summary>& summary = group.clean.summary;
  if (clusters || !summary || group.clean.values.size() < 2) return "-";
  if (!summary->interval) {
    return fmt::format("range {}", percent_range(Interval{summary->min, summary->max}));
  }
  const bool all_solved = group.solved() == group.runs();
  marks.all_solved = marks.all_solved || all_solved;
  return percent_range(summary->interval) + (all_solved ? "^" : "");
}

/// "18, 17" of those that reached 90 and 95 % on validation.
std::string solved_at_text(const GroupResult& group) {
  if (!group.solved_at_90 || !group.solved_at_95) return "-";
  return fmt::format("{}, {}", *group.solved_at_90, *group.solved_at_95);
}

std::string whole_text(const std::optional<double>& value) {
  return value ? fmt::format("{:.0f}", *value) : "-";
}

void fill_group(const GroupResult& row, std::vector<std::string>& line, Marks& marks) {
  const std::string clean = spread_text(row, row.clean);
  const std::string published = spread_text(row, row.as_published);
  const bool clusters = clean.starts_with('!');
  const auto of_accuracy = [&](double Summary::*member) {
    return row.accuracy.summary ? percent((*row.accuracy.summary).*member) : "-";
  };
  line.insert(
      line.end(),
      {row.label, marked_length(row, marks), percent(row.chance),
       percent(ceiling_of(row.ceilings, "first")), percent(ceiling_of(row.ceilings, "recent")),
       std::to_string(row.n()), clean, clean_range(row, clusters, marks),
       spread_text(row, row.final_clean), of_accuracy(&Summary::median), of_accuracy(&Summary::min),
       of_accuracy(&Summary::max), published, share_text(row), percent_range(row.solved_interval()),
       solved_at_text(row), number_text(row.solve_step_median), whole_text(row.solve_step_mean),
       row.diverged == 0 ? std::to_string(row.failed)
                         : fmt::format("{} ({} diverged)", row.failed, row.diverged)});
  marks.clusters = marks.clusters || clusters || published.starts_with('!');
}

/// Of runs some of which solved the task: these, and the others, where they lie 20 points apart.
/// That they are two kinds of runs needs no test.
std::optional<TwoClusters> by_solving(const std::vector<double>& values,
                                      const std::vector<bool>& solved) {
  constexpr double kApart = 0.2;
  if (solved.size() != values.size()) return std::nullopt;
  std::vector<double> upper, lower;
  for (std::size_t i = 0; i < values.size(); ++i) (solved[i] ? upper : lower).push_back(values[i]);
  if (upper.empty() || lower.empty()) return std::nullopt;
  const double least = *std::min_element(upper.begin(), upper.end());
  const double most = *std::max_element(lower.begin(), lower.end());
  TwoClusters parts{(least + most) / 2.0, upper.size(), mean(upper), mean(lower)};
  if (most >= least || parts.upper_mean - parts.lower_mean < kApart) return std::nullopt;
  return parts;
}

}  // namespace

SettingsSplit split_settings(const std::vector<const GroupResult*>& rows,
                             const std::vector<std::string>& names) {
  return split_rows(rows, names);
}

std::string setting_text(const GroupResult& row, const std::string& column) {
  return text_of(row, column);
}

std::string short_name(const std::string& column) {
  return column.starts_with("task_") ? column.substr(5) : column;
}

std::vector<const GroupResult*> shown_rows(const std::vector<GroupResult>& groups) {
  return rows_to_show(groups);
}

std::string chosen_text(const ChosenValue& chosen) {
  std::string text = fmt::format("{} of {}", chosen.text, chosen.of);
  if (chosen.edge) text += ", at the edge";
  if (chosen.by_test) text += ", by the test score itself";
  if (!chosen.failed.empty()) text += fmt::format(" (failed: {})", chosen.failed);
  return text;
}

std::string percent(const std::optional<double>& fraction) {
  return fraction ? fmt::format("{:.1f}", 100.0 * *fraction) : "-";
}

std::string percent_range(const std::optional<Interval>& interval) {
  return interval ? fmt::format("{}..{}", percent(interval->low), percent(interval->high)) : "-";
}

std::string spread_text(const std::vector<double>& values, const std::vector<bool>& solved,
                        std::int64_t runs) {
  if (values.empty()) return "-";
  if (values.size() == 1) return percent(values.front());
  std::optional<TwoClusters> clusters = two_clusters(values);
  if (!clusters) clusters = by_solving(values, solved);
  if (!clusters)
    return fmt::format("{} \u00b1 {}", percent(mean(values)), percent(*standard_deviation(values)));
  bool upper_is_solved = solved.size() == values.size();
  for (std::size_t i = 0; upper_is_solved && i < values.size(); ++i) {
    upper_is_solved = solved[i] == (values[i] > clusters->threshold);
  }
  const std::string upper = percent(clusters->upper_mean);
  const std::string lower = percent(clusters->lower_mean);
  if (upper_is_solved) {
    return fmt::format("! {}/{} solved; solved {}, others {}", clusters->upper, runs, upper, lower);
  }
  return fmt::format("! {} near {}, {} near {}", clusters->upper, upper,
                     values.size() - clusters->upper, lower);
}

std::string spread_text(const GroupResult& group, const Measure& measure) {
  std::vector<bool> solved;
  for (const SolveStep& step : group.solve_steps) solved.push_back(step.solved);
  return spread_text(measure.values, solved, group.runs());
}

std::vector<TextTable> readable_groups(const std::vector<GroupResult>& groups) {
  std::vector<std::string> columns = {
      "variant",  "eval_length", "chance",       "ceiling_first", "ceiling_recent",
      "n",        "test",        "95 %",         "test (final)",  "median",
      "min",      "max",         "as published", "solved",        "95 % solved",
      "90, 95 %", "median step", "mean step",    "failed"};
  const bool chosen = std::any_of(groups.begin(), groups.end(),
                                  [](const GroupResult& row) { return row.chosen.has_value(); });
  if (chosen) columns.emplace_back("chosen");
  return readable(
      groups,
      "Best weights, accuracy in per cent, mean \u00b1 standard deviation over the seeds. `test` "
      "is clean: test "
      "examples, which nothing was selected by. `as published`: validation examples, at the length "
      "of the "
      "selection the best of all checks. `final`: the weights after the last step. Steps to solve: "
      "`median` after Kaplan-Meier, `mean` restricted to the last step; `90, 95 %`: runs that "
      "reached these in the place of 99 %.",
      columns, [chosen](const GroupResult& row, std::vector<std::string>& line, Marks& marks) {
        fill_group(row, line, marks);
        if (chosen) line.push_back(row.chosen ? chosen_text(*row.chosen) : "-");
      });
}

std::vector<TextTable> readable_headlines(const std::vector<GroupResult>& groups) {
  const OtherScores others(groups);
  const std::map<ScoredAt, bool> places = others.places();
  std::vector<GroupResult> trained;
  for (const GroupResult& row : groups) {
    const bool shown =
        !row.key || (row.key->weights == Weights::kBest && row.key->split == Split::kTest);
    if (shown && others.leads(row)) trained.push_back(row);
  }
  std::vector<std::string> columns = {"variant", "chance",      "ceiling_recent", "n",
                                      "test",    "95 %",        "test (final)",   "as published",
                                      "solved",  "95 % solved", "median step",    "mean step"};
  for (const auto& [place, unseen] : places) {
    columns.push_back(fmt::format("test at {}{}{}", place.first, place.second, unseen ? "*" : ""));
  }
  const auto cells = [&](const GroupResult& row, std::vector<std::string>& line, Marks& marks) {
    std::string clean = spread_text(row, row.clean);
    const std::string published = spread_text(row, row.as_published);
    const bool clusters = clean.starts_with('!');
    if (row.key && !OtherScores::is_trained(row)) {
      clean += fmt::format(" (at {}{})", row.key->eval_length, settings_text(*row.key));
    }
    line.insert(line.end(),
                {row.label, percent(row.chance), percent(ceiling_of(row.ceilings, "recent")),
                 std::to_string(row.n()), clean, clean_range(row, clusters, marks),
                 spread_text(row, row.final_clean), published, share_text(row),
                 percent_range(row.solved_interval()), number_text(row.solve_step_median),
                 whole_text(row.solve_step_mean)});
    marks.clusters = marks.clusters || clusters || published.starts_with('!');
    for (const auto& [place, unseen] : places) {
      const GroupResult* other = others.find(row, place);
      line.push_back(other == nullptr ? "-" : spread_text(*other, other->clean));
      marks.clusters = marks.clusters || line.back().starts_with('!');
      marks.unseen = marks.unseen || unseen;
    }
  };
  return readable(
      trained,
      "Best weights, accuracy in per cent, mean \u00b1 standard deviation over n seeds, "
      "with its 95 % interval. `test` is clean; `as published` is the best of all "
      "validation checks.",
      columns, cells);
}

std::vector<TextTable> readable_cells(const std::vector<CellResult>& original) {
  std::vector<CellResult> all = original;
  name_following_seeds(all);
  const auto cells = [&](const CellResult& row, std::vector<std::string>& line, Marks& marks) {
    const auto of_score = [&](double ScoreRow::*member) {
      return row.score ? percent((*row.score).*member) : "-";
    };
    const auto ceiling = [&](std::string_view rule) {
      return row.score ? percent(ceiling_of(row.score->ceilings, rule)) : "-";
    };
    const CellStatus& status = row.status;
    line.insert(line.end(),
                {row.label, std::to_string(row.seed), marked_length(row, marks),
                 of_score(&ScoreRow::chance), ceiling("first"), ceiling("recent"),
                 of_score(&ScoreRow::accuracy), of_score(&ScoreRow::exact_match),
                 std::to_string(status.steps),
                 status.solved_step ? std::to_string(*status.solved_step) : "-",
                 name_of(status.ending) + (status.reason.empty() ? "" : ": " + status.reason)});
  };
  return readable(all,
                  "Best weights (selected on validation), test examples, accuracy in per cent.",
                  {"variant", "seed", "eval_length", "chance", "ceiling_first", "ceiling_recent",
                   "accuracy", "exact_match", "steps", "solved_step", "status"},
                  cells);
}

std::vector<TextTable> readable_histories(const std::vector<CellHistory>& cells) {
  std::vector<CellResult> all;
  std::vector<const HistoryRow*> evaluations;  // of the same places
  for (const CellHistory& cell : cells) {
    for (const HistoryRow& row : cell.rows) {
      all.push_back(cell.cell);
      evaluations.push_back(&row);
    }
  }
  name_following_seeds(all);
  const auto fill = [&](const CellResult& cell, std::vector<std::string>& line, Marks&) {
    const HistoryRow& row = *evaluations[static_cast<std::size_t>(&cell - all.data())];
    line.insert(line.end(),
                {cell.label, std::to_string(cell.seed), std::to_string(row.step),
                 fmt::format("{:.4f}", row.loss), fmt::format("{:.4g}", row.gradient_norm),
                 fmt::format("{:.4g}", row.learning_rate), percent(row.validation_accuracy),
                 percent(row.validation_exact_match)});
  };
  return readable(all,
                  "Validation while training, accuracy in per cent; `loss` is that of training, "
                  "the mean since the row before.",
                  {"variant", "seed", "step", "loss", "gradient_norm", "learning_rate", "accuracy",
                   "exact_match"},
                  fill);
}

}  // namespace recollect
