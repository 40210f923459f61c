#include "harness/sweep/cell_cost.hpp"

#include "harness/store/cell_folder.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/scorer.hpp"

namespace recollect {

CellCost cell_cost(const Cell& cell, const SequenceModel<float>& sizes) {
  const auto forward = [&](std::int64_t length, std::int64_t examples) {
    return static_cast<double>(examples) *
           sizes.cost({length, task_at(cell, length)->max_scored()}).multiply_adds;
  };
  CellCost cost;
  cost.training = step_cost(cell, sizes) * static_cast<double>(cell.train.steps);
  const std::int64_t validations = cell.train.steps / cell.train.eval_every;
  cost.validation =
      static_cast<double>(validations) *
      forward(cell.train.select_length.value_or(cell.task->length), cell.train.validation_examples);
  for (const ScoreKey& wanted : wanted_scores(cell)) {
    cost.scoring += forward(wanted.eval_length, wanted.examples);
  }
  return cost;
}

}  // namespace recollect
