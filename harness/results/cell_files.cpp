#include "harness/results/cell_files.hpp"

#include <set>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/archive_places.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/store/experiment_file.hpp"

namespace recollect {
namespace {

constexpr const char* kHistory = "history.csv";
constexpr const char* kSlices = "slices.csv";

class Reader {
 public:
  explicit Reader(const CellFiles& files) : files_(files) {}

  /// True where nothing is missing of so many cells.
  [[nodiscard]] bool has_all(std::size_t cells) const {
    return (!files_.histories || rows_.histories.size() >= cells) &&
           (!files_.slices || rows_.slices.size() >= cells);
  }

  void add_archive(const std::filesystem::path& place, const std::set<std::string>& wanted) {
    const Archive archive = read_archive(place);
    for_each_file([&](const char* name, const auto& columns, auto& rows) {
      for (const auto& [hash, cell] : archive.cells) {
        const auto text = cell.texts.find(name);
        if (!wanted.contains(hash) || text == cell.texts.end()) continue;
        rows[hash] = parsed(columns, text->second, place / name);
      }
    });
  }

  void add_folder(const CellFolder& folder, const std::string& cell) {
    for_each_file([&](const char* name, const auto& columns, auto& rows) {
      if (!file_exists(folder.path() / name)) return;
      try {
        rows[cell] = parsed(columns, folder.read_text(name), folder.path() / name);
      } catch (const IoError&) {
        rows.erase(cell);
      }
    });
  }

  [[nodiscard]] CellRows take() { return std::move(rows_); }

 private:
  template <class Visit>
  void for_each_file(const Visit& visit) {
    if (files_.histories) visit(kHistory, history_columns(), rows_.histories);
    if (files_.slices) visit(kSlices, slice_columns(), rows_.slices);
  }

  template <class Row>
  static std::vector<Row> parsed(const std::vector<Column<Row>>& columns, const std::string& text,
                                 const std::filesystem::path& file) {
    return from_table(columns, parse_csv(text, file.string()), file.string());
  }

  CellFiles files_;
  CellRows rows_;
};

}  // namespace

CellRows read_cell_files(const std::filesystem::path& path, const std::vector<CellResult>& cells,
                         const CellFiles& files, const StopRequest& stop) {
  if (!std::filesystem::is_directory(path) || (!files.histories && !files.slices)) return {};
  Reader reader(files);
  std::set<std::string> wanted, experiments;
  for (const CellResult& cell : cells) {
    wanted.insert(cell.cell);
    experiments.insert(file_stem(cell.experiment));
  }
  if (std::filesystem::is_directory(path / "experiments")) {
    for (const std::string& cell : wanted) {
      stop.check();
      reader.add_folder(CellFolder(path, cell), cell);
    }
    return reader.take();
  }
  // An archive's folder is called like its experiment, unless somebody has moved it; the others are
  // read only where something is still missing.
  std::vector<std::filesystem::path> others;
  for (const std::filesystem::path& place : archive_paths_with_outside(path)) {
    stop.check();
    if (experiments.contains(place.filename().string())) {
      reader.add_archive(place, wanted);
    } else {
      others.push_back(place);
    }
  }
  for (const std::filesystem::path& place : others) {
    stop.check();
    if (!reader.has_all(wanted.size())) reader.add_archive(place, wanted);
  }
  return reader.take();
}

}  // namespace recollect
