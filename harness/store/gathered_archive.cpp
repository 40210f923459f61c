#include "harness/store/gathered_archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "harness/store/cell_damage.hpp"
#include "harness/store/cell_folder.hpp"

namespace recollect {
namespace {

/// Whether an archive gives the cell's files back to the byte; the name of one that it would not,
/// or "".
std::string not_restorable(const ArchivedCell& cell) {
  if (status_text(cell.status) != cell.texts.at(kStatusFile)) return kStatusFile;
  for (const ArchivedFile& file : archived_files()) {
    const auto text = cell.texts.find(file.cell_file);
    if (text == cell.texts.end()) continue;
    try {
      if (file.unpack(file.pack(text->second)) != text->second) return file.cell_file;
    } catch (const IoError&) {
      return file.cell_file;
    }
  }
  return {};
}

/// None where the cell is not done. Its weights may be damaged, as an archive keeps none; a note
/// says so. @throws IoError where it is not whole otherwise
std::optional<ArchivedCell> read_cell(const CellFolder& folder, std::vector<std::string>& notes) {
  const std::optional<CellStatus> status = folder.read_status();
  if (!status) return std::nullopt;
  ArchivedCell cell;
  cell.status = *status;
  if (status->ending == Ending::kFailed) return cell;
  const CellDamage damage = damage_of(folder, *status);
  if (!std::all_of(damage.files.begin(), damage.files.end(), is_weights)) {
    throw IoError(damage.what + "; run the experiment again, which makes it anew");
  }
  if (!damage.what.empty()) {
    notes.push_back(
        fmt::format("archiving a cell that is not whole, without weights: {}", damage.what));
  }
  if (status->ending == Ending::kFinished) cell.scores = folder.read_scores();
  cell.texts[kStatusFile] = folder.read_text(kStatusFile);
  for (const ArchivedFile& file : archived_files()) {
    const bool has = file_exists(folder.path() / file.cell_file);
    if (has) cell.texts[file.cell_file] = folder.read_text(file.cell_file);
  }
  return cell;
}

}  // namespace

Archive gather_archive(const std::filesystem::path& runs,
                       const std::filesystem::path& experiment_file,
                       const std::filesystem::path& path, std::vector<std::string>& notes) {
  Archive archive{path, read_experiment(experiment_file), {}};
  const ExperimentFile& file = archive.file;
  std::size_t failed = 0;
  for (std::size_t i = 0; i < file.folders.size(); ++i) {
    const std::string& hash = file.folders[i];
    if (hash != file.experiment.cells[i].hash()) {
      throw IoError(fmt::format(
          "{}: cell {} was not computed with numerics version {}; run the experiment again",
          experiment_file.string(), hash, kNumericsVersion));
    }
    const auto leave_out = [&](const std::string& why) {
      notes.push_back(fmt::format("leaving out cell {}: {}", hash, why));
    };
    const CellFolder folder(runs, hash);
    try {
      std::optional<ArchivedCell> cell = read_cell(folder, notes);
      if (!cell) continue;
      if (cell->status.ending == Ending::kFailed) {
        ++failed;
        continue;
      }
      std::string changed = not_restorable(*cell);
      if (changed == kProvenanceFile) {  // nothing depends on how the work went
        cell->texts.erase(changed);
        changed = not_restorable(*cell);
      }
      if (changed.empty()) {
        archive.cells.emplace(hash, std::move(*cell));
      } else {
        leave_out(
            fmt::format("{} is not as this program writes it", (folder.path() / changed).string()));
      }
    } catch (const IoError& error) {
      leave_out(error.what());
    }
  }
  if (failed > 0) {
    notes.push_back(fmt::format("leaving out {} that failed", plural(failed, "cell")));
  }
  return archive;
}

std::size_t lost_cells(const Archive& older, const Archive& archive) {
  const std::set<std::string> own(archive.file.folders.begin(), archive.file.folders.end());
  return static_cast<std::size_t>(
      std::count_if(older.cells.begin(), older.cells.end(),
                    [&](const auto& cell) { return !own.contains(cell.first); }));
}

std::size_t keep_cells_of(const Archive& older, Archive& archive) {
  std::size_t kept = 0;
  for (const std::string& hash : archive.file.folders) {
    const auto cell = older.cells.find(hash);
    if (cell != older.cells.end()) kept += archive.cells.insert(*cell).second ? 1 : 0;
  }
  return kept;
}

void archive_weights(const Archive& archive, const std::filesystem::path& runs) {
  std::set<std::string> done;
  std::set<std::string> names;
  for (std::size_t i = 0; i < archive.file.folders.size(); ++i) {
    const Cell& cell = archive.file.experiment.cells[i];
    const std::string& hash = archive.file.folders[i];
    const CellFolder folder(runs, hash);
    const auto cell_of = archive.cells.find(hash);
    if (cell_of == archive.cells.end() || !file_exists(folder.weights_path(Weights::kBest))) {
      continue;
    }
    if (!done.insert(cell.variant.label).second) continue;
    make_folder(archive.path / "weights");
    std::string name = file_stem(cell.variant.label);
    if (!names.insert(name).second) name += fmt::format("-{}", hash);  // labels a/b and a_b
    write_file_atomically(archive.path / "weights" / (name + ".safetensors"),
                          folder.read_text("best.safetensors", cell_of->second.status.files));
  }
}

}  // namespace recollect
