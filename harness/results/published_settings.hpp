#pragma once

#include <set>
#include <string>
#include <vector>

#include "harness/results/group_result.hpp"
#include "harness/results/published_figures.hpp"

namespace recollect {

/// Whether the figure belongs beside the group at all: the same task, variant, lengths and size,
/// and ours the accuracy of the best weights on validation.
[[nodiscard]] bool corresponds(const GroupResult& group, const PublishedFigure& figure);

/// "mqar pairs 8".
[[nodiscard]] std::string task_text(const GroupResult& group, const PublishedFigure& figure);

/// What the settings of a group and of a figure that corresponds() mean for their comparison.
struct SettingsBeside {
  /// "steps 6000 instead of 20000", for every setting that keeps them apart.
  std::vector<std::string> different;
  /// The same of those that differ and changed nothing, each with the reason.
  std::vector<std::string> without_effect;
  /// Why the means cannot be compared while the shares of solved seeds can; else "".
  std::string shares_only;
};

/// A setting that differs keeps a group and a figure apart unless the outcome that is compared is
/// known to be the same without it, all other settings being the same:
///   - an option that the variant does not have, or one at the default that tables leave out;
///   - how sums are ordered (chunk, first_layer), or which seeds were drawn (order_seed);
///   - stop_at, where one side alone has it and no run of ours ever reached it on the data that it
///     looks at;
///   - the limit of steps, where every run of ours ended by itself before either limit.
/// A stop_at of 0.99 or more ends a run when it has been solved or later: it moves its best
/// accuracy, but neither whether nor when it was solved. Then the shares alone are compared.
/// @param known  the settings that some group has
[[nodiscard]] SettingsBeside settings_beside(const GroupResult& group,
                                             const PublishedFigure& figure,
                                             const std::set<std::string>& known);

}  // namespace recollect
