#include "harness/train/cell_model.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "harness/config/task_parts.hpp"
#include "harness/train/next_token_task.hpp"
#include "harness/train/start.hpp"
#include "tasks/task.hpp"

namespace recollect {
namespace {

/// A backward pass costs two forward passes.
constexpr double kPassesPerTrainingSequence = 3.0;

}  // namespace

SequenceModel<float> build_model(const Cell& cell, Execution execution) {
  SequenceModel<float> model = model_of<float>(cell, execution);
  model.initialise(static_cast<std::uint64_t>(cell.seed));
  put_initial_weights(cell, model);
  return model;
}

SequenceModel<float> empty_model(const Cell& cell) { return model_of<float>(cell); }

SequenceModel<float> model_sizes(const Cell& cell) { return model_of<float>(cell, {}, false); }

Cell shape_of(const Cell& cell) {
  Cell shape = cell;
  shape.train = TrainSettings{};
  shape.train.batch = cell.train.batch;
  shape.train.mixture = cell.train.mixture;
  shape.train.steps_per_epoch = cell.train.steps_per_epoch;
  shape.train.loss = cell.train.loss;
  shape.seed = shape.data_seed = shape.order_seed = 0;
  return shape;
}

std::unique_ptr<Task> training_task(const Cell& cell, const TaskSettings& at) {
  std::unique_ptr<Task> task = at.make();
  if (cell.train.loss == TrainLoss::kAnswers) return task;
  return std::make_unique<NextTokenTask>(std::move(task));
}

std::size_t largest_gradient(const Cell& cell, const SequenceModel<float>& model) {
  std::size_t most = 0;
  for (const TaskPart& part : training_parts(cell)) {
    const std::int64_t batch = cell.train.batch;
    // Of an epoch the last batch of a component may be short.
    const std::int64_t left = cell.train.steps_per_epoch > 0 ? part.examples % batch : 0;
    for (const std::int64_t sequences : {std::min(batch, part.examples), left}) {
      most = std::max(most, model.gradient_size(sequences * part.task->length));
    }
  }
  return most;
}

double step_cost(const Cell& cell, const SequenceModel<float>& model) {
  const auto sequence = [&](const TaskPart& part) {
    const std::unique_ptr<Task> task = training_task(cell, *part.task);
    return kPassesPerTrainingSequence *
           model.cost({task->length(), task->max_scored(), true}).multiply_adds;
  };
  const std::vector<TaskPart> parts = training_parts(cell);
  if (cell.train.steps_per_epoch == 0) {
    return static_cast<double>(cell.train.batch) * sequence(parts.front());
  }
  double epoch = 0.0;
  for (const TaskPart& part : parts) epoch += static_cast<double>(part.examples) * sequence(part);
  return epoch / static_cast<double>(cell.train.steps_per_epoch);
}

}  // namespace recollect
