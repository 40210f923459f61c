#include <fmt/format.h>

#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/csv.hpp"
#include "harness/store/renamed_options.hpp"

namespace recollect {
namespace {

CsvTable read_table(const std::filesystem::path& path) {
  return parse_csv(read_file(path, kLargestTable, "table"), path.string(), kMostTableCells);
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

}  // namespace

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
  for (std::size_t i = 0; i < archive.file.folders.size(); ++i) {
    cells.emplace(archive.file.folders[i], &archive.file.experiment.cells[i]);
  }
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

}  // namespace recollect
