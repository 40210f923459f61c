#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/page/comparisons.hpp"
#include "harness/page/context.hpp"

namespace recollect::page {

/// What one experiment, or one setting of it, says.
struct Line {
  Outcome outcome = Outcome::kTooFew;
  std::string verdict;  ///< where it stands alone
  std::string where;
  std::string text;
  std::string link;         ///< an id
  std::int64_t weight = 0;  ///< runs that it rests on
};

// Lines that set what looks at the input against what does not. None where a study or section has
// no such pair, or nothing to be compared.

/// Whether a study has a variant whose weights of levels are fixed, and one whose weights depend on
/// the input.
[[nodiscard]] bool asks_of_lambda(const plot::Study& study);
/// Solved more often, over all settings that both have.
[[nodiscard]] std::optional<Line> lambda_often(const plot::Study& study, const Context& context);
[[nodiscard]] std::optional<Line> lambda_sooner(const plot::Study& study, const Context& context);
/// More accurate at the longest test examples.
[[nodiscard]] std::optional<Line> lambda_longer(const plot::Study& study,
                                                const plot::StudySection& section,
                                                const Context& context);

// Lines of any variants: which is ahead, and which are not told from it.

[[nodiscard]] std::optional<Line> leads_often(const plot::Study& study, const Context& context);
[[nodiscard]] std::optional<Line> leads_sooner(const plot::Study& study,
                                               const plot::StudySection& section,
                                               const Context& context);
[[nodiscard]] std::optional<Line> leads_longer(const plot::Study& study,
                                               const plot::StudySection& section,
                                               const Context& context);

// What both are made of.

[[nodiscard]] std::string where_of(const plot::Study& study, const plot::StudySection& section);
/// The length of the longest test examples that are longer than those of training, where there are
/// others.
[[nodiscard]] std::optional<std::int64_t> longest_of(const plot::StudySection& section);
/// "at 512 tokens, 8 times the trained length"
[[nodiscard]] std::string length_text(const plot::StudySection& section, std::int64_t length);
/// All pairs of the labels of a section, by accuracy at that length.
[[nodiscard]] Comparisons pairs_at(const plot::StudySection& section, std::int64_t length,
                                   const Context& context);
/// "a 18 of 20, b 17 of 20 and 4 more"
[[nodiscard]] std::string listed(const std::vector<std::string>& texts);

}  // namespace recollect::page
