#pragma once

#include <string>

#include "harness/config/settings.hpp"

namespace recollect {

/// Feeds the resolved configuration, and the YAML of cells, back to the reader: both must give the
/// same cells, with the same hashes, and the same text again.
/// @param most_cells  how many cells are read back one by one, evenly spread; reading costs time
/// @return "" where all of that holds; else what does not, with the text in question
[[nodiscard]] std::string round_trip_failure(const Experiment& experiment,
                                             std::size_t most_cells = 64);

}  // namespace recollect
