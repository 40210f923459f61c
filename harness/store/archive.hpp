#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "harness/store/archive_files.hpp"
#include "harness/store/experiment_file.hpp"
#include "harness/store/record.hpp"

namespace recollect {

struct ArchivedCell {
  CellTexts texts;
  CellStatus status;             ///< finished or diverged
  std::vector<ScoreRow> scores;  ///< of a finished cell
};

/// The cells of one experiment that are done, in a few text files that a version control system
/// takes well. results/README.md lists them; in short, DIR/NAME holds
///   config.yaml      the experiment's resolved configuration
///   history.csv scores.csv slices.csv more_slices.csv correct.csv
///                    those of the cells one under another, with the cell in the first column; of
///                    slices a line holds a whole one
///   provenance.csv   likewise
///   configs.csv      config.yaml of those cells whose own is not what config.yaml above gives:
///                    another experiment made them
///   status.csv       a line a cell: what status.yaml says, and a digest of each of its files, its
///                    weights among them; written last, so a folder without it holds no archive
/// Cells are named as tables name them (hash_in_table()); an earlier version wrote their hashes.
/// From these, every text file of every cell can be restored to the byte.
struct Archive {
  std::filesystem::path path;  ///< DIR/NAME
  ExperimentFile file;
  std::map<std::string, ArchivedCell> cells;  ///< by hash; some of the experiment's

  /// How many cells of the experiment it does not hold.
  [[nodiscard]] std::size_t missing() const noexcept { return file.folders.size() - cells.size(); }
};

/// The whole folder or nothing: where a file cannot be written, an archive that stood there is as
/// it was. Files beside the archive's own stay. @throws IoError
void write_archive(const Archive& archive);

/// @throws IoError with file and line of what is damaged: a column that is missing, a cell that is
/// not one of the experiment's, rows that are not those which the digest was made of, another
/// numerics version
[[nodiscard]] Archive read_archive(const std::filesystem::path& path);

}  // namespace recollect
