#include "harness/store/archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/folder_replacement.hpp"
#include "harness/store/csv.hpp"

namespace recollect {
namespace {

/// What could not be read again must not be written. @throws IoError
void write_table(const std::filesystem::path& path, const CsvTable& table) {
  const std::string text = to_csv(table);
  if (text.size() > kLargestTable ||
      (table.rows.size() + 1) * table.header.size() > kMostTableCells) {
    throw IoError(fmt::format(
        "{} would have {} lines, more than an archive can hold; make several experiments of it",
        path.filename().string(), table.rows.size() + 1));
  }
  write_file_atomically(path, text);
}

struct ListedCell {
  const Cell& cell;
  const std::string& hash;
  const ArchivedCell& archived;
};

}  // namespace

void write_archive(const Archive& archive) {
  FolderReplacement folder(archive.path);
  write_file_atomically(folder.path() / kConfigFile, archive.file.configuration);

  // The experiment's order, which a diff keeps when cells are added.
  std::vector<ListedCell> cells;
  CsvTable status{archive_status_header(), {}};
  for (std::size_t i = 0; i < archive.file.folders.size(); ++i) {
    const auto found = archive.cells.find(archive.file.folders[i]);
    if (found == archive.cells.end()) continue;
    const auto& [hash, archived] = *found;
    cells.push_back({archive.file.experiment.cells[i], hash, archived});
    status.rows.push_back(archive_status_row(hash, archived.status, archived.texts));
  }
  for (const ArchivedFile& file : archived_files()) {
    const TableShape columns = behind_cell(file.columns);
    CsvTable table{columns.names, {}};
    for (const auto& [cell, hash, archived] : cells) {
      const auto text = archived.texts.find(file.cell_file);
      if (text == archived.texts.end()) continue;
      const bool given =
          file.cell_file == kConfigFile && text->second == cell.yaml(archive.file.experiment.name);
      if (given) continue;
      for (const std::vector<std::string>& row : file.pack(text->second)) {
        std::vector<std::string>& line = table.rows.emplace_back();
        line.push_back(hash_in_table(hash));
        line.insert(line.end(), row.begin(), row.end());
      }
    }
    if (table.rows.empty()) continue;
    write_table(folder.path() / file.name, without_empty_columns(std::move(table), columns));
  }
  write_table(folder.path() / kStatusTable, status);
  // What others keep there stays: tables, weights.
  folder.carry_over([](const std::string& name) {
    return std::none_of(archived_files().begin(), archived_files().end(),
                        [&](const ArchivedFile& file) { return file.name == name; });
  });
  folder.commit();
}

}  // namespace recollect
