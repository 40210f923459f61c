#include "harness/sweep/memory.hpp"

#include <algorithm>
#include <bit>

#include "harness/config/task_parts.hpp"
#include "harness/train/batch_step.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/scorer.hpp"

namespace recollect {
namespace {

double example_bytes(const Task& task, std::size_t tags) {
  const auto tokens = static_cast<double>(task.length());
  const auto scored = static_cast<double>(task.max_scored());
  return sizeof(std::int32_t) * (tokens + scored * (2.0 + static_cast<double>(tags)));
}

double workspace_bytes(const SequenceModel<float>& sizes, const SequenceShape& shape) {
  const Cost cost = sizes.cost(shape);
  return sizeof(float) * static_cast<double>(cost.carry + cost.tape + cost.scratch);
}

/// The example, and what the model answers.
double forward_bytes(const SequenceModel<float>& sizes, const Task& task, std::size_t tags) {
  return workspace_bytes(sizes, {task.length(), task.max_scored(), false}) +
         example_bytes(task, tags) + sizeof(std::int32_t) * static_cast<double>(task.max_scored());
}

}  // namespace

double CellMemory::bytes(int threads) const noexcept {
  return std::max(training + threads * training_thread, scoring + threads * scoring_thread);
}

CellMemory cell_memory(const Cell& cell, const SequenceModel<float>& sizes, bool trains) {
  const double weights = sizeof(float) * static_cast<double>(sizes.layout().size());
  const std::size_t tags = cell.task->tags().size();
  CellMemory memory;
  if (trains) {
    double example = 0.0;
    for (const TaskPart& part : training_parts(cell)) {
      const std::unique_ptr<Task> task = training_task(cell, *part.task);
      example = std::max(example, example_bytes(*task, tags));
      memory.training_thread =
          std::max(memory.training_thread,
                   workspace_bytes(sizes, {task->length(), task->max_scored(), true}));
    }
    // The model twice, as the cell's folder has one of its own to score with; two moments; best and
    // final weights; and a state that is being written, of weights, moments and best.
    memory.training = 10.0 * weights + static_cast<double>(cell.train.batch) * example;
    // Shards are added up as a tree, whose open nodes are never more than this for a thread.
    const auto shards = static_cast<unsigned>(BatchStep<float>::shard_count(cell.train.batch));
    memory.training_thread +=
        sizeof(float) * static_cast<double>(largest_gradient(cell, sizes)) * std::bit_width(shards);
    if (cell.train.select_length) {
      memory.training_thread =
          std::max(memory.training_thread,
                   forward_bytes(sizes, *task_at(cell, *cell.train.select_length), tags));
    }
  }
  memory.scoring = (trains ? 3.0 : 2.0) * weights;
  const std::size_t scored_tags = tags + cell.task->more_tags().size();
  for (const TaskPart& part : scored_parts(cell)) {
    memory.scoring_thread =
        std::max(memory.scoring_thread, forward_bytes(sizes, *part.task->make(), scored_tags));
  }
  return memory;
}

}  // namespace recollect
