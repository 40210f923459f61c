#pragma once

#include <string>
#include <vector>

#include "harness/store/archive.hpp"
#include "harness/store/csv.hpp"

namespace recollect {

/// The per-cell table of an archive, as read_cells() makes it of a results folder. @throws IoError
/// where the archive holds no cells
[[nodiscard]] CsvTable archived_cells(const Archive& archive);

/// "80 of 100 cells; 20 were not run" and the like.
[[nodiscard]] std::string completeness(const Archive& archive);

/// Writes the generated tables beside the archive's data: groups.csv, and table.md for people,
/// which is `page` (experiment_page()). @throws IoError
void write_archive_tables(const Archive& archive, const std::string& page);

}  // namespace recollect
