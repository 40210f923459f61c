#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/interrupt.hpp"
#include "harness/results/cell_result.hpp"
#include "harness/store/csv.hpp"

namespace recollect {

/// Results as a command was given them: a runs folder, an archive, a folder of archives, or a
/// table.
struct ResultSet {
  std::string name;  ///< the path as it was given
  std::vector<CellResult> cells;
  std::set<std::string> absent;       ///< columns that a table lacks
  std::vector<std::string> warnings;  ///< e.g. cells that are not done yet
  /// For each of `cells`: which of its examples were answered without a mistake; none where that is
  /// not known, as in a table, or was left out.
  std::vector<std::optional<std::vector<bool>>> exact;

  /// A column of a row as a table shows it; "" where that is absent.
  [[nodiscard]] std::string text(std::size_t row, const std::string& column) const;
  /// The texts of a column, once each, `separator` between; none where it is absent.
  [[nodiscard]] std::optional<std::string> distinct(const std::string& column,
                                                    const char* separator) const;
};

/// The rows of a per-cell table; examples are not known. `name` stands for the file in messages.
/// @throws IoError naming row and column of what cannot be read
[[nodiscard]] ResultSet result_set_of(const CsvTable& table, const std::string& name);

/// Whether ResultSet::exact is asked for, which takes one more file of each cell, correct.csv.
enum class ExactExamples { kRead, kLeaveOut };

/// Reads the --out folder of a run, an archive, a folder of archives, or a table as `recollect
/// table
/// --rows cells` prints it; of these experiments alone where any is named. @throws IoError where
/// the path is none of them, holds no row or not an experiment that is named, or lacks a column
/// that results need; Interrupted
[[nodiscard]] ResultSet read_result_set(const std::filesystem::path& path,
                                        const std::vector<std::string>& experiments = {},
                                        ExactExamples exact = ExactExamples::kRead,
                                        const StopRequest& stop = StopRequest::never());

}  // namespace recollect
