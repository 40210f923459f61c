#include "harness/report/archive_tables.hpp"

#include <fmt/format.h>

#include <optional>

#include "base/file.hpp"
#include "harness/report/cell_table.hpp"
#include "harness/report/group_table.hpp"

namespace recollect {

CsvTable archived_cells(const Archive& archive) {
  const auto find = [&](const std::string& hash) {
    const auto cell = archive.cells.find(hash);
    return cell == archive.cells.end()
               ? std::nullopt
               : std::optional(StoredCell{cell->second.status, cell->second.scores});
  };
  return tabulate_cells(archive.file, find, archive.path).table;
}

std::string completeness(const Archive& archive) {
  const std::size_t all = archive.file.folders.size();
  const std::size_t missing = archive.missing();
  if (missing == 0) return fmt::format("all {} cells", all);
  return fmt::format("{} of {} cells; {} {} not run", archive.cells.size(), all, missing,
                     missing == 1 ? "was" : "were");
}

void write_archive_tables(const Archive& archive, const std::string& page) {
  write_file_atomically(archive.path / "groups.csv", to_csv(group_cells(archived_cells(archive))));
  write_file_atomically(archive.path / "table.md", page);
}

}  // namespace recollect
