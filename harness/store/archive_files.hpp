#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/store/cell_status.hpp"

namespace recollect {

// How the files of cells stand in those of an archive (harness/store/archive.hpp).

/// The text files of a cell, by name and byte for byte: all that its folder holds but weights.
using CellTexts = std::map<std::string, std::string>;

inline constexpr const char* kStatusFile = "status.yaml";
inline constexpr const char* kConfigFile = "config.yaml";
inline constexpr const char* kProvenanceFile = "provenance.yaml";
inline constexpr const char* kStatusTable = "status.csv";

// Of one table; a hundred thousand cells have tables of a gigabyte.
inline constexpr std::uint64_t kLargestTable = std::uint64_t{1} << 32;  // bytes
inline constexpr std::size_t kMostTableCells = std::size_t{1} << 28;

/// Whether a file of a cell is one of its weights, which no archive holds.
[[nodiscard]] bool is_weights(std::string_view file);

using CsvRows = std::vector<std::vector<std::string>>;

/// A file of an archive: the rows of all cells, each cell's as `pack` makes them of the cell's own
/// file, which `unpack` gives back.
struct ArchivedFile {
  std::string name;       ///< in the archive
  std::string cell_file;  ///< in the folder of a cell
  TableShape columns;     ///< optional ones are missing in the archive where no cell has a value
  std::function<CsvRows(const std::string& text)> pack;  ///< throws IoError
  std::function<std::string(const CsvRows& rows)> unpack;
};

/// The columns of an archived file: a cell's hash, then its own.
[[nodiscard]] TableShape behind_cell(TableShape columns);

/// All of them but status.csv.
[[nodiscard]] const std::vector<ArchivedFile>& archived_files();

/// The columns of status.csv: cell, those of a status, and files, the digests of the cell's files:
/// "history.csv:0123456789abcdef ...". Those of its weights are what its status says.
[[nodiscard]] const std::vector<std::string>& archive_status_header();
[[nodiscard]] std::vector<std::string> archive_status_row(const std::string& hash,
                                                          const CellStatus& status,
                                                          const CellTexts& texts);
/// Without the digests of files.
/// @throws IoError on what is not a status of a cell that is done, by this numerics version
[[nodiscard]] CellStatus archived_status(const std::vector<std::string>& row);
/// By the names of files. @throws IoError
[[nodiscard]] std::map<std::string, std::string> archived_digests(
    const std::vector<std::string>& row);

}  // namespace recollect
