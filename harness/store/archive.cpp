#include "harness/store/archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/folder_replacement.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "harness/store/cell_damage.hpp"
#include "harness/store/csv.hpp"
#include "harness/store/outside_file.hpp"
#include "harness/store/provenance.hpp"
#include "harness/store/record.hpp"
#include "harness/store/renamed_options.hpp"

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

bool is_weights(std::string_view file) { return file.ends_with(".safetensors"); }

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

// A hundred thousand cells have tables of a gigabyte.
constexpr std::uint64_t kLargestTable = std::uint64_t{1} << 32;  // bytes
constexpr std::size_t kMostTableCells = std::size_t{1} << 28;

CsvTable read_table(const std::filesystem::path& path) {
  return parse_csv(read_file(path, kLargestTable, "table"), path.string(), kMostTableCells);
}

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

/// The rows of one file of an archive by cell, with the lines on which they stand.
struct CellRows {
  CsvRows rows;
  std::size_t first_line = 0;
};

/// None of a file that is not there. @throws IoError with file and line
std::map<std::string, CellRows> read_rows(const std::filesystem::path& path,
                                          const ArchivedFile& file,
                                          const std::set<std::string>& known) {
  std::map<std::string, CellRows> cells;
  if (!file_exists(path)) return cells;
  const CsvTable table =
      with_all_columns(read_table(path), behind_cell(file.columns), path.string() + ":1");
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const std::vector<std::string>& row = table.rows[i];
    const std::string hash = hash_of_table(row.front());
    if (!known.contains(hash)) {
      throw IoError(fmt::format("{}:{}: cell '{}' is not in {}", path.string(), i + 2,
                                printable(row.front()), kStatusTable));
    }
    CellRows& cell = cells[hash];
    if (cell.rows.empty()) cell.first_line = i + 2;
    cell.rows.emplace_back(row.begin() + 1, row.end());
  }
  return cells;
}

/// Puts the files of one cell together again and checks each against its digest.
class CellReader {
 public:
  CellReader(const Archive& archive, std::string hash, const std::vector<std::string>& status_row,
             std::size_t line)
      : archive_(archive), hash_(std::move(hash)), line_(line) {
    try {
      cell_.status = archived_status(status_row);
      digests_ = archived_digests(status_row);
    } catch (const IoError& error) {
      throw IoError(fmt::format("{}:{}: {}", status_path(), line_, error.what()));
    }
  }

  void add(const ArchivedFile& file, const std::map<std::string, CellRows>& rows) {
    if (!digests_.contains(file.cell_file)) return;
    const auto own = rows.find(hash_);
    const std::string place = fmt::format("{}:{}", (archive_.path / file.name).string(),
                                          own == rows.end() ? 1 : own->second.first_line);
    std::string text;
    try {
      text = file.unpack(own == rows.end() ? CsvRows{} : own->second.rows);
    } catch (const IoError& error) {
      throw IoError(fmt::format("{}: in the rows of cell {}: {}", place, hash_, error.what()));
    }
    put(file.cell_file, std::move(text), [&] {
      return fmt::format("{}: the rows of cell {} do not match their digest", place, hash_);
    });
  }

  /// What the experiment's configuration gives where configs.csv has nothing else.
  void add_config(std::string text) {
    if (!matches(kConfigFile, text)) text = with_former_names(text);
    put(kConfigFile, text, [&] {
      return fmt::format("{}:1: what it says of cell {} does not match its digest",
                         (archive_.path / kConfigFile).string(), hash_);
    });
  }

  [[nodiscard]] ArchivedCell finish() {
    for (const auto& [name, digest] : digests_) {
      if (name != kStatusFile && name != kProvenanceFile) cell_.status.files[name] = digest;
    }
    // An earlier version's status had none.
    if (!matches(kStatusFile, status_text(cell_.status))) cell_.status.files.clear();
    put(kStatusFile, status_text(cell_.status), [&] {
      return fmt::format("{}:{}: what it says of cell {} does not match its digest", status_path(),
                         line_, hash_);
    });
    for (const auto& [name, digest] : digests_) {
      if (!cell_.texts.contains(name) && !is_weights(name)) {
        throw IoError(fmt::format("{}:{}: archives hold no file '{}'", status_path(), line_,
                                  printable(name)));
      }
    }
    if (cell_.status.ending == Ending::kFinished) {
      const std::string name = (archive_.path / "scores.csv").string();
      const auto scores = cell_.texts.find("scores.csv");
      if (scores == cell_.texts.end()) {
        throw IoError(fmt::format("{}:{}: cell {} is finished but has no scores", status_path(),
                                  line_, hash_));
      }
      cell_.scores = from_table(score_columns(), parse_csv(scores->second, name), name);
    }
    return std::move(cell_);
  }

 private:
  [[nodiscard]] std::string status_path() const { return (archive_.path / kStatusTable).string(); }

  [[nodiscard]] bool matches(const std::string& name, const std::string& text) const {
    const auto digest = digests_.find(name);
    return digest != digests_.end() && digest->second == hex(hash_text(text));
  }

