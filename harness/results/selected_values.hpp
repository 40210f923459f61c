#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/results/cell_result.hpp"
#include "harness/results/group_result.hpp"

namespace recollect {

/// Which options are chosen by their scores, and by which.
struct SelectRequest {
  std::vector<std::string> keys;  ///< in full: "train.learning_rate"
  bool by_test = false;           ///< as papers do, who then report the same scores
};

/// "train.learning_rate,train.weight_decay", or with "@test" behind it.
/// @throws FieldError where it is neither
[[nodiscard]] SelectRequest parse_select(std::string_view text);

/// The groups of the chosen values. For each variant and setting, of all values of the keys (of
/// several keys: their combinations) that one is taken whose mean validation score with the best
/// weights is best, over the seeds that every value has: accuracy, or loss where train.metric is
/// loss, at the trained length; of eval.cells the mean of all entries. Of equals the smaller value
/// is taken. A value all of whose cells failed takes no part, and GroupResult::chosen names it;
/// where that are all of them, their groups stand there without scores.
/// @throws FieldError where no cell has such an option, or the values have no seed in common
[[nodiscard]] std::vector<GroupResult> select_groups(const std::vector<CellResult>& cells,
                                                     const SelectRequest& request);

/// What was chosen for one variant and setting.
struct SelectedValue {
  std::string label;
  std::string setting;  ///< "task_pairs 8", in what it differs from others of the label
  ChosenValue chosen;
};

/// Leaves the cells of the chosen values alone, and takes the keys from their settings, so that
/// variants with values of their own share the rest of them. @throws FieldError as select_groups()
[[nodiscard]] std::vector<SelectedValue> keep_selected(std::vector<CellResult>& cells,
                                                       const SelectRequest& request);

}  // namespace recollect
