#pragma once

#include <string>

#include "harness/compare/comparison.hpp"
#include "harness/compare/result_set.hpp"

namespace recollect {

/// For a terminal: what cannot be compared, a table of every value that differs, and a summary.
[[nodiscard]] std::string comparison_text(const ResultComparison& comparison, const ResultSet& base,
                                          const ResultSet& now, const CompareRules& rules);

/// The same as Markdown, with a table of all values.
[[nodiscard]] std::string comparison_markdown(const ResultComparison& comparison,
                                              const ResultSet& base, const ResultSet& now,
                                              const CompareRules& rules);

/// JUnit XML, as test reports of build servers read it: a case for each group, failed where it is
/// worse, and one in error for each thing that keeps the sides from being compared.
[[nodiscard]] std::string comparison_junit(const ResultComparison& comparison,
                                           const ResultSet& base, const ResultSet& now,
                                           const CompareRules& rules);

/// JSON with every value:
///   {"base": {"name": ..., "code_version": ..., "compiler": ..., "build": ...}, "new": {...},
///    "alpha": ..., "tolerances": {METRIC: ...}, "verdicts": {"same": 3, ...},
///    "mismatches": [{"where", "key", "base", "new"}],
///    "groups": [{"group", "score", "verdict", "metrics": [{"metric", "seeds", "base", ...}]}]}
[[nodiscard]] std::string comparison_json(const ResultComparison& comparison, const ResultSet& base,
                                          const ResultSet& now, const CompareRules& rules);

}  // namespace recollect
