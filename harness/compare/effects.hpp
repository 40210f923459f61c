#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/compare/comparison.hpp"
#include "harness/results/cell_result.hpp"
#include "harness/results/result_set.hpp"
#include "harness/results/selected_values.hpp"
#include "harness/stats/statistics.hpp"

namespace recollect {

/// What is set against what within one set of results.
struct EffectQuestion {
  /// "variant" (by label), or an option: "train.learning_rate", "task.pairs", "model.width".
  std::string by;
  std::string against;  ///< the value that all others are set against; "": all pairs
  ScoreChoice score;
  bool ratio_intervals = true;  ///< they take longer than all else together
};

/// One value against another, over the seeds that have ended with both.
struct Effect {
  std::vector<Setting> setting;  ///< what both share, as far as it varies; none of the pooled
  std::size_t settings = 1;      ///< so many are pooled
  std::string a;
  std::string b;
  std::int64_t seeds = 0;
  // Accuracy, b less a, of the seeds with a score on both sides.
  std::int64_t pairs = 0;
  double accuracy_a = 0.0;
  double accuracy_b = 0.0;
  double difference = 0.0;
  std::optional<Interval> interval;  ///< 95 %; none where the seeds fall apart
  std::optional<double> p;  ///< of Student's t, or where they fall apart, of McNemar's test on who
                            ///< learned it
  /// Whether the training of every run was watched, not only its answers scored; if not, nothing
  /// below is known.
  bool training_known = true;
  // Solved tasks.
  std::int64_t solved_a = 0;
  std::int64_t solved_b = 0;
  std::optional<double> p_solved;  ///< McNemar's test with mid-p
  // Steps to solve, each run for as long as it was watched, at most `limit`.
  double limit = 0.0;
  double steps_a = 0.0;  ///< restricted means
  double steps_b = 0.0;
  double ratio = 1.0;  ///< b / a; of the pooled, the geometric mean over the settings
  std::optional<Interval>
      ratio_interval;  ///< 95 %, from 10,000 resamples of the seeds, where asked for
  std::optional<double> p_log_rank;

  [[nodiscard]] bool pooled() const noexcept { return settings > 1; }
  /// "task_pairs 8, train_steps 600", "all cells", "all 3 settings".
  [[nodiscard]] std::string where() const;
  /// Whether there are steps to compare: one run at least solved the task.
  [[nodiscard]] bool has_steps() const noexcept {
    return training_known && solved_a + solved_b > 0;
  }
};

struct Effects {
  EffectQuestion question;
  std::vector<Effect> each;    ///< setting by setting; p values corrected after Holm within a test
  std::vector<Effect> pooled;  ///< over all settings, where there are several
  /// What keep_selected() left of the results before, where it was asked for.
  std::vector<SelectedValue> selected = {};
};

/// @throws IoError where the set has no such option, or fewer than two values of it
[[nodiscard]] Effects effects_of(const ResultSet& set, const EffectQuestion& question);

/// For a terminal: three lines a pair of values.
[[nodiscard]] std::string effects_text(const Effects& effects, const ResultSet& set);
[[nodiscard]] std::string effects_markdown(const Effects& effects, const ResultSet& set);
/// {"by": ..., "each": [{"where", "a", "b", ...}], "pooled": [...]}
[[nodiscard]] std::string effects_json(const Effects& effects, const ResultSet& set);
[[nodiscard]] std::string effects_csv(const Effects& effects, const ResultSet& set);

}  // namespace recollect
