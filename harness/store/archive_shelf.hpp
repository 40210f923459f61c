#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/store/archive.hpp"
#include "harness/store/cell_folder.hpp"

namespace recollect {

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

/// The reason why an archived cell cannot be reused, as one line: a missing table, or a score that
/// is not finite; "" if it can be. Earlier versions archived such cells.
[[nodiscard]] std::string why_not_whole(const ArchivedCell& cell);

/// Writes the text files of a cell into its folder, status.yaml last. Whoever calls it has claimed
/// the cell. @throws IoError
void restore_cell(const ArchivedCell& cell, const CellFolder& folder);

}  // namespace recollect
