#include "harness/results/history_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "harness/results/cell_files.hpp"
#include "harness/store/record.hpp"

namespace recollect {
namespace {

bool is_used(const Column<HistoryRow>& column, const std::vector<CellHistory>& cells) {
  if (!column.optional) return true;
  return std::any_of(cells.begin(), cells.end(), [&](const CellHistory& cell) {
    return std::any_of(cell.rows.begin(), cell.rows.end(),
                       [&](const HistoryRow& row) { return !column.text(row).empty(); });
  });
}

/// The columns of a table of cells that say nothing of a score.
std::vector<Column<CellResult>> columns_of(const std::vector<CellHistory>& cells) {
  std::vector<const std::vector<Setting>*> settings;
  for (const CellHistory& cell : cells) settings.push_back(&cell.cell.settings);
  std::set<std::string> scores;
  for (const Column<ScoreRow>& column : score_columns()) scores.insert(column.name);
  std::vector<Column<CellResult>> columns = cell_columns(setting_names(settings));
  std::erase_if(columns, [&](const auto& column) { return scores.contains(column.name); });
  return columns;
}

}  // namespace

std::vector<CellHistory> read_histories(const std::filesystem::path& path,
                                        const std::vector<CellResult>& results,
                                        std::vector<std::string>& warnings,
                                        const StopRequest& stop) {
  if (!std::filesystem::is_directory(path)) {
    throw IoError(fmt::format(
        "{} is a table, which holds no histories; give the --out folder of a run or an archive",
        path.string()));
  }
  CellRows files = read_cell_files(path, results, {.histories = true, .slices = false}, stop);
  std::vector<CellHistory> cells;
  std::set<std::pair<std::string, std::string>> known;
  std::set<std::string> unreadable;
  for (const CellResult& result : results) {
    if (!known.emplace(result.experiment, result.cell).second) continue;
    const auto rows = files.histories.find(result.cell);
    if (rows == files.histories.end() || rows->second.empty()) {
      if (result.status.ending == Ending::kFinished) unreadable.insert(result.cell);
      continue;
    }
    cells.push_back({result, rows->second});
    cells.back().cell.score.reset();
  }
  if (!unreadable.empty()) {
    warnings.push_back(fmt::format("{} without a history that can be read: {}{}",
                                   plural(unreadable.size(), "finished cell"), *unreadable.begin(),
                                   unreadable.size() > 1 ? ", ..." : ""));
  }
  if (cells.empty()) throw IoError(fmt::format("{} holds no histories", path.string()));
  return cells;
}

HistoryTable::HistoryTable(const std::vector<CellHistory>& cells) : cells_(cells) {
  const auto add_history = [&] {
    for (const Column<HistoryRow>& column : history_columns()) {
      if (!is_used(column, cells)) continue;
      columns_.push_back(
          {column.name, [&column](const Line& line) { return column.value(*line.second); }});
    }
  };
  for (Column<CellResult>& column : columns_of(cells)) {
    if (column.name == "numerics_version") add_history();
    columns_.push_back({column.name, [value = std::move(column.value)](const Line& line) {
                          return value(*line.first);
                        }});
  }
}

DataTable HistoryTable::part(std::size_t first, std::size_t last) const {
  std::vector<Line> lines;
  for (std::size_t i = first; i < std::min(last, cells_.size()); ++i) {
    for (const HistoryRow& row : cells_[i].rows) lines.emplace_back(&cells_[i].cell, &row);
  }
  return to_data(columns_, lines);
}

}  // namespace recollect
