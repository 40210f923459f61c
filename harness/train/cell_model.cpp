#include "harness/train/cell_model.hpp"

#include <cstdint>
#include <memory>
#include <utility>

#include "harness/train/next_token_task.hpp"

namespace recollect {
namespace {

/// A backward pass costs two forward passes.
constexpr double kPassesPerTrainingSequence = 3.0;

}  // namespace

SequenceModel<float> build_model(const Cell& cell, Execution execution) {
  SequenceModel<float> model = model_of<float>(cell, execution);
  model.initialise(static_cast<std::uint64_t>(cell.seed));
  return model;
}

SequenceModel<float> empty_model(const Cell& cell) { return model_of<float>(cell); }

SequenceModel<float> model_sizes(const Cell& cell) { return model_of<float>(cell, {}, false); }

Cell shape_of(const Cell& cell) {
  Cell shape = cell;
  shape.train = TrainSettings{};
  shape.train.batch = cell.train.batch;
  shape.train.loss = cell.train.loss;
  shape.seed = shape.data_seed = shape.order_seed = 0;
  return shape;
}

std::unique_ptr<Task> training_task(const Cell& cell) {
  std::unique_ptr<Task> task = cell.task->make();
  if (cell.train.loss == TrainLoss::kAnswers) return task;
  return std::make_unique<NextTokenTask>(std::move(task));
}

double step_cost(const Cell& cell, const SequenceModel<float>& model) {
  const std::unique_ptr<Task> task = training_task(cell);
  return kPassesPerTrainingSequence * static_cast<double>(cell.train.batch) *
         model.cost({task->length(), task->max_scored(), true}).multiply_adds;
}

}  // namespace recollect
