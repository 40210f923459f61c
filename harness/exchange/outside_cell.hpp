#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "harness/config/settings.hpp"
#include "harness/train/scorer.hpp"

namespace recollect {

/// The cell that another program's model has beside those of an experiment: the settings of one of
/// them, whose examples it answers, and in the place of the variant kOutside under a label.
/// @param of    its data_seed and order_seed follow the new seed where they followed its own
/// @throws ConfigError where the label is none, or the seed out of range
[[nodiscard]] Cell outside_cell(const Cell& of, const std::string& experiment,
                                const std::string& label, std::int64_t seed);

/// What was scored.
struct OutsideScore {
  Split split = Split::kTest;
  TaskPart part;  ///< the settings and the number of examples
  Score score;
};

/// Writes the score into the folder of an outside cell, beside those of other lengths that it has
/// there, and lists the cell. The model has one set of weights: both "final" and "best" name it.
/// Scores of another number of examples go away. @throws IoError
/// @returns the folder
std::filesystem::path add_outside_score(const std::filesystem::path& out,
                                        const std::string& experiment, const Cell& cell,
                                        const OutsideScore& scored);

}  // namespace recollect
