#include "harness/results/published_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/fields.hpp"
#include "harness/config/model_options.hpp"
#include "harness/config/settings.hpp"
#include "tasks/registry.hpp"

namespace recollect {
namespace {

/// Settings that another figure may have been taken with, without another meaning.
constexpr const char* kIgnored[] = {"task_length", "train_order_seed", "model_chunk",
                                    "model_first_layer"};

/// What makes a figure the counterpart of a group; the rest must agree, or is why they cannot be
/// compared.
constexpr const char* kSizes[] = {"task_pairs", "task_tokens"};

constexpr std::string_view kModel = "model_";
constexpr double kSolved = 0.99;  // what the files of published figures count as solved

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

/// Those of one group and one figure, and what is known of the group's runs.
class Beside {
 public:
  Beside(const GroupResult& group, const PublishedFigure& figure)
      : group_(group), figure_(figure), expected_(defaults_of(figure)) {
    for (const auto& [column, value] : figure.settings) expected_[column] = value;
    for (const char* column : kIgnored) expected_.erase(column);
  }

  [[nodiscard]] SettingsBeside compared(const std::set<std::string>& known) const {
    SettingsBeside result;
    std::vector<std::string> all;
    bool apart = false;
    for (const auto& [column, value] : expected_) {
      if (!known.contains(column) || same_value(ours(column), value)) continue;
      if (is_no_option(column)) continue;
      const std::string difference =
          fmt::format("{} {} instead of {}", column.substr(column.find('_') + 1),
                      shown(ours(column)), shown(value));
      all.push_back(difference);
      if (column == "train_stop_at" && stop_never_reached(value)) {
        result.without_effect.push_back(
            fmt::format("{} changed nothing, as no run of ours reached it", difference));
      } else if (column == "train_stop_at" && stops_when_solved(value)) {
        result.shares_only = fmt::format(
            "{} moves the best accuracy of a run, but not whether it solves the task", difference);
      } else if (column == "train_steps" && limit_never_reached(value)) {
        result.without_effect.push_back(
            fmt::format("{} changed nothing, as every run of ours had stopped before", difference));
      } else {
        apart = true;
      }
    }
    // With another rate or task, our runs do not say what theirs reached.
    if (apart) result.different = all;
    const std::string& unseen = group_.key->unseen_levels;
    if (!unseen.empty() && unseen != figure_.unseen_levels) {
      result.different.push_back(
          fmt::format("unseen_levels {} instead of {}", unseen, shown(figure_.unseen_levels)));
    }
    return result;
  }

 private:
  [[nodiscard]] const std::string& ours(const std::string& column) const {
    return setting_of(group_.settings, column).text;
  }

  /// Whether the group's tables list an option that its variant does not have, or leave one out
  /// that is at its default.
  [[nodiscard]] bool is_no_option(const std::string& column) const {
    if (column.starts_with(kModel) &&
        !model_option_applies(group_.variant, column.substr(kModel.size()))) {
      return true;
    }
    return ours(column).empty() && !figure_.settings.contains(column);
  }

  /// Whether both sides select, stop and count solved seeds by validation at one length, and no run
  /// of ours is without a score.
  [[nodiscard]] bool all_at(std::int64_t length) const {
    const std::string text = std::to_string(length);
    const auto theirs = expected_.find("train_select_length");
    return group_.diverged == 0 && group_.n() > 0 && ours("train_select_length") == text &&
           theirs != expected_.end() && theirs->second == text;
  }

  /// The source's stop_at looks at the data that it selects by, ours at those of the training
  /// length. The accuracy of the best weights is the largest that a run had on the data that
  /// select them, so where that is less, the run never stopped early.
  [[nodiscard]] bool stop_never_reached(const std::string& theirs) const {
    const std::string& own = ours("train_stop_at");
    if (own.empty() == theirs.empty()) return false;  // both stop, at different accuracies
    if (!all_at(group_.key->eval_length)) return false;
    if (!own.empty() && group_.key->eval_length != group_.train_length) return false;
    const double stop = to_real(own.empty() ? theirs : own);
    return std::all_of(group_.accuracy.values.begin(), group_.accuracy.values.end(),
                       [&](double best) { return best < stop; });
  }

  [[nodiscard]] bool stops_when_solved(const std::string& theirs) const {
    if (!figure_.solved || !all_at(group_.train_length) ||
        group_.key->eval_length != group_.train_length) {
      return false;
    }
    const std::string& own = ours("train_stop_at");
    const auto late = [](const std::string& stop) {
      return stop.empty() || to_real(stop) >= kSolved;
    };
    return late(own) && late(theirs);
  }

  /// A schedule other than a constant rate depends on the limit itself.
  [[nodiscard]] bool limit_never_reached(const std::string& theirs) const {
    const std::string& own = ours("train_steps");
    if (group_.diverged > 0 || !group_.most_steps || ours("train_schedule") != "constant") {
      return false;
    }
    const auto most = static_cast<double>(*group_.most_steps);
    return most < to_real(own) && most <= to_real(theirs);
  }

  const GroupResult& group_;
  const PublishedFigure& figure_;
  std::map<std::string, std::string> expected_;
};

}  // namespace

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

std::string task_text(const GroupResult& group, const PublishedFigure& figure) {
  std::string text = figure.task;
  for (const char* column : kSizes) {
    const std::string& size = setting_of(group.settings, column).text;
    if (figure.settings.contains(column) && !size.empty()) {
      text += fmt::format(" {} {}", std::string(column).substr(5), size);
    }
  }
  return text;
}

SettingsBeside settings_beside(const GroupResult& group, const PublishedFigure& figure,
                               const std::set<std::string>& known) {
  return Beside(group, figure).compared(known);
}

}  // namespace recollect