  template <class Mismatch>
  void put(const std::string& name, std::string text, Mismatch&& mismatch) {
    if (!matches(name, text)) {
      throw IoError(fmt::format("{} in line {} of {}", mismatch(), line_, kStatusTable));
    }
    cell_.texts[name] = std::move(text);
  }

  const Archive& archive_;
  std::string hash_;
  std::size_t line_;
  std::map<std::string, std::string> digests_;
  ArchivedCell cell_;
};

/// The provenance of a cell whose archive has none.
std::string restored_text() {
  return provenance_text({work_of_this_build("restoring", "not recorded", 1, 0.0)});
}

/// @param hashes  of the cells that the archive lists
ExperimentFile experiment_of(const std::filesystem::path& path,
                             const std::vector<std::string>& hashes) {
  ExperimentFile file;
  file.configuration = read_file(path, kLargestText, "configuration");
  file.config_hash = hex(hash_text(file.configuration));
  try {
    file.experiment = parse_recorded(file.configuration, path.string(), hashes);
  } catch (const ConfigError& error) {  // it names the file and the line
    throw IoError(error.what());
  }
  for (const Cell& cell : file.experiment.cells) file.folders.push_back(cell.hash());
  return file;
}

/// The folder and those that stand in it, in the order of names. @throws IoError
std::vector<std::filesystem::path> with_folders_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> places = {folder};
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const bool hidden = entry.path().filename().string().starts_with('.');  // half written
    if (!hidden && entry.is_directory()) places.push_back(entry.path());
  }
  if (error) {
    throw IoError(fmt::format("cannot read {}: {}; give a folder of archives", folder.string(),
                              error.message()));
  }
  std::sort(places.begin(), places.end());
  return places;
}

}  // namespace

std::filesystem::path archive_path(const std::filesystem::path& folder,
                                   const std::string& experiment) {
  return folder / file_stem(experiment);
}

bool is_archive(const std::filesystem::path& path) { return file_exists(path / kStatusTable); }

std::vector<std::filesystem::path> archive_paths(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> places = with_folders_in(folder);
  std::erase_if(places, [](const auto& place) { return !is_archive(place); });
  return places;
}

std::filesystem::path outside_archive_path(const std::filesystem::path& folder,
                                           const std::string& experiment, const std::string& hash) {
  return archive_path(folder, experiment) / kOutsideFolder / hash;
}

std::vector<std::filesystem::path> archive_paths_with_outside(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> places, outside;
  for (const std::filesystem::path& place : with_folders_in(folder)) {
    if (is_archive(place)) places.push_back(place);
    if (!std::filesystem::is_directory(place / kOutsideFolder)) continue;
    const std::vector<std::filesystem::path> own = archive_paths(place / kOutsideFolder);
    outside.insert(outside.end(), own.begin(), own.end());
  }
  places.insert(places.end(), outside.begin(), outside.end());
  return places;
}

