#pragma once

#include "harness/store/csv.hpp"

namespace recollect {

/// One row per group of cells that differ in their seeds alone, and per (weights, split, eval
/// length). results/README.md explains every column. In short:
///   seeds, n                the seeds of the scores that the row sums up
///   failed, diverged        cells of the group without scores, and those of them that diverged
///   M_mean _sd _median _min _max _low _high _values    M = accuracy, exact_match, loss, over seeds
///   as_published_*, clean_* the two scores side by side: best weights on validation and on test
///   solved, runs            of n + diverged runs, how many reached 0.99 on validation
///   solve_step*             when
/// steps, training_flops, scored, chance and the ceilings are means over the seeds. A seed that is
/// the cell's own reads "seed".
/// @param cells  of read_cells()
[[nodiscard]] CsvTable group_cells(const CsvTable& cells);

}  // namespace recollect
