#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "harness/store/archive_files.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/store/experiment_file.hpp"

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

/// DIR/NAME.
[[nodiscard]] std::filesystem::path archive_path(const std::filesystem::path& folder,
                                                 const std::string& experiment);

/// True where `path` holds an archive, whether or not it can be read.
[[nodiscard]] bool is_archive(const std::filesystem::path& path);

/// The archives of a folder: itself, where it is one, and what stands in it, in the order of names.
/// @throws IoError where there is no such folder
[[nodiscard]] std::vector<std::filesystem::path> archive_paths(const std::filesystem::path& folder);

/// DIR/NAME/outside/HASH: the archive of a cell that another program's model made (outside_file),
/// beside the runs of its experiment.
[[nodiscard]] std::filesystem::path outside_archive_path(const std::filesystem::path& folder,
                                                         const std::string& experiment,
                                                         const std::string& hash);

/// archive_paths(), and behind them those of other programs' models. @throws IoError likewise
[[nodiscard]] std::vector<std::filesystem::path> archive_paths_with_outside(
    const std::filesystem::path& folder);

/// Takes from a results folder what is done of an experiment. Cells that failed, or that are not
/// whole, are left out, and `notes` says so. Weights may be missing, as an archive keeps none.
/// @param experiment_file  RUNS/experiments/NAME.yaml
/// @param path  where it will be written
/// @throws IoError where the experiment's file cannot be read, or is of another numerics version
[[nodiscard]] Archive gather_archive(const std::filesystem::path& runs,
                                     const std::filesystem::path& experiment_file,
                                     const std::filesystem::path& path,
                                     std::vector<std::string>& notes);

/// How many cells of `older` are none of the experiment's, and would be lost with it.
[[nodiscard]] std::size_t lost_cells(const Archive& older, const Archive& archive);

/// Adds those cells of the experiment that only `older` holds. @returns how many
std::size_t keep_cells_of(const Archive& older, Archive& archive);

/// The whole folder or nothing: where a file cannot be written, an archive that stood there is as
/// it was. Files beside the archive's own stay. @throws IoError
void write_archive(const Archive& archive);

/// Copies the best weights of the first cell of each variant from a results folder, where it has
/// them, to DIR/NAME/weights/LABEL.safetensors, which names the cell; a label that would give a
/// file of the same name as another has the cell's hash behind it. @throws IoError
void archive_weights(const Archive& archive, const std::filesystem::path& runs);

/// @throws IoError with file and line of what is damaged: a column that is missing, a cell that is
/// not one of the experiment's, rows that are not those which the digest was made of, another
/// numerics version
[[nodiscard]] Archive read_archive(const std::filesystem::path& path);

/// Finished cells that a run may take instead of training them.
class ArchiveShelf {
 public:
  struct Place {
    const Archive* archive = nullptr;
    const ArchivedCell* cell = nullptr;
  };

  ArchiveShelf() = default;
  /// Reads the archives of each folder. @throws IoError where there is no such folder
  explicit ArchiveShelf(const std::vector<std::filesystem::path>& folders);

  /// Every place that has the cell, in the order of the folders and of names.
  [[nodiscard]] std::vector<Place> find(const std::string& hash) const;
  /// Archives that are damaged and not used; folders without any.
  [[nodiscard]] const std::vector<std::string>& notes() const noexcept { return notes_; }

 private:
  std::vector<Archive> archives_;
  std::vector<std::string> notes_;
};

/// What keeps an archived cell from being handed on, one line: a table that it lacks, a model that
/// gave no number; "" where nothing does. An earlier version archived such cells.
[[nodiscard]] std::string why_not_whole(const ArchivedCell& cell);

/// Writes the text files of a cell into its folder, status.yaml last. Whoever calls it has claimed
/// the cell. @throws IoError
void restore_cell(const ArchivedCell& cell, const CellFolder& folder);

}  // namespace recollect
