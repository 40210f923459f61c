#pragma once

#include <cstddef>
#include <memory>

#include "harness/config/settings.hpp"
#include "models/sequence_model.hpp"
#include "tasks/task.hpp"

namespace recollect {

// What the model of a cell is, and what a step of its training costs.

/// The model of a cell with all weights 0, S float or double.
template <class S>
[[nodiscard]] SequenceModel<S> model_of(const Cell& cell, Execution execution = {},
                                        bool with_weights = true) {
  return SequenceModel<S>({cell.variant.model, *cell.variant.mixer, execution, cell.variant.layers},
                          cell.task->make()->vocab(), cell.task->length, cell.levels, with_weights);
}

/// The model of a cell, with its initial weights.
[[nodiscard]] SequenceModel<float> build_model(const Cell& cell, Execution execution = {});

/// The model of a cell with all weights 0.
[[nodiscard]] SequenceModel<float> empty_model(const Cell& cell);

/// The model of a cell without weights, for its layout and sizes.
[[nodiscard]] SequenceModel<float> model_sizes(const Cell& cell);

/// Fails where build_model() of a cell would: train.init does not fit its model. @throws IoError
void check_initial_weights(const Experiment& experiment);

/// A cell with the seeds and the training settings that do not change the work of a step put to
/// defaults: cells of equal shape take equally long a step. Compare them by identity().
[[nodiscard]] Cell shape_of(const Cell& cell);

/// What training draws its examples of these settings from: the task, and with train.loss =
/// next-token the same examples with more labels (NextTokenTask). Scores come from the task alone.
[[nodiscard]] std::unique_ptr<Task> training_task(const Cell& cell, const TaskSettings& at);

/// The most that SequenceModel::gradient_size() says of any batch.
[[nodiscard]] std::size_t largest_gradient(const Cell& cell, const SequenceModel<float>& model);

/// Nominal multiply-adds of a training step, on average.
[[nodiscard]] double step_cost(const Cell& cell, const SequenceModel<float>& model);

}  // namespace recollect
