#pragma once

#include <string>

#include "harness/page/context.hpp"

namespace recollect::page {

// The parts of a page, one function a part, in the order in which they stand there. Each gives ""
// where the results have nothing to show.

[[nodiscard]] std::string style_sheet(const Context& context);
/// The labels as check boxes that show and hide what is theirs.
[[nodiscard]] std::string legend(const Context& context);
/// The title that the results suggest, and each question with what the tests say.
[[nodiscard]] std::string suggested_title(const Context& context);
[[nodiscard]] std::string answers(const Context& context);

// Of one study:
/// The table that is a picture: a dot a seed in the row of its variant.
[[nodiscard]] std::string hero_table(const plot::Study& study, const Context& context);
[[nodiscard]] std::string learning_curves(const plot::Study& study, const Context& context);
[[nodiscard]] std::string seeds_one_by_one(const plot::Study& study, const Context& context);
[[nodiscard]] std::string share_solved(const plot::Study& study, const Context& context);
/// All rows of a section in one picture, from the panels that share_solved() shows.
[[nodiscard]] std::string solved_overlay(const plot::Figure& figure, const std::string& section,
                                         const Context& context);
[[nodiscard]] std::string by_length(const plot::Study& study, const Context& context);
[[nodiscard]] std::string by_lag(const plot::Study& study, const Context& context);
[[nodiscard]] std::string by_level(const plot::Study& study, const Context& context);
[[nodiscard]] std::string by_pairs(const plot::Study& study, const Context& context);
[[nodiscard]] std::string solved_map(const plot::Study& study, const Context& context);

// Of all:
[[nodiscard]] std::string lambda_section(const std::vector<LambdaMap>& maps,
                                         const Context& context);
[[nodiscard]] std::string beside_published(const Context& context);
[[nodiscard]] std::string all_cells(const Context& context);
/// Configurations, provenance, and how to make it again.
[[nodiscard]] std::string origins(const Context& context);
[[nodiscard]] std::string script();

}  // namespace recollect::page
