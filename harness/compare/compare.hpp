#pragma once

#include "harness/compare/comparison.hpp"
#include "harness/results/result_set.hpp"

namespace recollect {

/// Compares group by group, each by one score. docs/protocol.md says what and why; in short, a
/// group is worse where the whole interval of the paired difference lies beyond the tolerance, or
/// where its seeds fall apart and significantly fewer learned it; the same where the interval lies
/// within.
/// @throws IoError where a table holds something else than a number, or a row twice
[[nodiscard]] ResultComparison compare(const ResultSet& base, const ResultSet& now,
                                       const CompareRules& rules);

}  // namespace recollect
