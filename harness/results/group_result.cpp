#include "harness/results/group_result.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

#include "harness/stats/survival.hpp"
#include "harness/store/experiment_file.hpp"
#include "models/outside.hpp"

namespace recollect {
namespace {

using Rows = std::vector<const CellResult*>;

/// The cells of one group.
struct Group {
  Rows scored;  ///< for each cell one a score
  Rows failed;  ///< one for each cell without
};

/// The texts of a column, once each, in the order in which they first appear.
template <class Text>
std::string distinct(const Rows& rows, Text&& text) {
  std::vector<std::string> seen;
  for (const CellResult* row : rows) {
    if (std::find(seen.begin(), seen.end(), text(*row)) == seen.end()) seen.push_back(text(*row));
  }
  std::string all;
  for (const std::string& one : seen) {
    if (!all.empty()) all += "; ";
    all += one;
  }
  return all;
}

template <class Number>
std::optional<double> mean_of(const Rows& rows, Number&& number) {
  if (rows.empty()) return std::nullopt;
  std::vector<double> values;
  for (const CellResult* row : rows) values.push_back(static_cast<double>(number(*row)));
  return mean(values);
}

Measure measure(const Rows& rows, double ScoreRow::*member) {
  Measure measured;
  for (const CellResult* row : rows) measured.values.push_back((*row->score).*member);
  if (!measured.values.empty()) measured.summary = summarise(measured.values);
  return measured;
}

/// One of the two scores that stand side by side, at the length and with the levels of `key`.
Measure side_score(const Group& group, const ScoreKey& key, Split split,
                   Weights weights = Weights::kBest) {
  Rows found;
  for (const CellResult* row : group.scored) {
    const ScoreKey& own = row->score->key;
    if (own.weights == weights && own.split == split && own.eval_length == key.eval_length &&
        own.unseen_levels == key.unseen_levels && own.settings == key.settings) {
      found.push_back(row);
    }
  }
  return measure(found, &ScoreRow::accuracy);
}

/// How many runs solved the task and when. Validation at the training length decides, so this is
/// the same for all rows of a group.
void add_solving(GroupResult& result, const Rows& rows) {
  std::vector<Waiting> waiting(
      static_cast<std::size_t>(result.diverged),
      Waiting{std::numeric_limits<double>::infinity(), true});  // it will never be
  std::vector<double> solved;
  for (const CellResult* row : rows) {
    const CellStatus& status = row->status;
    const std::int64_t step = status.solved_step.value_or(status.steps);
    const bool is_solved = status.solved_step.has_value();
    result.solve_steps.push_back({step, is_solved});
    waiting.push_back(Waiting{static_cast<double>(step), !is_solved});
    if (is_solved) solved.push_back(static_cast<double>(step));
  }
  for (const CellResult* row : rows) {
    const std::string& steps = setting_of(row->settings, "train_steps").text;
    const double limit = steps.empty() ? static_cast<double>(row->status.steps) : to_real(steps);
    result.step_limit = std::max(result.step_limit, limit);
  }
  if (!solved.empty()) result.solve_step_mean = restricted_mean(waiting, result.step_limit);
  result.solve_step_median = median_waiting(std::move(waiting));
  if (!solved.empty()) result.solve_step_median_solved = median(solved);
}

/// The best validation accuracy of a run is the largest of all its evaluations, where the best
/// weights were selected by it at the training length.
std::optional<std::int64_t> solved_at(const Group& group, const CellResult& first,
                                      double threshold) {
  // Of a mixture the mean of the components selects.
  if (!setting_of(first.settings, "train_mixture").text.empty()) return std::nullopt;
  const std::string& metric = setting_of(first.settings, "train_metric").text;
  const std::string& selected = setting_of(first.settings, "train_select_length").text;
  if ((!metric.empty() && metric != "accuracy") ||
      (!selected.empty() && selected != std::to_string(first.train_length))) {
    return std::nullopt;
  }
  std::set<std::int64_t> scored, reached;  // seeds
  for (const CellResult* row : group.scored) {
    const ScoreKey& key = row->score->key;
    if (key.weights != Weights::kBest || key.split != Split::kValidation ||
        key.eval_length != row->train_length) {
      continue;
    }
    scored.insert(row->seed);
    if (row->score->accuracy >= threshold) reached.insert(row->seed);
  }
  if (scored.empty()) return std::nullopt;
  return static_cast<std::int64_t>(reached.size());
}

/// Of every rule that some row has, over the rows that have it.
std::vector<RuleAccuracy> mean_ceilings(const Rows& rows) {
  std::vector<RuleAccuracy> means;
  for (const CellResult* row : rows) {
    for (const RuleAccuracy& ceiling : row->score->ceilings) {
      if (ceiling_of(means, ceiling.rule)) continue;
      std::vector<double> values;
      for (const CellResult* other : rows) {
        if (const auto value = ceiling_of(other->score->ceilings, ceiling.rule)) {
          values.push_back(*value);
        }
      }
      means.push_back({ceiling.rule, mean(values)});
    }
  }
  return means;
}

void add_scores(GroupResult& result, const Group& group, const Rows& rows) {
  const ScoreRow& first = *rows.front()->score;
  result.key = first.key;
  result.unseen_level = first.unseen_level;
  result.foreign_selection = first.foreign_selection;
  const auto score_mean = [&](auto member) {
    return mean_of(rows, [&](const CellResult& row) { return (*row.score).*member; });
  };
  result.scored = score_mean(&ScoreRow::scored);
  result.chance = score_mean(&ScoreRow::chance);
  result.ceilings = mean_ceilings(rows);
  result.accuracy = measure(rows, &ScoreRow::accuracy);
  result.exact_match = measure(rows, &ScoreRow::exact_match);
  Rows with_loss = rows;
  std::erase_if(with_loss, [](const CellResult* row) { return std::isnan(row->score->loss); });
  result.loss = measure(with_loss, &ScoreRow::loss);
  result.clusters = two_clusters(result.accuracy.values);
  result.as_published = side_score(group, first.key, Split::kValidation);
  result.clean = side_score(group, first.key, Split::kTest);
  result.final_clean = side_score(group, first.key, Split::kTest, Weights::kFinal);
}

/// The row of some scores of a group, one for each seed; none where all its cells failed.
GroupResult grouped_row(const Group& group, const Rows& rows) {
  Rows members = rows;
  members.insert(members.end(), group.failed.begin(), group.failed.end());
  const CellResult& first = *members.front();
  GroupResult result;
  result.experiment = first.experiment;
  result.config_hash =
      distinct(members, [](const auto& row) { return hash_in_table(row.config_hash); });
  result.code_version = distinct(members, [](const auto& row) { return row.status.code_version; });
  result.compiler = distinct(members, [](const auto& row) { return row.status.compiler; });
  result.build = distinct(members, [](const auto& row) { return row.status.build; });
  result.task = first.task;
  result.variant = first.variant;
  result.label = first.label;
  result.settings = first.settings;
  for (const CellResult* row : rows) {
    result.seeds.push_back(row->seed);
    result.cells.push_back(row->cell);
  }
  result.failed = static_cast<std::int64_t>(group.failed.size());
  result.diverged =
      std::count_if(group.failed.begin(), group.failed.end(),
                    [](const CellResult* row) { return row->status.ending == Ending::kDiverged; });
  result.data_seed = first.data_seed;
  result.train_length = first.train_length;
  result.parameters = first.status.parameters;
  result.state_floats = first.status.state_floats;
  result.state_floats_peak = first.status.state_floats_peak;
  result.training_flops = mean_of(rows, [](const auto& row) { return row.status.training_flops; });
  result.steps = mean_of(rows, [](const auto& row) { return row.status.steps; });
  for (const CellResult* row : rows) {
    result.most_steps = std::max(result.most_steps.value_or(0), row->status.steps);
  }
  if (!rows.empty()) add_scores(result, group, rows);
  add_solving(result, rows);
  result.solved_at_90 = solved_at(group, first, 0.90);
  result.solved_at_95 = solved_at(group, first, 0.95);
  return result;
}

}  // namespace

std::int64_t GroupResult::solved() const noexcept {
  return std::count_if(solve_steps.begin(), solve_steps.end(),
                       [](const SolveStep& step) { return step.solved; });
}

bool training_is_known(const GroupResult& group) { return group.variant != kOutside; }
bool training_is_known(const CellResult& cell) { return cell.variant != kOutside; }

std::optional<Interval> GroupResult::solved_interval() const {
  if (runs() == 0 || !training_is_known(*this)) return std::nullopt;
  return wilson_interval(solved(), runs());
}

std::vector<GroupResult> group_cells(const std::vector<CellResult>& original) {
  return group_cells(std::vector<CellResult>(original));
}

std::vector<GroupResult> group_cells(std::vector<CellResult>&& cells) {
  name_following_seeds(cells);
  const std::vector<std::string> names = setting_names(cells);
  const auto same_cells = [&](const CellResult& row) {
    std::vector<std::string> key = {row.experiment, row.task, row.variant, row.label};
    for (const std::string& name : names) key.push_back(setting_of(row.settings, name).text);
    return std::tuple(std::move(key), row.data_seed, row.train_length);
  };
  const auto same_score = [](const CellResult& row) {
    const ScoreKey& key = row.score->key;
    return std::tuple(key.weights, key.split, key.eval_length, key.settings, key.examples,
                      key.unseen_levels);
  };
  std::vector<GroupResult> grouped;
  for (const Rows& rows : group_rows(pointers_to(cells), same_cells)) {
    Group group;
    for (const CellResult* row : rows) (row->score ? group.scored : group.failed).push_back(row);
    for (const Rows& scores : group_rows(group.scored, same_score)) {
      grouped.push_back(grouped_row(group, scores));
    }
    if (group.scored.empty()) grouped.push_back(grouped_row(group, {}));
  }
  return grouped;
}

}  // namespace recollect
