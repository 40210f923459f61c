#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/store/cell_status.hpp"
#include "harness/store/record.hpp"

namespace recollect {

/// The tables of scores of a cell.
struct ScoreTables {
  std::vector<ScoreRow> scores = {};
  std::vector<SliceRow> slices = {};
  std::vector<SliceRow> more_slices = {};  ///< none where the task has no more_tags()
  std::vector<CorrectRow> correct = {};
};

/// The folder of one cell, OUT/cells/HASH:
///   config.yaml          the resolved cell, itself a configuration that gives this very cell
///   history.csv scores.csv slices.csv more_slices.csv correct.csv
///   final.safetensors best.safetensors
///   provenance.yaml      processor, threads and seconds: all that differs from run to run
///   status.yaml          written last, so a folder without it holds a cell that is not done; with
///                        the digests of all files above but the provenance
///   without_weights      empty; there where an archive gave the cell, which keeps no weights
///   state.safetensors state.previous.safetensors
///                        until then: where training stands (harness/store/checkpoint.hpp)
/// All files are written atomically. Every member throws IoError with the path.
class CellFolder {
 public:
  CellFolder(const std::filesystem::path& out, const std::string& hash);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path weights_path(Weights weights) const;
  /// True where neither weights are there.
  [[nodiscard]] bool weightless() const;
  /// True where they need not be: they are those of an archive, which keeps none.
  [[nodiscard]] bool needs_no_weights() const;
  void write_needs_no_weights() const;
  void remove_needs_no_weights() const;

  /// None where the cell is not done.
  [[nodiscard]] std::optional<CellStatus> read_status() const;
  void write_status(const CellStatus& status) const;
  /// The cell is not done any more.
  void remove_status() const;
  void remove_weights() const;
  /// Nor is anything left that its training gave: history, scores and weights.
  void remove_results() const;

  /// Of the files that a status has digests of, where they are there.
  [[nodiscard]] FileDigests digests() const;

  // None where there is no such file. A file that `digests` names must have that digest.

  /// Rows that give no number (has_numbers()) are among them, as an earlier version wrote them.
  [[nodiscard]] std::vector<ScoreRow> read_scores(const FileDigests& digests = {}) const;
  [[nodiscard]] std::vector<SliceRow> read_slices(const FileDigests& digests = {}) const;
  [[nodiscard]] std::vector<SliceRow> read_more_slices(const FileDigests& digests = {}) const;
  [[nodiscard]] std::vector<CorrectRow> read_correct(const FileDigests& digests = {}) const;
  /// Rows are written in the order of their keys, whatever order they come in. Scores go last: a
  /// score row says that its slices are there too. Of more_slices and correct without rows there is
  /// no file.
  void write_scores(ScoreTables tables) const;

  /// Removes the state of a training that has ended. What a kill left of it, too.
  void remove_state() const;
  /// Removes what a kill left of files that were being written. Nobody else may write in the
  /// folder.
  void remove_unfinished_writes() const;

  void write_history(const std::vector<HistoryRow>& history) const;
  void write_text(const std::string& file, const std::string& text) const;
  [[nodiscard]] std::string read_text(const std::string& file,
                                      const FileDigests& digests = {}) const;

 private:
  std::filesystem::path path_;
};

/// The score rows that a cell's configuration asks for: both weights, validation and test, each
/// eval length. Validation rows count train.validation_examples examples, test rows eval.examples.
[[nodiscard]] std::vector<ScoreKey> wanted_scores(const Cell& cell);

/// The task at the settings of one of them.
[[nodiscard]] std::shared_ptr<const TaskSettings> task_of(const Cell& cell, const ScoreKey& key);

/// What is missing of one wanted score.
enum class Missing {
  kNothing,
  kScore,
  kAdditions,  ///< the row is there, as an earlier version wrote it: without its more_slices, or
               ///< of a test score without the bits of its examples
};

/// What `folder` lacks of a score that `cell` wants, where these are the folder's tables. Additions
/// that cannot be had, because the weights are not there any more, are not missing.
[[nodiscard]] Missing missing_of(const CellFolder& folder, const ScoreTables& tables,
                                 const Cell& cell, const ScoreKey& wanted);

/// True where `row` answers `wanted`. A row without untrained levels answers every mode.
[[nodiscard]] bool answers(const ScoreRow& row, const ScoreKey& wanted);

}  // namespace recollect
