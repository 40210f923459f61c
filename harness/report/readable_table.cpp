#include "harness/report/readable_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "harness/stats/statistics.hpp"
#include "harness/store/table_rows.hpp"

namespace recollect {
namespace {

std::string percent(double fraction) { return fmt::format("{:.1f}", 100.0 * fraction); }

std::string percent(const std::string& fraction) {
  return fraction.empty() ? "-" : percent(to_real(fraction));
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

std::string range_text(const std::string& low, const std::string& high) {
  return low.empty() ? "-" : fmt::format("{}..{}", percent(low), percent(high));
}

/// The scores of a grouped row in one column, `values` being "0.99 0.08 ...".
std::string spread_of(const CsvTable& groups, const std::vector<std::string>& row,
                      const char* values) {
  std::vector<double> numbers;
  for (const std::string& word : words(row[groups.index(values)])) numbers.push_back(to_real(word));
  return spread_text(numbers, which_solved(row[groups.index("solve_steps")]),
                     to_integer(row[groups.index("runs")]));
}

bool varies(const CsvTable& table, const std::vector<std::size_t>& rows, std::size_t column) {
  return std::any_of(rows.begin(), rows.end(), [&](std::size_t row) {
    return table.rows[row][column] != table.rows[rows.front()][column];
  });
}

/// The task's options that all rows share: "mqar: layout packed, length 128".
std::string shared_options(const CsvTable& table, const std::vector<std::size_t>& rows) {
  const std::vector<std::string>& first = table.rows[rows.front()];
  std::string text;
  for (std::size_t column = 0; column < table.header.size(); ++column) {
    const std::string& name = table.header[column];
    if (!name.starts_with("task_") || first[column].empty() || varies(table, rows, column))
      continue;
    text += fmt::format("{}{} {}", text.empty() ? ": " : ", ", name.substr(5), first[column]);
  }
  return first[table.index("task")] + text;
}

/// The marks that a table uses, each of which needs its note.
struct Marks {
  bool clusters = false;
  bool unseen = false;
  bool foreign = false;
};

/// The evaluation length with the marks of its row.
std::string marked_length(const CsvTable& table, const std::vector<std::string>& row,
                          Marks& marks) {
  std::string text = row[table.index("eval_length")];
  if (row[table.index("unseen_level")] == "1") {
    text += '*';
    marks.unseen = true;
  }
  if (row[table.index("foreign_selection")] == "1") {
    text += '+';
    marks.foreign = true;
  }
  return text;
}

/// One table for each experiment. `columns` names what follows the settings, `cells` fills it.
template <class Cells>
std::vector<TextTable> readable(const CsvTable& table, const std::string& caption,
                                const std::vector<std::string>& columns, Cells&& cells) {
  std::vector<TextTable> all;
  for (const auto& rows : group_by(table, shown_rows(table), {"experiment"})) {
    const SettingsSplit settings = split_settings(table, rows);
    TextTable& text = all.emplace_back();
    text.title = table.rows[rows.front()][table.index("experiment")];
    text.caption = fmt::format("{}. {}", settings.shared, caption);
    for (const std::string& column : settings.varying) text.header.push_back(short_name(column));
    text.header.insert(text.header.end(), columns.begin(), columns.end());
    Marks marks;
    for (const std::size_t at : rows) {
      const std::vector<std::string>& row = table.rows[at];
      std::vector<std::string>& line = text.rows.emplace_back();
      for (const std::string& column : settings.varying) {
        line.push_back(row[table.index(column)]);
      }
      cells(row, line, marks);
    }
    if (marks.clusters) {
      text.notes.push_back(
          "`!` the seeds fall into two groups, and a mean would describe neither: the mean of each "
          "stands there instead.");
    }
    if (marks.unseen) {
      text.notes.push_back("`*` this length uses levels that training never reached.");
    }
    if (marks.foreign) {
      text.notes.push_back(
          "`+` the weights were selected on validation data of another length than was trained.");
    }
  }
  return all;
}

/// Rows of the same groups at other lengths, as a table of one row each would show them.
class OtherLengths {
 public:
  explicit OtherLengths(const CsvTable& groups) : groups_(groups) {
    for (std::size_t i = 0; i < groups.header.size(); ++i) {
      const std::string& name = groups.header[i];
      if (starts_with_any(name, {"task_", "model_", "train_"}) || name == "experiment" ||
          name == "label" || name == "data_seed") {
        key_.push_back(i);
      }
    }
    for (const std::size_t row : shown_rows(groups)) rows_[key_of(groups.rows[row])].push_back(row);
  }

  /// Those that some group has, in order; a mark where one of them was never trained on.
  [[nodiscard]] std::map<std::int64_t, bool> lengths() const {
    std::map<std::int64_t, bool> lengths;
    for (const auto& [key, rows] : rows_) {
      for (const std::size_t row : rows) {
        const std::string& length = text(row, "eval_length");
        if (length.empty() || length == text(row, "train_length")) continue;
        const bool unseen = text(row, "unseen_level") == "1";
        lengths[to_integer(length)] |= unseen;
      }
    }
    return lengths;
  }

  /// The row of the same group at that length.
  [[nodiscard]] const std::vector<std::string>* find(const std::vector<std::string>& row,
                                                     std::int64_t length) const {
    for (const std::size_t other : rows_.at(key_of(row))) {
      if (text(other, "eval_length") == std::to_string(length)) return &groups_.rows[other];
    }
    return nullptr;
  }

 private:
  [[nodiscard]] std::vector<std::string> key_of(const std::vector<std::string>& row) const {
    std::vector<std::string> key;
    for (const std::size_t column : key_) key.push_back(row[column]);
    return key;
  }
  [[nodiscard]] const std::string& text(std::size_t row, std::string_view column) const {
    return groups_.rows[row][groups_.index(column)];
  }

  const CsvTable& groups_;
  std::vector<std::size_t> key_;
  std::map<std::vector<std::string>, std::vector<std::size_t>> rows_;
};

std::string share_text(const CsvTable& groups, const std::vector<std::string>& row) {
  const std::string& solved = row[groups.index("solved")];
  return solved.empty() ? "-" : fmt::format("{}/{}", solved, row[groups.index("runs")]);
}

}  // namespace

SettingsSplit split_settings(const CsvTable& table, const std::vector<std::size_t>& rows) {
  SettingsSplit result;
  // An option that goes with the task or the label alone needs no column of its own.
  const auto by_task = group_by(table, rows, {"task"});
  const auto by_label = group_by(table, rows, {"label"});
  const auto varies_in = [&](const auto& groups, std::size_t column) {
    return std::any_of(groups.begin(), groups.end(),
                       [&](const auto& group) { return varies(table, group, column); });
  };
  const bool selects_elsewhere = std::any_of(rows.begin(), rows.end(), [&](std::size_t row) {
    return table.rows[row][table.index("train_select_length")] !=
           table.rows[row][table.index("train_length")];
  });
  if (by_task.size() > 1) result.varying.push_back("task");
  for (std::size_t column = 0; column < table.header.size(); ++column) {
    const std::string& name = table.header[column];
    if (name == "train_length" || name == "train_order_seed") continue;
    if (name == "train_select_length" && !selects_elsewhere) continue;
    if (name.starts_with("task_") ? varies_in(by_task, column)
                                  : starts_with_any(name, {"model_", "train_", "data_seed"}) &&
                                        varies_in(by_label, column)) {
      result.varying.push_back(name);
    }
  }
  for (const auto& group : by_task) {
    if (!result.shared.empty()) result.shared += "; ";
    result.shared += shared_options(table, group);
  }
  return result;
}

std::string short_name(const std::string& column) {
  return column.starts_with("task_") ? column.substr(5) : column;
}

std::vector<std::size_t> shown_rows(const CsvTable& table) {
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const std::string& weights = table.rows[row][table.index("weights")];
    if (weights.empty() || (weights == "best" && table.rows[row][table.index("split")] == "test")) {
      rows.push_back(row);
    }
  }
  return rows;
}

std::vector<bool> which_solved(const std::string& solve_steps) {
  std::vector<bool> solved;
  for (const std::string& step : words(solve_steps)) solved.push_back(!step.starts_with('>'));
  return solved;
}

std::string spread_text(const std::vector<double>& values, const std::vector<bool>& solved,
                        std::int64_t runs) {
  if (values.empty()) return "-";
  if (values.size() == 1) return percent(values.front());
  const auto clusters = two_clusters(values);
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

std::vector<TextTable> readable_groups(const CsvTable& groups) {
  const auto at = [&](const std::vector<std::string>& row, std::string_view column) {
    return row[groups.index(column)];
  };
  const auto cells = [&](const std::vector<std::string>& row, std::vector<std::string>& line,
                         Marks& marks) {
    line.push_back(at(row, "label"));
    line.push_back(or_dash(marked_length(groups, row, marks)));
    for (const char* column : {"chance", "ceiling_first", "ceiling_recent"}) {
      line.push_back(percent(at(row, column)));
    }
    line.push_back(at(row, "n"));
    const std::string clean = spread_of(groups, row, "clean_values");
    const bool clusters = clean.starts_with('!');
    line.push_back(clean);
    line.push_back(clusters ? "-" : range_text(at(row, "clean_low"), at(row, "clean_high")));
    for (const char* column : {"accuracy_median", "accuracy_min", "accuracy_max"}) {
      line.push_back(percent(at(row, column)));
    }
    const std::string published = spread_of(groups, row, "as_published_values");
    line.push_back(published);
    marks.clusters = marks.clusters || clusters || published.starts_with('!');
    if (at(row, "solved").empty()) {
      line.insert(line.end(), {"-", "-"});
    } else {
      line.push_back(fmt::format("{}/{}", at(row, "solved"), at(row, "runs")));
      line.push_back(range_text(at(row, "solved_low"), at(row, "solved_high")));
    }
    line.push_back(or_dash(at(row, "solve_step_median")));
    const std::string diverged = at(row, "diverged");
    line.push_back(diverged == "0" ? at(row, "failed")
                                   : fmt::format("{} ({} diverged)", at(row, "failed"), diverged));
  };
  return readable(
      groups,
      "Best weights, accuracy in per cent, mean \u00b1 standard deviation over the seeds. `test` "
      "is clean: test "
      "examples, which nothing was selected by. `as published`: validation examples, at the length "
      "of the "
      "selection the best of all checks.",
      {"variant", "eval_length", "chance", "ceiling_first", "ceiling_recent", "n", "test", "95 %",
       "median", "min", "max", "as published", "solved", "95 % solved", "median step", "failed"},
      cells);
}

std::vector<TextTable> readable_headlines(const CsvTable& groups) {
  const OtherLengths others(groups);
  const std::map<std::int64_t, bool> lengths = others.lengths();
  const auto at = [&](const std::vector<std::string>& row, std::string_view column) {
    return row[groups.index(column)];
  };
  CsvTable trained{groups.header, {}};
  for (const auto& row : groups.rows) {
    if (at(row, "eval_length").empty() || at(row, "eval_length") == at(row, "train_length")) {
      trained.rows.push_back(row);
    }
  }
  std::vector<std::string> columns = {"variant",     "chance",     "ceiling_recent", "n",
                                      "test",        "95 %",       "as published",   "solved",
                                      "95 % solved", "median step"};
  for (const auto& [length, unseen] : lengths) {
    columns.push_back(fmt::format("test at {}{}", length, unseen ? "*" : ""));
  }
  const auto cells = [&](const std::vector<std::string>& row, std::vector<std::string>& line,
                         Marks& marks) {
    const std::string clean = spread_of(groups, row, "clean_values");
    const std::string published = spread_of(groups, row, "as_published_values");
    const bool clusters = clean.starts_with('!');
    line.insert(
        line.end(),
        {at(row, "label"), percent(at(row, "chance")), percent(at(row, "ceiling_recent")),
         at(row, "n"), clean,
         clusters ? "-" : range_text(at(row, "clean_low"), at(row, "clean_high")), published,
         share_text(groups, row), range_text(at(row, "solved_low"), at(row, "solved_high")),
         or_dash(at(row, "solve_step_median"))});
    marks.clusters = marks.clusters || clusters || published.starts_with('!');
    for (const auto& [length, unseen] : lengths) {
      const std::vector<std::string>* other = others.find(row, length);
      line.push_back(other == nullptr ? "-" : spread_of(groups, *other, "clean_values"));
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

std::vector<TextTable> readable_cells(const CsvTable& original) {
  CsvTable table = original;
  name_following_seeds(table);
  const auto at = [&](const std::vector<std::string>& row, std::string_view column) {
    return row[table.index(column)];
  };
  const auto cells = [&](const std::vector<std::string>& row, std::vector<std::string>& line,
                         Marks& marks) {
    line.push_back(at(row, "label"));
    line.push_back(at(row, "seed"));
    line.push_back(or_dash(marked_length(table, row, marks)));
    for (const char* column :
         {"chance", "ceiling_first", "ceiling_recent", "accuracy", "exact_match"}) {
      line.push_back(percent(at(row, column)));
    }
    line.push_back(at(row, "steps"));
    line.push_back(or_dash(at(row, "solved_step")));
    std::string status = at(row, "status");
    if (!at(row, "reason").empty()) status += ": " + at(row, "reason");
    line.push_back(status);
  };
  return readable(table,
                  "Best weights (selected on validation), test examples, accuracy in per cent.",
                  {"variant", "seed", "eval_length", "chance", "ceiling_first", "ceiling_recent",
                   "accuracy", "exact_match", "steps", "solved_step", "status"},
                  cells);
}

std::vector<TextTable> readable_comparison(const CsvTable& comparison) {
  std::vector<TextTable> all;
  for (const auto& rows : group_by(comparison, all_rows(comparison), {"experiment"})) {
    TextTable& text = all.emplace_back();
    text.title = fmt::format("{}: beside published figures",
                             comparison.rows[rows.front()][comparison.index("experiment")]);
    text.caption =
        "Best validation accuracy in per cent, as published; 95 % intervals of the difference, "
        "ours "
        "less published.";
    text.header = {"variant",   "task",       "length",           "eval_length", "chance",
                   "published", "n",          "solved",           "ours",        "n",
                   "solved",    "difference", "of shares solved", "verdict",     "why",
                   "source"};
    std::vector<std::string> sources;
    for (const std::size_t at : rows) {
      const auto value = [&](std::string_view column) {
        return comparison.rows[at][comparison.index(column)];
      };
      const auto with_deviation = [&](const std::string& side) {
        const std::string sd = value(side + "_sd");
        return percent(value(side + "_mean")) +
               (sd.empty() ? "" : fmt::format(" \u00b1 {}", percent(sd)));
      };
      const auto share = [&](const std::string& side, const std::string& total) {
        const std::string solved = value(side + "_solved");
        return solved.empty() ? "-" : fmt::format("{}/{}", solved, value(total));
      };
      const std::string source = value("source");
      auto known = std::find(sources.begin(), sources.end(), source);
      if (known == sources.end()) known = sources.insert(sources.end(), source);
      text.rows.push_back(
          {value("label"), value("task_settings"), value("length"), value("eval_length"),
           percent(value("chance")), with_deviation("published"), value("published_n"),
           share("published", "published_n"), value("ours_spread"), value("ours_n"),
           share("ours", "ours_runs"),
           range_text(value("difference_low"), value("difference_high")),
           range_text(value("solved_difference_low"), value("solved_difference_high")),
           value("verdict"), value("why"), fmt::format("[{}]", known - sources.begin() + 1)});
    }
    for (std::size_t i = 0; i < sources.size(); ++i) {
      text.notes.push_back(fmt::format("[{}] {}", i + 1, sources[i]));
    }
  }
  return all;
}

std::vector<TextTable> readable_comparison_headlines(const CsvTable& comparison) {
  std::vector<TextTable> all;
  for (const auto& rows : group_by(comparison, all_rows(comparison), {"experiment"})) {
    TextTable text;
    const auto value = [&](std::size_t row, std::string_view column) {
      return comparison.rows[row][comparison.index(column)];
    };
    text.title = fmt::format("{}: beside published figures", value(rows.front(), "experiment"));
    text.caption =
        "Best validation accuracy in per cent, as published, with 95 % intervals of the "
        "difference, "
        "ours less published; median steps among the solved, ours / published.";
    text.header = {"variant",
                   "task",
                   "published",
                   "solved",
                   "ours",
                   "solved",
                   "difference",
                   "of shares solved",
                   "median step ratio",
                   "verdict",
                   "source"};
    std::vector<std::string> sources;
    std::size_t others = 0;
    for (const std::size_t row : rows) {
      if (value(row, "verdict") == "not comparable") {
        ++others;
        continue;
      }
      const std::string source = value(row, "source");
      auto known = std::find(sources.begin(), sources.end(), source);
      if (known == sources.end()) known = sources.insert(sources.end(), source);
      const std::string sd = value(row, "published_sd");
      const std::string ratio = value(row, "solve_step_ratio");
      const std::string solved = value(row, "published_solved");
      text.rows.push_back(
          {value(row, "label"), value(row, "task_settings"),
           percent(value(row, "published_mean")) +
               (sd.empty() ? "" : fmt::format(" \u00b1 {}", percent(sd))),
           solved.empty() ? "-" : fmt::format("{}/{}", solved, value(row, "published_n")),
           value(row, "ours_spread"),
           fmt::format("{}/{}", value(row, "ours_solved"), value(row, "ours_runs")),
           range_text(value(row, "difference_low"), value(row, "difference_high")),
           range_text(value(row, "solved_difference_low"), value(row, "solved_difference_high")),
           ratio.empty() ? "-" : fmt::format("{:.2f}", to_real(ratio)), value(row, "verdict"),
           fmt::format("[{}]", known - sources.begin() + 1)});
    }
    for (std::size_t i = 0; i < sources.size(); ++i) {
      text.notes.push_back(fmt::format("[{}] {}", i + 1, sources[i]));
    }
    if (others > 0) {
      text.notes.push_back(fmt::format(
          "{} more {} of the same task and size, with other settings, and are not compared.",
          others, others == 1 ? "figure is" : "figures are"));
    }
    if (!text.rows.empty()) all.push_back(std::move(text));
  }
  return all;
}

}  // namespace recollect
