#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/store/archive.hpp"

namespace recollect {

// What an archive is made of: the cells of a results folder, and those of the archive before it.

/// Takes from a results folder what is done of an experiment. Cells that failed, or that are not
/// whole, are left out, and `notes` says so. Weights may be missing, as an archive keeps none.
/// @param experiment_file  RUNS/experiments/NAME.yaml
/// @param path  where it will be written
/// @throws IoError where the experiment's file cannot be read, or is of another numerics version
[[nodiscard]] Archive gather_archive(const std::filesystem::path& runs,
                                     const std::filesystem::path& experiment_file,
                                     const std::filesystem::path& path,
                                     std::vector<std::string>& notes);

/// How many cells of `older` are none of the experiment's, and would be lost with it.
[[nodiscard]] std::size_t lost_cells(const Archive& older, const Archive& archive);

/// Adds those cells of the experiment that only `older` holds. @returns how many
std::size_t keep_cells_of(const Archive& older, Archive& archive);

/// Copies the best weights of the first cell of each variant from a results folder, where it has
/// them, to DIR/NAME/weights/LABEL.safetensors, which names the cell; a label that would give a
/// file of the same name as another has the cell's hash behind it. @throws IoError
void archive_weights(const Archive& archive, const std::filesystem::path& runs);

}  // namespace recollect
