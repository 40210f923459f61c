#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "harness/results/cell_result.hpp"

namespace recollect {

/// NAME=VALUE, as prose and files of published rankings choose scores.
using ChosenBy = std::map<std::string, std::string>;

/// The parts of such a word; none where it has no '='.
[[nodiscard]] std::optional<std::pair<std::string, std::string>> name_and_value(
    const std::string& word);

/// The option of a cell that is called so: pairs is task_pairs, learning_rate train_learning_rate;
/// what an entry of eval.cells sets is that of its score. Numbers are in one form (same_number());
/// "" where the cell has no such option.
[[nodiscard]] std::string option_of(const CellResult& cell, const std::string& name);

/// Whether a row is meant: best weights on test examples at the training length, unless `weights`,
/// `split` or `length` says otherwise; `task` is the task's name; `solved` (of any value) keeps
/// runs that solved their task; any other name is an option of the cell. A run that diverged has
/// one row, without a score, which is meant whatever the score is.
[[nodiscard]] bool is_chosen(const CellResult& cell, const ChosenBy& by);

}  // namespace recollect
