#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/config/settings.hpp"

namespace recollect {

/// The rules between sections, for one cell whose sections are valid each by itself.
/// @throws FieldError whose key is in full: "eval.lengths"
void check_cell(const Cell& cell);

/// L of a cell's model: of task.length, but of the longest length that is ever scored where
/// untrained rows are to be read (`unseen_levels: as-is`).
[[nodiscard]] int levels_of(const Cell& cell);

/// What `check` should say of a valid cell: lengths that need levels beyond the trained ones. Empty
/// for variants without levels.
[[nodiscard]] std::string unseen_levels_warning(const Cell& cell);

}  // namespace recollect
