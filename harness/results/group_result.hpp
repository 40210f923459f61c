#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/results/cell_result.hpp"
#include "harness/results/chosen_value.hpp"
#include "harness/stats/statistics.hpp"

namespace recollect {

/// One measure over the seeds.
struct Measure {
  Series values;                   ///< in the order of the cells
  std::optional<Summary> summary;  ///< none for no values
};

/// One score of a group of cells that differ in their seeds alone.
struct GroupResult {
  std::string experiment;
  /// Of all cells of the group, once each, "; " between.
  std::string config_hash, code_version, compiler, build;
  std::string task;
  std::string variant;
  std::string label;
  std::vector<Setting> settings;          ///< a seed that is the cell's own reads "seed"
  Integers seeds;                         ///< of the scores that are summed up
  std::vector<std::string> cells;         ///< of these seeds, as CellResult names them
  std::int64_t failed = 0;                ///< cells without scores
  std::int64_t diverged = 0;              ///< of these
  std::optional<std::int64_t> data_seed;  ///< none: the cell's own
  std::int64_t train_length = 0;
  std::int64_t parameters = 0;
  std::int64_t state_floats = 0;
  std::int64_t state_floats_peak = 0;

  /// What the scores have in common; none where no cell has one. So are all means below.
  std::optional<ScoreKey> key;
  bool unseen_level = false;
  bool foreign_selection = false;
  std::optional<std::int64_t> most_steps;       ///< that a run with scores made
  std::optional<double> training_flops, steps;  ///< means over the seeds, as what follows
  std::optional<double> scored, chance;
  std::vector<RuleAccuracy> ceilings;  ///< of the rules that the task has
  Measure accuracy, exact_match, loss;
  std::optional<TwoClusters> clusters;  ///< of the accuracies
  /// The two scores side by side, at this length and with these levels: accuracies of the best
  /// weights on validation, and on test examples.
  Measure as_published, clean;
  Measure final_clean;  ///< accuracy of the final weights on test examples, at this length

  /// Of each seed that did not diverge: when it reached 0.99 on validation at the training length.
  SolveSteps solve_steps;
  std::optional<double> solve_step_median;         ///< after Kaplan and Meier
  std::optional<double> solve_step_median_solved;  ///< of those that solved the task
  /// Restricted mean of the step, up to `step_limit`: a run that did not counts as that.
  std::optional<double> solve_step_mean;
  double step_limit = 0.0;
  /// How many runs reached 0.90 and 0.95 on validation at the training length; none where the best
  /// weights were selected otherwise.
  std::optional<std::int64_t> solved_at_90, solved_at_95;

  std::optional<ChosenValue> chosen;  ///< where values were chosen

  [[nodiscard]] std::int64_t n() const noexcept { return static_cast<std::int64_t>(seeds.size()); }
  [[nodiscard]] std::int64_t runs() const noexcept { return n() + diverged; }
  [[nodiscard]] std::int64_t solved() const noexcept;
  [[nodiscard]] std::optional<Interval> solved_interval() const;
};

/// Whether anybody watched the training, and so knows when it solved the task: not where another
/// program's model was scored.
[[nodiscard]] bool training_is_known(const GroupResult& group);
[[nodiscard]] bool training_is_known(const CellResult& cell);

/// One row per group of cells that differ in their seeds alone, and per (weights, split, eval
/// length); one for a group whose cells all failed.
[[nodiscard]] std::vector<GroupResult> group_cells(const std::vector<CellResult>& cells);
/// The same without a copy of the rows, which it may change.
[[nodiscard]] std::vector<GroupResult> group_cells(std::vector<CellResult>&& cells);

/// The grouped table; results/README.md explains every column. In short:
///   seeds, n                the seeds of the scores that the row sums up
///   failed, diverged        cells of the group without scores, and those of them that diverged
///   M_mean _sd _median _min _max _low _high _values    M = accuracy, exact_match, loss, over seeds
///   as_published_*, clean_* the two scores side by side: best weights on validation and on test
///   solved, runs            of n + diverged runs, how many reached 0.99 on validation
///   solve_step*             when
///   steps_mean, training_flops_mean, scored_mean, chance_mean, ceiling_*_mean    over the seeds
/// A column that has a name of cell_table() holds what all cells of the group have there.
[[nodiscard]] DataTable group_table(const std::vector<GroupResult>& groups);

}  // namespace recollect
