#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "harness/config/settings.hpp"
#include "harness/store/csv.hpp"
#include "harness/store/state.hpp"
#include "tasks/task.hpp"

namespace recollect {

enum class Weights { kFinal, kBest };
[[nodiscard]] std::string name_of(Weights weights);
[[nodiscard]] std::string name_of(UnseenLevels mode);

/// What a rule reaches; none where it is not among them.
[[nodiscard]] std::optional<double> ceiling_of(const std::vector<RuleAccuracy>& ceilings,
                                               std::string_view rule);

/// What a score depends on beyond the cell itself.
struct ScoreKey {
  Weights weights = Weights::kFinal;
  Split split = Split::kValidation;
  std::int64_t eval_length = 0;
  std::int64_t examples = 0;
  /// What levels beyond the trained ones read; "" where the length uses none, so that the same row
  /// serves every mode.
  std::string unseen_levels;
  /// Options of the task that eval.cells gives, with their values here: TaskPart::settings.
  std::map<std::string, std::string> settings = {};
  friend auto operator<=>(const ScoreKey&,
                          const ScoreKey&) = default;  // NOLINT(modernize-use-nullptr)
};

/// The settings of a key: ", pairs 16"; "" where it has none.
[[nodiscard]] std::string settings_text(const ScoreKey& key);

/// One line of scores.csv.
struct ScoreRow {
  ScoreKey key;
  std::int64_t best_step = 0;
  double accuracy = 0.0;
  double exact_match = 0.0;
  double loss = 0.0;  ///< NaN where ids were scored, which no training has given (best_step 0)
  std::int64_t scored = 0;
  double chance = 0.0;
  std::vector<RuleAccuracy> ceilings;  ///< what the task's rules reach
  bool unseen_level = false;
  /// The best weights were selected on validation data of another length than was trained.
  bool foreign_selection = false;
};

/// One line of slices.csv, and of more_slices.csv.
struct SliceRow {
  ScoreKey key;
  std::string slice;  ///< the name of a tag, e.g. lag
  std::int64_t value = 0;
  std::int64_t scored = 0;
  double accuracy = 0.0;
};

/// One line of correct.csv: which test examples were answered without a mistake.
struct CorrectRow {
  ScoreKey key;
  /// In the file as an x and hexadecimal digits of four examples each, the first example in the
  /// highest bit of the first digit; bits beyond the last example are 0. An earlier version wrote
  /// no x, which some programs read as a number.
  std::vector<bool> exact;
};

/// The columns of the files of a cell; each list is the file's definition. Scores have a column for
/// every rule of a registered task: ceiling_first and ceiling_recent always, empty where the task
/// has no such rule; the others at the end, optional.
[[nodiscard]] const std::vector<Column<HistoryRow>>& history_columns();
[[nodiscard]] const std::vector<Column<ScoreRow>>& score_columns();
[[nodiscard]] const std::vector<Column<SliceRow>>& slice_columns();
[[nodiscard]] const std::vector<Column<CorrectRow>>& correct_columns();

/// False where the model gave none: a loss or a share that is not finite. Today no row is written
/// of it.
[[nodiscard]] bool has_numbers(const ScoreRow& row);

/// Why a row can be no score: a figure that is not finite or beyond its bounds, an accuracy that is
/// no whole number of the scored positions; "" where it may be one. Names the column.
[[nodiscard]] std::string fault_of(const ScoreRow& row);

/// Reads correct.csv. `name` stands for the file in messages.
/// @throws IoError naming file, row and column of what is not as it should be
[[nodiscard]] std::vector<CorrectRow> correct_rows(const CsvTable& table, const std::string& name);

}  // namespace recollect
