#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/plot/figure.hpp"
#include "harness/plot/study.hpp"
#include "harness/results/published.hpp"

namespace recollect::plot {

/// A picture, or the reason why it was not drawn, in one line.
struct Drawn {
  std::optional<Figure> figure;
  std::string why_not;
};

/// A dot a seed, sorted within the row of its variant: what a mean would hide.
[[nodiscard]] Drawn draw_seeds(const Study& study);
/// Accuracy against the length of the test examples.
[[nodiscard]] Drawn draw_length(const Study& study);
/// Validation accuracy while training, a line a seed.
[[nodiscard]] Drawn draw_curves(const Study& study, const Histories& histories);
/// How large a share of seeds has solved the task, step by step.
[[nodiscard]] Drawn draw_solved(const Study& study);
/// Accuracy against the number of pairs.
[[nodiscard]] Drawn draw_pairs(const Study& study);
/// Accuracy by the lag, in octaves or parts of one, or by another tag of the task, e.g. the level.
[[nodiscard]] Drawn draw_by_tag(const Study& scored, const Slices& slices, const std::string& tag);
/// Accuracy against the size of the state, a panel a setting.
[[nodiscard]] Drawn draw_state(const Study& study);
/// How many seeds of each variant solve each setting.
[[nodiscard]] Drawn draw_solved_map(const Study& study);
/// Ours less published, with intervals and verdicts.
[[nodiscard]] Drawn draw_published(const std::vector<PublishedComparison>& rows,
                                   const Styles& styles);

}  // namespace recollect::plot
