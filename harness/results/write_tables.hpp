#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace recollect {

/// What there is of an experiment's tables.
struct WrittenTables {
  std::vector<std::string> paths;
  std::optional<IoError> none;  ///< why there are none: its cells cannot be read, or have no rows
};

/// OUT/NAME.cells.csv and OUT/NAME.groups.csv of an experiment, from its cells' folders, under a
/// claim: of several processes the last to write them has seen all cells.
/// @throws IoError where they cannot be written
[[nodiscard]] WrittenTables write_tables(const std::filesystem::path& out,
                                         const std::string& experiment);

}  // namespace recollect
