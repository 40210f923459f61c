#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/interrupt.hpp"
#include "harness/results/cell_result.hpp"
#include "harness/store/state.hpp"

namespace recollect {

/// A cell and how its training went.
struct CellHistory {
  CellResult cell;  ///< without a score
  std::vector<HistoryRow> rows;
};

/// The cells of these results that have a history, each once an experiment, in their order. Cells
/// that failed before their first evaluation have none.
/// @param path  what the results were read from
/// @param warnings  gets a line where finished cells have none that can be read
/// @throws IoError where that is a table, which has no histories, or where no cell has one;
/// Interrupted
[[nodiscard]] std::vector<CellHistory> read_histories(
    const std::filesystem::path& path, const std::vector<CellResult>& results,
    std::vector<std::string>& warnings, const StopRequest& stop = StopRequest::never());

/// All histories one under another, a row an evaluation: the columns of the table of cells but
/// those of scores, then those of history.csv, then numerics_version. A table of many cells is
/// large, so it is made part by part.
class HistoryTable {
 public:
  /// @param cells  must outlive this
  explicit HistoryTable(const std::vector<CellHistory>& cells);

  /// Of the cells first..last - 1, under the header of all.
  [[nodiscard]] DataTable part(std::size_t first, std::size_t last) const;
  [[nodiscard]] std::size_t cells() const noexcept { return cells_.size(); }

 private:
  using Line = std::pair<const CellResult*, const HistoryRow*>;

  const std::vector<CellHistory>& cells_;
  std::vector<Column<Line>> columns_;
};

}  // namespace recollect
