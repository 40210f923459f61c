#pragma once

#include <string>

#include "harness/compare/comparison.hpp"
#include "harness/results/result_set.hpp"

namespace recollect {

/// For a terminal: a table of every figure that differs, what cannot be compared, a line for each
/// group that is not equal, and a summary.
[[nodiscard]] std::string comparison_text(const ResultComparison& comparison, const ResultSet& base,
                                          const ResultSet& now, const CompareRules& rules);

/// The same as Markdown, with a table of all values.
[[nodiscard]] std::string comparison_markdown(const ResultComparison& comparison,
                                              const ResultSet& base, const ResultSet& now,
                                              const CompareRules& rules);

/// JUnit XML, as test reports of build servers read it: a case for each group, failed where it is
/// worse or undecided so that it fails, and one in error for each thing that keeps the sides from
/// being compared.
[[nodiscard]] std::string comparison_junit(const ResultComparison& comparison,
                                           const ResultSet& base, const ResultSet& now,
                                           const CompareRules& rules);

/// JSON with every value:
///   {"base": {"name": ..., "code_version": ..., "compiler": ..., "build": ...}, "new": {...},
///    "alpha": ..., "metric": ..., "tolerance": ..., "verdicts": {"equal": 3, ...},
///    "mismatches": [{"where", "key", "base", "new"}],
///    "groups": [{"group", "score", "verdict", "why", "seeds", "changed", "no_longer_solve", ...,
///                "others": [{"score", "metric", "seeds", "base", "new", ...}]}]}
[[nodiscard]] std::string comparison_json(const ResultComparison& comparison, const ResultSet& base,
                                          const ResultSet& now, const CompareRules& rules);

}  // namespace recollect
