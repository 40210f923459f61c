#pragma once

#include <cstdint>

#include "harness/store/cell_folder.hpp"
#include "harness/train/scorer.hpp"

namespace recollect {

/// Puts the rows of a score into the tables of a cell, in place of those of the same key.
/// @param wanted  which score it answers; unseen_levels goes away where the length has none
/// @param best_step  0: of weights that no training of the cell gave
void put_score(ScoreTables& tables, const ScoreKey& wanted, const Score& score,
               std::int64_t best_step, bool foreign_selection);

}  // namespace recollect
