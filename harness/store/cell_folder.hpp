#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/store/record.hpp"

namespace recollect {

/// How training a cell ended.
enum class Ending {
  kFinished,
  kDiverged,  ///< the loss was not finite; it would be again
  kFailed,    ///< an error; the next run tries again
};
[[nodiscard]] std::string name_of(Ending ending);
/// None where nothing ends so.
[[nodiscard]] std::optional<Ending> ending_of(std::string_view name);

/// status.yaml: what is known of a cell once its training has ended. The same bytes from run to
/// run.
struct CellStatus {
  Ending ending = Ending::kFinished;
  std::string reason;  ///< one line; empty where finished
  std::int64_t steps = 0;
  std::optional<std::int64_t> solved_step;
  std::int64_t best_step = 0;
  std::int64_t parameters = 0;
  double training_flops = 0.0;  ///< nominal: 2 a multiply-add, 3 forward passes a training sequence
  std::int64_t state_floats = 0;       ///< after train_length tokens
  std::int64_t state_floats_peak = 0;  ///< up to train_length tokens
  int numerics_version = 0;
  std::string code_version;
  std::string compiler;
  std::string build;
};

/// The text of status.yaml.
[[nodiscard]] std::string status_text(const CellStatus& status);
/// @param name  stands for the file in messages @throws IoError
[[nodiscard]] CellStatus parse_status(const std::string& text, const std::string& name);

/// The folder of one cell, OUT/cells/HASH:
///   config.yaml          the resolved cell, itself a configuration that gives this very cell
///   history.csv scores.csv slices.csv correct.csv
///   final.safetensors best.safetensors
///   provenance.yaml      processor, threads and seconds: all that differs from run to run
///   status.yaml          written last, so a folder without it holds a cell that is not done
///   state.safetensors state.previous.safetensors
///                        until then: where training stands (harness/store/checkpoint.hpp)
/// All files are written atomically. Every member throws IoError with the path.
class CellFolder {
 public:
  CellFolder(const std::filesystem::path& out, const std::string& hash);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path weights_path(Weights weights) const;
  /// True where neither weights are there. Then nothing is damaged: an archive keeps none.
  [[nodiscard]] bool weightless() const;

  /// None where the cell is not done.
  [[nodiscard]] std::optional<CellStatus> read_status() const;
  void write_status(const CellStatus& status) const;
  /// The cell is not done any more.
  void remove_status() const;
  void remove_weights() const;

  /// None where there is no such file.
  [[nodiscard]] std::vector<ScoreRow> read_scores() const;
  [[nodiscard]] std::vector<SliceRow> read_slices() const;
  [[nodiscard]] std::vector<CorrectRow> read_correct() const;
  /// Rows are written in the order of their keys, whatever order they come in. Scores go last: a
  /// score row says that its slices are there too.
  void write_scores(std::vector<ScoreRow> scores, std::vector<SliceRow> slices,
                    std::vector<CorrectRow> correct = {}) const;

  /// Removes the state of a training that has ended. What a kill left of it, too.
  void remove_state() const;
  /// Removes what a kill left of files that were being written. Nobody else may write in the
  /// folder.
  void remove_unfinished_writes() const;

  void write_history(const std::vector<HistoryRow>& history) const;
  void write_text(const std::string& file, const std::string& text) const;
  [[nodiscard]] std::string read_text(const std::string& file) const;

 private:
  std::filesystem::path path_;
};

/// The score rows that a cell's configuration asks for: both weights, validation and test, each
/// eval length. Validation rows count train.validation_examples examples, test rows eval.examples.
[[nodiscard]] std::vector<ScoreKey> wanted_scores(const Cell& cell);

/// What is missing of one wanted score.
enum class Missing {
  kNothing,
  kScore,
  kExamples,  ///< the row of a test score is there, without the bits of its examples
};

/// What `folder` lacks of `wanted`, where these are its rows. Bits that cannot be had, because the
/// weights are not there any more, are not missing.
[[nodiscard]] Missing missing_of(const CellFolder& folder, const std::vector<ScoreRow>& scores,
                                 const std::vector<CorrectRow>& correct, const ScoreKey& wanted);

/// True where `row` answers `wanted`. A row without untrained levels answers every mode.
[[nodiscard]] bool answers(const ScoreRow& row, const ScoreKey& wanted);

}  // namespace recollect
