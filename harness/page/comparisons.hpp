#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/compare/effects.hpp"
#include "harness/plot/study.hpp"

namespace recollect::page {

/// What a test says of "does b do better than a?".
enum class Outcome { kYes, kOpposite, kNotShown, kTooFew };

/// All pairs of labels of some cells, set against each other as `recollect compare --by variant`
/// does: p values are corrected after Holm over the pairs.
class Comparisons {
 public:
  /// @param score  of the accuracies
  Comparisons(const ResultSet& set, const ScoreChoice& score);

  /// Over all settings that both have, b less a. None where they share no seed.
  [[nodiscard]] std::optional<Effect> of(const std::string& a, const std::string& b) const;

  /// The same in each of these settings.
  [[nodiscard]] std::vector<Effect> by_setting(const std::string& a, const std::string& b) const;

  /// The same with the interval of the ratio of steps, over several settings, which takes longer.
  [[nodiscard]] Effect with_interval(Effect effect) const;

  /// Solved more often; Effect::p_solved.
  [[nodiscard]] Outcome more_often(const Effect& effect) const;
  /// Solved sooner; the log-rank test, or over several settings the interval of the ratio.
  [[nodiscard]] Outcome sooner(const Effect& effect) const;
  /// More accurate; Effect::p.
  [[nodiscard]] Outcome more_accurate(const Effect& effect) const;

  /// How many seeds one side alone must have solved for a test to show it; none where all of so
  /// many would not do.
  [[nodiscard]] std::optional<std::int64_t> least_shown(std::int64_t seeds) const;

 private:
  ResultSet set_;
  Effects effects_;
};

/// The cells of a set that are in this list, or of these experiments.
[[nodiscard]] ResultSet cells_of(const ResultSet& set, const std::vector<std::string>& cells);
[[nodiscard]] ResultSet experiments_of(const ResultSet& set,
                                       const std::vector<std::string>& experiments);

/// "p = 0.44", "p < 0.001"
[[nodiscard]] std::string p_text(double p);

}  // namespace recollect::page
