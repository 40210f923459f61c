#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "harness/compare/comparison.hpp"
#include "harness/results/cell_result.hpp"
#include "harness/results/result_set.hpp"
#include "harness/stats/survival.hpp"

namespace recollect {

/// One run with one of the values that are compared: how it ended, and its score.
struct RunWithValue {
  bool watched = true;  ///< its training, so that `solved` and `wait` say something
  bool solved = false;
  double accuracy = std::numeric_limits<double>::quiet_NaN();
  Waiting wait;        ///< for the step at which it solved the task
  double limit = 0.0;  ///< steps that it was to be watched
  std::int64_t distance = std::numeric_limits<std::int64_t>::max();  ///< of the score's length
};

/// The runs of one setting, by value and seed.
struct RunsOfSetting {
  std::vector<std::string> texts;  ///< of the columns that name it
  std::map<std::string, std::map<std::int64_t, RunWithValue>> values;
};

/// Both runs of every seed that has ended with both values of a pair, in one setting.
struct PairedRuns {
  std::vector<std::int64_t> seeds;
  std::vector<RunWithValue> a, b;
};

[[nodiscard]] PairedRuns paired(const RunsOfSetting& setting, const std::string& a,
                                const std::string& b);

/// The runs of a set of results by the values of one option, apart for each setting of all others.
class RunsByValue {
 public:
  /// @param by  "variant" (by label), or an option: "train.learning_rate"
  /// @throws IoError where the set has no such option, or fewer than two values of it
  RunsByValue(const ResultSet& set, const std::string& by, const ScoreChoice& score);

  /// In the order in which they first appear.
  [[nodiscard]] const std::vector<std::string>& values() const noexcept { return values_; }
  [[nodiscard]] const std::vector<RunsOfSetting>& settings() const noexcept { return settings_; }
  /// What tells one of the settings from the others.
  [[nodiscard]] std::vector<Setting> varying(const RunsOfSetting& setting) const;

 private:
  void find_columns(const std::vector<CellResult>& cells, const std::string& by);
  void add(const CellResult& cell, const ScoreChoice& score);

  std::string by_;                    ///< its column
  std::vector<std::string> columns_;  ///< that name a setting
  std::map<std::vector<std::string>, std::size_t> places_;
  std::vector<RunsOfSetting> settings_;
  std::vector<std::string> values_;
};

}  // namespace recollect
