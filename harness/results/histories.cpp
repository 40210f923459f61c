#include "harness/results/histories.hpp"

#include <set>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/store/record.hpp"

namespace recollect {
namespace {

constexpr const char* kHistory = "history.csv";

using Histories = std::map<std::string, std::vector<HistoryRow>>;

void add(Histories& histories, const std::string& cell, const std::string& text,
         const std::filesystem::path& file) {
  histories[cell] = from_table(history_columns(), parse_csv(text, file.string()), file.string());
}

void add_archive(Histories& histories, const std::filesystem::path& place,
                 const std::set<std::string>& wanted) {
  const Archive archive = read_archive(place);
  for (const auto& [hash, cell] : archive.cells) {
    const auto text = cell.texts.find(kHistory);
    if (wanted.contains(hash) && text != cell.texts.end()) {
      add(histories, hash, text->second, place / kHistory);
    }
  }
}

}  // namespace

Histories read_histories(const std::filesystem::path& path, const std::vector<CellResult>& cells) {
  Histories histories;
  if (!std::filesystem::is_directory(path)) return histories;
  std::set<std::string> wanted, experiments;
  for (const CellResult& cell : cells) {
    wanted.insert(cell.cell);
    experiments.insert(cell.experiment);
  }
  if (std::filesystem::is_directory(path / "experiments")) {
    for (const std::string& cell : wanted) {
      const CellFolder folder(path, cell);
      if (!file_exists(folder.path() / kHistory)) continue;
      try {
        add(histories, cell, folder.read_text(kHistory), folder.path() / kHistory);
      } catch (const IoError&) {
        histories.erase(cell);
      }
    }
    return histories;
  }
  for (const std::filesystem::path& place : archive_paths(path)) {
    // An archive's folder is called like its experiment, which saves reading the others.
    const bool alone = archive_paths(path).size() == 1;
    const bool is_wanted = experiments.contains(place.filename().string());
    if (alone || is_wanted) add_archive(histories, place, wanted);
  }
  return histories;
}

}  // namespace recollect
