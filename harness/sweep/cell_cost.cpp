#include "harness/sweep/cell_cost.hpp"

#include "harness/store/cell_folder.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/scorer.hpp"

namespace recollect {

CellCost cell_cost(const Cell& cell, const SequenceModel<float>& sizes) {
  const auto forward = [&](const Task& task, std::int64_t examples) {
    return static_cast<double>(examples) *
           sizes.cost({task.length(), task.max_scored()}).multiply_adds;
  };
  CellCost cost;
  cost.training = step_cost(cell, sizes) * static_cast<double>(cell.train.steps);
  const auto validations = static_cast<double>(cell.train.steps / cell.train.interval());
  const std::int64_t examples = cell.train.validation_examples;
  const std::int64_t selected = cell.train.select_length.value_or(cell.task->length);
  if (cell.mixture.empty()) {
    cost.validation = validations * forward(*task_at(cell, selected), examples);
  }
  for (const TaskPart& part : cell.mixture) {
    cost.validation += validations * forward(*part.task->make(), examples);
  }
  for (const ScoreKey& wanted : wanted_scores(cell)) {
    cost.scoring += forward(*task_of(cell, wanted)->make(), wanted.examples);
  }
  return cost;
}

}  // namespace recollect
