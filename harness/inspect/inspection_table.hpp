#pragma once

#include <string>

#include "harness/inspect/inspection.hpp"
#include "harness/store/csv.hpp"

namespace recollect {

/// Every number of an inspection, one a row; docs/command_line.md has the parts. A row leaves
/// empty what its part does not have.
[[nodiscard]] CsvTable inspection_table(const Inspection& inspection);

/// The same content as JSON, and the example.
[[nodiscard]] std::string inspection_json(const Inspection& inspection);

}  // namespace recollect
