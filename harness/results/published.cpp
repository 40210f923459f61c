#include "harness/results/published.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <set>

#include "base/error.hpp"
#include "base/fields.hpp"
#include "harness/config/model_options.hpp"
#include "harness/config/settings.hpp"
#include "tasks/registry.hpp"

namespace recollect {
namespace {

constexpr double kTolerance = 0.01;  // of a mean accuracy: less is of no interest

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

/// Whether the figure belongs beside the group at all.
bool corresponds(const GroupResult& group, const PublishedFigure& figure) {
  if (!group.key || group.key->weights != Weights::kBest ||
      group.key->split != Split::kValidation) {
    return false;
  }
  if (group.task != figure.task || group.variant != figure.variant) return false;
  if (group.train_length != figure.length) return false;
  if (group.key->eval_length != figure.eval_length) return false;
  return std::all_of(std::begin(kSizes), std::end(kSizes), [&](const char* column) {
    const auto size = figure.settings.find(column);
    return size == figure.settings.end() ||
           same_value(setting_of(group.settings, column).text, size->second);
  });
}

/// "train_steps 6000 instead of 20000", for every setting that differs.
/// @param known  the settings that some group has
std::vector<std::string> differences(const GroupResult& group, const PublishedFigure& figure,
                                     const std::set<std::string>& known) {
  std::map<std::string, std::string> expected = defaults_of(figure);
  for (const auto& [column, value] : figure.settings) expected[column] = value;
  for (const char* column : kIgnored) expected.erase(column);
  std::vector<std::string> found;
  for (const auto& [column, value] : expected) {
    if (!known.contains(column)) continue;
    const std::string& ours = setting_of(group.settings, column).text;
    if (!same_value(ours, value)) {
      found.push_back(fmt::format("{} {} instead of {}", column.substr(column.find('_') + 1),
                                  shown(ours), shown(value)));
    }
  }
  const std::string& unseen = group.key->unseen_levels;
  if (!unseen.empty() && unseen != figure.unseen_levels) {
    found.push_back(
        fmt::format("unseen_levels {} instead of {}", unseen, shown(figure.unseen_levels)));
  }
  return found;
}

std::string points(const Interval& interval) {
  return fmt::format("{:+.1f}..{:+.1f} points", 100.0 * interval.low, 100.0 * interval.high);
}

/// Sets verdict and why from the intervals.
void judge(PublishedComparison& row, const std::vector<std::string>& different) {
  const auto not_comparable = [&](std::string why) {
    row.verdict = Agreeing::kNotComparable;
    row.why = std::move(why);
  };
  if (!different.empty()) return not_comparable(fmt::format("{}", fmt::join(different, ", ")));
  if (row.ours.n() == 0) return not_comparable("no seed of ours has a score");
  if (!row.means && !row.shares) {
    return not_comparable("one seed on each side, and no spread on either");
  }
  const bool clusters = row.ours.clusters.has_value();
  std::vector<std::string> reasons;
  bool agrees = true;
  if (row.shares) {
    agrees = row.shares->contains(0.0);
    reasons.push_back(fmt::format("shares solved differ by {}", points(*row.shares)));
  }
  if (row.means && !(clusters && row.shares)) {
    agrees = agrees && row.means->low <= kTolerance && row.means->high >= -kTolerance;
    reasons.push_back(fmt::format("means differ by {}", points(*row.means)));
  }
  if (clusters) {
    reasons.push_back(row.shares ? "means do not count, as our seeds fall into two groups"
                                 : "our seeds fall into two groups, which Welch's interval "
                                   "ignores");
  }
  row.verdict = agrees ? Agreeing::kAgrees : Agreeing::kDiffers;
  row.why = fmt::format("{}", fmt::join(reasons, "; "));
}

PublishedComparison compared_row(const GroupResult& group, const PublishedFigure& figure,
                                 const std::set<std::string>& known) {
  PublishedComparison row;
  row.ours = group;
  row.figure = figure;
  row.task_settings = figure.task;
  for (const char* column : kSizes) {
    const std::string& size = setting_of(group.settings, column).text;
    if (figure.settings.contains(column) && !size.empty()) {
      row.task_settings += fmt::format(" {} {}", std::string(column).substr(5), size);
    }
  }
  if (const std::optional<Summary>& ours = group.accuracy.summary) {
    row.difference = ours->mean - figure.mean;
    row.means = mean_difference_interval(Moments{ours->mean, ours->sd, group.n()},
                                         Moments{figure.mean, figure.sd, figure.seeds});
  }
  if (figure.solved && group.runs() > 0) {
    row.shares =
        share_difference_interval(group.solved(), group.runs(), *figure.solved, figure.seeds);
  }
  if (figure.solve_step_median && group.solve_step_median_solved) {
    row.solve_step_ratio = *group.solve_step_median_solved / *figure.solve_step_median;
  }
  judge(row, differences(group, figure, known));
  return row;
}

}  // namespace

std::string name_of(Agreeing agreeing) {
  switch (agreeing) {
    case Agreeing::kNotComparable:
      return "not comparable";
    case Agreeing::kAgrees:
      return "agrees";
    case Agreeing::kDiffers:
      return "differs";
  }
  return {};
}

std::vector<PublishedComparison> compare_published(const std::vector<GroupResult>& groups,
                                                   const std::vector<PublishedFigure>& figures) {
  const std::vector<std::string> names = setting_names(groups);
  const std::set<std::string> known(names.begin(), names.end());
  std::vector<PublishedComparison> rows;
  for (const GroupResult& group : groups) {
    for (const PublishedFigure& figure : figures) {
      if (corresponds(group, figure)) rows.push_back(compared_row(group, figure, known));
    }
  }
  return rows;
}

}  // namespace recollect
