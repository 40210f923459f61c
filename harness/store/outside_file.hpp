#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/config/settings.hpp"

namespace recollect {

// Cells that nothing trained here: the predictions of another program's model, scored. Their
// folders stand among those of an experiment, OUT/cells/HASH. Beside the experiment's file, which
// is a run's alone, each has a file of the same kind: OUT/outside/EXPERIMENT/HASH.yaml.

inline constexpr const char* kOutsideFolder = "outside";

/// Writes it. @throws IoError
void write_outside_file(const std::filesystem::path& out, const std::string& experiment,
                        const Cell& cell);

/// Those of an experiment, or of all where the name is empty; for read_experiment(). Sorted.
[[nodiscard]] std::vector<std::filesystem::path> outside_files(const std::filesystem::path& out,
                                                               const std::string& experiment);

}  // namespace recollect
