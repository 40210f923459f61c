#pragma once

#include <set>
#include <string>

#include "harness/store/cell_folder.hpp"

namespace recollect {

/// What makes a damaged cell whole again; each takes more than those before it.
enum class Remedy {
  kNothing,
  kRewriting,  ///< of the configuration or the provenance
  kScoring,    ///< with its weights, which are whole
  kTraining,
};

/// What of a cell's folder is missing, or is not what its status says.
struct CellDamage {
  Remedy remedy = Remedy::kNothing;
  std::string what;             ///< one line; names each file
  std::set<std::string> files;  ///< their names
};

/// Looks at every file of a cell that has ended, finished or diverged. A cell of an earlier
/// version, whose status has no digests, is whole with all of its tables, its configuration, its
/// provenance and both weights or none.
/// @throws IoError where a file cannot be read
[[nodiscard]] CellDamage damage_of(const CellFolder& folder, const CellStatus& status);

}  // namespace recollect
