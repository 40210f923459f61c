#pragma once

#include "harness/compare/comparison.hpp"
#include "harness/compare/result_set.hpp"

namespace recollect {

/// Compares group by group. docs/protocol.md says what and why; in short, a metric of a group is
/// worse where its mean over the seeds is worse by more than the tolerance, unless a test that
/// could be significant among that many groups is not.
/// @throws IoError where a table holds something else than a number, or two different rows for one
/// score
[[nodiscard]] ResultComparison compare(const ResultSet& base, const ResultSet& now,
                                       const CompareRules& rules);

}  // namespace recollect
