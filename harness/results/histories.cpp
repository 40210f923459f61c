#include "harness/results/histories.hpp"

#include <set>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/store/experiment_file.hpp"
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
    experiments.insert(file_stem(cell.experiment));
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
  // An archive's folder is called like its experiment, unless somebody has moved it; the others are
  // read only where something is still missing.
  std::vector<std::filesystem::path> others;
  for (const std::filesystem::path& place : archive_paths(path)) {
    if (experiments.contains(place.filename().string())) {
      add_archive(histories, place, wanted);
    } else {
      others.push_back(place);
    }
  }
  for (const std::filesystem::path& place : others) {
    if (histories.size() < wanted.size()) add_archive(histories, place, wanted);
  }
  return histories;
}

}  // namespace recollect