Archive gather_archive(const std::filesystem::path& runs,
                       const std::filesystem::path& experiment_file,
                       const std::filesystem::path& path, std::vector<std::string>& notes) {
  Archive archive{path, read_experiment(experiment_file), {}};
  const ExperimentFile& file = archive.file;
  std::size_t failed = 0;
  for (std::size_t i = 0; i < file.folders.size(); ++i) {
    const std::string& hash = file.folders[i];
    if (hash != file.experiment.cells[i].hash()) {
      throw IoError(
          fmt::format("{}: cell {} is none of numerics version {}; run the experiment again",
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

void write_archive(const Archive& archive) {
  FolderReplacement folder(archive.path);
  write_file_atomically(folder.path() / kConfigFile, archive.file.configuration);

  // The experiment's order, which a diff keeps when cells are added.
  std::vector<std::pair<const Cell*, const ArchivedCell*>> cells;
  CsvTable status{archive_status_header(), {}};
  for (std::size_t i = 0; i < archive.file.folders.size(); ++i) {
    const auto cell = archive.cells.find(archive.file.folders[i]);
    if (cell == archive.cells.end()) continue;
    cells.emplace_back(&archive.file.experiment.cells[i], &cell->second);
    status.rows.push_back(archive_status_row(cell->first, cell->second.status, cell->second.texts));
  }
  for (const ArchivedFile& file : archived_files()) {
    const TableShape columns = behind_cell(file.columns);
    CsvTable table{columns.names, {}};
    for (const auto& [cell, archived] : cells) {
      const auto text = archived->texts.find(file.cell_file);
      if (text == archived->texts.end()) continue;
      const bool given =
          file.cell_file == kConfigFile && text->second == cell->yaml(archive.file.experiment.name);
      if (given) continue;
      for (const std::vector<std::string>& row : file.pack(text->second)) {
        std::vector<std::string>& line = table.rows.emplace_back();
        line.push_back(hash_in_table(cell->hash()));
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

void archive_weights(const Archive& archive, const std::filesystem::path& runs) {
  std::set<std::string> done;
  std::set<std::string> names;
  for (const Cell& cell : archive.file.experiment.cells) {
    const CellFolder folder(runs, cell.hash());
    const auto cell_of = archive.cells.find(cell.hash());
    if (cell_of == archive.cells.end() || !file_exists(folder.weights_path(Weights::kBest))) {
      continue;
    }
    if (!done.insert(cell.variant.label).second) continue;
    make_folder(archive.path / "weights");
    std::string name = file_stem(cell.variant.label);
    if (!names.insert(name).second) name += fmt::format("-{}", cell.hash());  // labels a/b and a_b
    write_file_atomically(archive.path / "weights" / (name + ".safetensors"),
                          folder.read_text("best.safetensors", cell_of->second.status.files));
  }
}

Archive read_archive(const std::filesystem::path& path) {
  const std::string status_path = (path / kStatusTable).string();
  const CsvTable status = read_table(path / kStatusTable);
  expect_header(status, archive_status_header(), status_path + ":1");
  for (std::size_t i = 0; i < status.rows.size(); ++i) {  // or else no cell would be known
    try {
      (void)archived_status(status.rows[i]);
    } catch (const IoError& error) {
      throw IoError(fmt::format("{}:{}: {}", status_path, i + 2, error.what()));
    }
  }

  std::vector<std::string> hashes;
  for (const std::vector<std::string>& row : status.rows) {
    hashes.push_back(hash_of_table(row.front()));
  }
  Archive archive{path, experiment_of(path / kConfigFile, hashes), {}};
  std::map<std::string, const Cell*> cells;
  for (const Cell& cell : archive.file.experiment.cells) cells.emplace(cell.hash(), &cell);
  std::set<std::string> known;
  for (std::size_t i = 0; i < status.rows.size(); ++i) {
    const bool ours = cells.contains(hashes[i]);
    if (!ours || !known.insert(hashes[i]).second) {
      throw IoError(fmt::format("{}:{}: cell '{}' is {}", status_path, i + 2,
                                printable(status.rows[i].front()),
                                ours ? "there twice" : "none of the experiment's"));
    }
  }
  std::vector<std::map<std::string, CellRows>> tables;
  for (const ArchivedFile& file : archived_files()) {
    tables.push_back(read_rows(path / file.name, file, known));
  }
  for (std::size_t i = 0; i < status.rows.size(); ++i) {
    const std::string& hash = hashes[i];
    CellReader reader(archive, hash, status.rows[i], i + 2);
    for (std::size_t file = 0; file < tables.size(); ++file) {
      const ArchivedFile& archived = archived_files()[file];
      if (archived.cell_file == kConfigFile && !tables[file].contains(hash)) {
        reader.add_config(cells.at(hash)->yaml(archive.file.experiment.name));
      } else {
        reader.add(archived, tables[file]);
      }
    }
    archive.cells.emplace(hash, reader.finish());
  }
  return archive;
}

ArchiveShelf::ArchiveShelf(const std::vector<std::filesystem::path>& folders) {
  for (const std::filesystem::path& folder : folders) {
    const std::vector<std::filesystem::path> places = archive_paths(folder);
    if (places.empty()) {
      notes_.push_back(
          fmt::format("{} holds no archive, none with a {}", folder.string(), kStatusTable));
    }
    for (const std::filesystem::path& place : places) {
      try {
        archives_.push_back(read_archive(place));
      } catch (const IoError& failure) {
        notes_.push_back(
            one_line(fmt::format("not using the archive {}: {}", place.string(), failure.what())));
      }
    }
  }
}

std::vector<ArchiveShelf::Place> ArchiveShelf::find(const std::string& hash) const {
  std::vector<Place> places;
  for (const Archive& archive : archives_) {
    const auto cell = archive.cells.find(hash);
    if (cell != archive.cells.end()) places.push_back({&archive, &cell->second});
  }
  return places;
}

std::string why_not_whole(const ArchivedCell& cell) {
  const bool finished = cell.status.ending == Ending::kFinished;
  std::vector<std::string> expected = {kConfigFile, "history.csv"};
  if (finished) expected.insert(expected.end(), {"scores.csv", "slices.csv"});
  for (const std::string& name : expected) {
    if (!cell.texts.contains(name)) return fmt::format("a cell without {}", name);
  }
  for (const ScoreRow& row : cell.scores) {
    if (!has_numbers(row)) return fmt::format("a cell of which {}", fault_of(row));
  }
  return "";
}

void restore_cell(const ArchivedCell& cell, const CellFolder& folder) {
  make_folder(folder.path());
  folder.remove_unfinished_writes();
  folder.remove_status();
  folder.remove_weights();  // of another training
  if (cell.status.files.contains("final.safetensors")) {
    folder.write_needs_no_weights();
  } else {
    folder.remove_needs_no_weights();
  }
  if (!cell.texts.contains(kProvenanceFile)) folder.write_text(kProvenanceFile, restored_text());
  for (const auto& [name, text] : cell.texts) {
    if (name != kStatusFile) folder.write_text(name, text);
  }
  folder.write_text(kStatusFile, cell.texts.at(kStatusFile));
  folder.remove_state();
}

}  // namespace recollect
