#include "harness/report/published.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/fields.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "harness/config/model_options.hpp"
#include "harness/config/settings.hpp"
#include "harness/report/readable_table.hpp"
#include "harness/stats/statistics.hpp"
#include "harness/store/table_rows.hpp"
#include "tasks/registry.hpp"

namespace recollect {
namespace {

constexpr double kTolerance = 0.01;  // of a mean accuracy: less is of no interest

/// A column of the file, and the setting of ours that it stands for.
struct SettingColumn {
  const char* published;
  const char* ours;
};
constexpr SettingColumn kSettings[] = {
    {"layout", "task_layout"},
    {"filler", "task_filler"},
    {"pairs", "task_pairs"},
    {"tokens", "task_tokens"},
    {"dialect", "task_dialect"},
    {"learning_rate", "train_learning_rate"},
    {"max_steps", "train_steps"},
    {"stop_at", "train_stop_at"},
    {"short_conv", "model_short_conv"},
    {"select_length", "train_select_length"},
};

/// Settings that another figure may have been taken with, without another meaning.
constexpr const char* kIgnored[] = {"task_length", "train_order_seed", "model_chunk",
                                    "model_first_layer"};

/// What makes a figure the counterpart of a group; the rest must agree, or is why they cannot be
/// compared.
constexpr const char* kSizes[] = {"task_pairs", "task_tokens"};

bool same_value(const std::string& a, const std::string& b) {
  if (a == b) return true;
  if (a.empty() || b.empty()) return false;
  try {
    return to_real(a) == to_real(b);  // 1e-3 and 0.001
  } catch (const IoError&) {
    return false;
  }
}

std::string shown(const std::string& value) { return value.empty() ? "none" : value; }

/// Our default of every setting of a figure's task, by column.
std::map<std::string, std::string> defaults_of(const PublishedFigure& figure) {
  std::map<std::string, std::string> defaults;
  const auto add = [&](const std::string& prefix, const Fields& fields) {
    for (const Field& field : fields) defaults[prefix + field.name] = field.text();
  };
  if (const auto* entry = tasks().find(figure.task)) {
    const std::unique_ptr<TaskSettings> task = entry->settings();
    task->resolve();
    add("task_", task->fields());
  }
  ModelOptions model;
  add("model_", model.fields());
  TrainSettings train;
  train.select_length = figure.length;
  add("train_", train.fields());
  return defaults;
}

std::string value_in(const CsvTable& table, const std::vector<std::string>& row,
                     std::string_view column) {
  const auto found = table.find(column);
  return found ? row[*found] : "";
}

/// Whether the figure belongs beside the group at all.
bool corresponds(const CsvTable& groups, const std::vector<std::string>& row,
                 const PublishedFigure& figure) {
  const auto at = [&](std::string_view column) { return value_in(groups, row, column); };
  if (at("weights") != "best" || at("split") != "validation") return false;
  if (at("task") != figure.task || at("variant") != figure.variant) return false;
  if (at("train_length") != std::to_string(figure.length)) return false;
  if (at("eval_length") != std::to_string(figure.eval_length)) return false;
  return std::all_of(std::begin(kSizes), std::end(kSizes), [&](const char* column) {
    const auto size = figure.settings.find(column);
    return size == figure.settings.end() || same_value(at(column), size->second);
  });
}

/// "train_steps 6000 instead of 20000", for every setting that differs.
std::vector<std::string> differences(const CsvTable& groups, const std::vector<std::string>& row,
                                     const PublishedFigure& figure) {
  std::map<std::string, std::string> expected = defaults_of(figure);
  for (const auto& [column, value] : figure.settings) expected[column] = value;
  for (const char* column : kIgnored) expected.erase(column);
  std::vector<std::string> found;
  for (const auto& [column, value] : expected) {
    if (!groups.find(column)) continue;
    const std::string ours = value_in(groups, row, column);
    if (!same_value(ours, value)) {
      found.push_back(fmt::format("{} {} instead of {}", column.substr(column.find('_') + 1),
                                  shown(ours), shown(value)));
    }
  }
  const std::string unseen = value_in(groups, row, "unseen_levels");
  if (!unseen.empty() && unseen != figure.unseen_levels) {
    found.push_back(
        fmt::format("unseen_levels {} instead of {}", unseen, shown(figure.unseen_levels)));
  }
  return found;
}

std::string points(const Interval& interval) {
  return fmt::format("{:+.1f}..{:+.1f} points", 100.0 * interval.low, 100.0 * interval.high);
}

struct Verdict {
  std::string verdict;
  std::string why;
};

Verdict judge(const std::vector<std::string>& different, const std::optional<Interval>& means,
              const std::optional<Interval>& shares, bool clusters, std::int64_t n) {
  if (!different.empty()) {
    return {"not comparable", fmt::format("{}", fmt::join(different, ", "))};
  }
  if (n == 0) return {"not comparable", "no seed of ours has a score"};
  if (!means && !shares) {
    return {"not comparable", "one seed on each side, and no spread on either"};
  }
  std::vector<std::string> reasons;
  bool agrees = true;
  if (shares) {
    agrees = shares->contains(0.0);
    reasons.push_back(fmt::format("shares solved differ by {}", points(*shares)));
  }
  if (means && !(clusters && shares)) {
    agrees = agrees && means->low <= kTolerance && means->high >= -kTolerance;
    reasons.push_back(fmt::format("means differ by {}", points(*means)));
  }
  if (clusters) {
    reasons.push_back(shares ? "means do not count, as our seeds fall into two groups"
                             : "our seeds fall into two groups, which Welch's interval ignores");
  }
  return {agrees ? "agrees" : "differs", fmt::format("{}", fmt::join(reasons, "; "))};
}

std::string text_or_empty(const std::optional<double>& value) {
  return value ? shortest(*value) : "";
}

Values compared_row(const CsvTable& groups, const std::vector<std::string>& row,
                    const PublishedFigure& figure) {
  const auto at = [&](std::string_view column) { return value_in(groups, row, column); };
  const std::int64_t n = to_integer(at("n"));
  const std::int64_t runs = to_integer(at("runs"));
  std::optional<Interval> means, shares;
  if (n > 0) {
    Moments ours{to_real(at("accuracy_mean")), {}, n};
    if (!at("accuracy_sd").empty()) ours.sd = to_real(at("accuracy_sd"));
    means = mean_difference_interval(ours, Moments{figure.mean, figure.sd, figure.seeds});
  }
  if (figure.solved && runs > 0) {
    shares =
        share_difference_interval(to_integer(at("solved")), runs, *figure.solved, figure.seeds);
  }
  const Verdict verdict =
      judge(differences(groups, row, figure), means, shares, at("bimodal") == "1", n);

  Values values;
  const auto put = [&](std::string name, std::string value) {
    values.emplace_back(std::move(name), std::move(value));
  };
  const auto put_interval = [&](const std::string& name, const std::optional<Interval>& interval) {
    put(name + "_low", interval ? shortest(interval->low) : "");
    put(name + "_high", interval ? shortest(interval->high) : "");
  };
  std::string task = figure.task;
  for (const char* column : kSizes) {
    if (figure.settings.contains(column) && !at(column).empty()) {
      task += fmt::format(" {} {}", std::string(column).substr(5), at(column));
    }
  }
  std::vector<double> accuracies;
  for (const std::string& word : words(at("accuracy_values"))) accuracies.push_back(to_real(word));

  for (const char* column : {"experiment", "variant", "label"}) put(column, at(column));
  put("variant_as_published", figure.variant_as_published);
  put("task_settings", task);
  put("length", std::to_string(figure.length));
  put("eval_length", std::to_string(figure.eval_length));
  for (const char* column : {"chance", "ceiling_first", "ceiling_recent"}) put(column, at(column));
  put("published_mean", shortest(figure.mean));
  put("published_sd", text_or_empty(figure.sd));
  put("published_n", std::to_string(figure.seeds));
  put("published_solved", figure.solved ? std::to_string(*figure.solved) : "");
  put("published_solve_step_median", text_or_empty(figure.solve_step_median));
  put("ours_mean", at("accuracy_mean"));
  put("ours_sd", at("accuracy_sd"));
  put("ours_low", at("accuracy_low"));
  put("ours_high", at("accuracy_high"));
  put("ours_n", at("n"));
  put("ours_runs", at("runs"));
  put("ours_solved", at("solved"));
  put("ours_solve_step_median", at("solve_step_median_solved"));
  put("ours_spread", spread_text(accuracies, which_solved(at("solve_steps")), runs));
  put("difference", n > 0 ? shortest(to_real(at("accuracy_mean")) - figure.mean) : "");
  put_interval("difference", means);
  put_interval("solved_difference", shares);
  put("verdict", verdict.verdict);
  put("why", verdict.why);
  put("note", figure.note);
  put("source", figure.source);
  const std::string median = at("solve_step_median_solved");
  put("solve_step_ratio", figure.solve_step_median && !median.empty()
                              ? shortest(to_real(median) / *figure.solve_step_median)
                              : "");
  return values;
}

}  // namespace

std::vector<PublishedFigure> read_published(const std::filesystem::path& path) {
  const CsvTable table =
      parse_csv(read_file(path, kLargestText, "file of published figures"), path.string());
  for (const char* column :
       {"source", "task", "length", "eval_length", "variant", "metric", "mean", "sd", "seeds"}) {
    if (!table.find(column)) {
      throw IoError(fmt::format("{}: column '{}' is missing", path.string(), column));
    }
  }
  std::vector<PublishedFigure> figures;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const std::vector<std::string>& row = table.rows[i];
    const auto at = [&](std::string_view column) { return value_in(table, row, column); };
    try {
      if (at("metric") != "best validation accuracy") {
        throw IoError(
            fmt::format("metric '{}'; known: best validation accuracy", printable(at("metric"))));
      }
      PublishedFigure figure;
      figure.source = at("source");
      figure.variant = at("variant");
      figure.variant_as_published = at("variant_as_published");
      figure.task = at("task");
      figure.length = to_integer(at("length"));
      figure.eval_length = to_integer(at("eval_length"));
      for (const SettingColumn& column : kSettings) {
        // An empty stop_at says "none"; any other empty cell, that the task has no such option.
        const bool given = table.find(column.published).has_value();
        const std::string value = at(column.published);
        if (given && (!value.empty() || std::string_view(column.published) == "stop_at")) {
          figure.settings[column.ours] = value;
        }
      }
      figure.unseen_levels = at("unseen_levels");
      figure.mean = to_real(at("mean"));
      if (!at("sd").empty()) figure.sd = to_real(at("sd"));
      for (const double value : {figure.mean, figure.sd.value_or(0.0)}) {
        if (!(value >= 0.0 && value <= 1.0)) {
          throw IoError(fmt::format("mean and sd are shares, 0..1, and not {}", value));
        }
      }
      figure.seeds = to_integer(at("seeds"));
      if (figure.seeds < 1) throw IoError("seeds must be 1 or more");
      if (figure.seeds == 1) figure.sd.reset();
      if (!at("solved").empty()) {
        figure.solved = to_integer(at("solved"));
        if (*figure.solved < 0 || *figure.solved > figure.seeds) {
          throw IoError(fmt::format("solved = {} of {} seeds", *figure.solved, figure.seeds));
        }
      }
      if (!at("solve_step_median").empty()) {
        figure.solve_step_median = to_real(at("solve_step_median"));
      }
      figure.note = at("note");
      figures.push_back(std::move(figure));
    } catch (const IoError& error) {
      throw IoError(fmt::format("{}: figure {}: {}", path.string(), i + 1, error.what()));
    }
  }
  return figures;
}

CsvTable compare_published(const CsvTable& groups, const std::vector<PublishedFigure>& figures) {
  std::vector<Values> rows;
  for (const auto& row : groups.rows) {
    for (const PublishedFigure& figure : figures) {
      if (corresponds(groups, row, figure)) rows.push_back(compared_row(groups, row, figure));
    }
  }
  return table_of(rows);
}

}  // namespace recollect
