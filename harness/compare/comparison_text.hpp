#pragma once

#include <string>

#include "harness/compare/comparison.hpp"

namespace recollect {

/// For a terminal: what cannot be compared, a table of every value that differs, and a summary.
[[nodiscard]] std::string comparison_text(const Comparison& comparison, const Side& base,
                                          const Side& now, const CompareRules& rules);

/// The same as Markdown, with a table of all values.
[[nodiscard]] std::string comparison_markdown(const Comparison& comparison, const Side& base,
                                              const Side& now, const CompareRules& rules);

/// JUnit XML, as test reports of build servers read it: a case for each group, failed where it is
/// worse, and one in error for each thing that keeps the sides from being compared.
[[nodiscard]] std::string comparison_junit(const Comparison& comparison, const Side& base,
                                           const Side& now, const CompareRules& rules);

}  // namespace recollect
