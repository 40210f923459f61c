#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "harness/results/cell_result.hpp"
#include "harness/store/record.hpp"
#include "harness/store/state.hpp"

namespace recollect {

/// The histories of these cells, by CellResult::cell, from where read_result_set() found them. A
/// table has none, and what cannot be read is left out: the cells' results are there all the same.
/// @throws IoError where an archive is damaged
[[nodiscard]] std::map<std::string, std::vector<HistoryRow>> read_histories(
    const std::filesystem::path& path, const std::vector<CellResult>& cells);

/// The same of slices.csv: the scores of these cells by tag.
[[nodiscard]] std::map<std::string, std::vector<SliceRow>> read_slices(
    const std::filesystem::path& path, const std::vector<CellResult>& cells);

}  // namespace recollect
