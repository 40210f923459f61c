#include "harness/results/cell_files.hpp"

#include <set>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/store/experiment_file.hpp"
#include "harness/store/record.hpp"

namespace recollect {
namespace {

/// One file of each cell, by the cell.
template <class Row>
class Files {
 public:
  using Rows = std::map<std::string, std::vector<Row>>;

  Files(const char* name, const std::vector<Column<Row>>& columns)
      : name_(name), columns_(columns) {}

  [[nodiscard]] Rows read(const std::filesystem::path& path, const std::vector<CellResult>& cells);

 private:
  void add(const std::string& cell, const std::string& text, const std::filesystem::path& place) {
    const std::string file = (place / name_).string();
    rows_[cell] = from_table(columns_, parse_csv(text, file), file);
  }
  void add_archive(const std::filesystem::path& place, const std::set<std::string>& wanted);

  const char* name_;
  const std::vector<Column<Row>>& columns_;
  Rows rows_;
};

template <class Row>
void Files<Row>::add_archive(const std::filesystem::path& place,
                             const std::set<std::string>& wanted) {
  const Archive archive = read_archive(place);
  for (const auto& [hash, cell] : archive.cells) {
    const auto text = cell.texts.find(name_);
    if (wanted.contains(hash) && text != cell.texts.end()) add(hash, text->second, place);
  }
}

template <class Row>
auto Files<Row>::read(const std::filesystem::path& path, const std::vector<CellResult>& cells)
    -> Rows {
  if (!std::filesystem::is_directory(path)) return {};
  std::set<std::string> wanted, experiments;
  for (const CellResult& cell : cells) {
    wanted.insert(cell.cell);
    experiments.insert(file_stem(cell.experiment));
  }
  if (std::filesystem::is_directory(path / "experiments")) {
    for (const std::string& cell : wanted) {
      const CellFolder folder(path, cell);
      if (!file_exists(folder.path() / name_)) continue;
      try {
        add(cell, folder.read_text(name_), folder.path());
      } catch (const IoError&) {
        rows_.erase(cell);
      }
    }
    return std::move(rows_);
  }
  // An archive's folder is called like its experiment, unless somebody has moved it; the others are
  // read only where something is still missing.
  std::vector<std::filesystem::path> others;
  for (const std::filesystem::path& place : archive_paths(path)) {
    if (experiments.contains(place.filename().string())) {
      add_archive(place, wanted);
    } else {
      others.push_back(place);
    }
  }
  for (const std::filesystem::path& place : others) {
    if (rows_.size() < wanted.size()) add_archive(place, wanted);
  }
  return std::move(rows_);
}

}  // namespace

std::map<std::string, std::vector<HistoryRow>> read_histories(
    const std::filesystem::path& path, const std::vector<CellResult>& cells) {
  return Files<HistoryRow>("history.csv", history_columns()).read(path, cells);
}

std::map<std::string, std::vector<SliceRow>> read_slices(const std::filesystem::path& path,
                                                         const std::vector<CellResult>& cells) {
  return Files<SliceRow>("slices.csv", slice_columns()).read(path, cells);
}

}  // namespace recollect
