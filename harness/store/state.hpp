#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace recollect {

/// One line of history.csv: written at every evaluation.
struct HistoryRow {
  std::int64_t step = 0;
  double loss = 0.0;           ///< mean training loss since the row before, in nats a label
  double gradient_norm = 0.0;  ///< of this step, before clipping
  double learning_rate = 0.0;
  double validation_accuracy = 0.0;
  double validation_exact_match = 0.0;
  std::optional<double> validation_loss = std::nullopt;  ///< where train.metric is loss
  /// Accuracies of a mixture's components, of which validation_accuracy is the mean; else empty.
  std::vector<double> component_accuracies = {};
};

/// Where training stands after update `step`, but for weights and moments. Whether the evaluation
/// of `step` is still to come shows in the history. No generator has a state of its own: a batch is
/// a function of (order_seed, step), an example of (data_seed, split, index).
struct TrainProgress {
  std::int64_t step = 0;         ///< updates that were made
  double gradient_norm = 0.0;    ///< of update `step`, before clipping
  double loss_since = 0.0;       ///< sum of the losses of the updates since the last evaluation
  std::int64_t steps_since = 0;  ///< their number
  double best_value = -1.0;      ///< what selects: best validation accuracy or loss so far
  std::int64_t best_step = 0;    ///< the evaluation that gave it, the first of equals
  std::optional<std::int64_t>
      solved_step;  ///< first evaluation with validation accuracy >= solve_at
  std::vector<HistoryRow> history;
  std::vector<float> best_weights;  ///< those of best_step; empty before the first evaluation
};

/// All that decides how training goes on; the arrays are laid out as SequenceModel::parameters().
struct TrainState {
  TrainProgress progress;
  std::vector<float> weights;
  std::vector<float> first_moment;   ///< of Adam
  std::vector<float> second_moment;  ///< of Adam
};

/// The same, where it lies.
struct TrainStateView {
  const TrainProgress& progress;
  std::span<const float> weights;
  std::span<const float> first_moment;
  std::span<const float> second_moment;
};

}  // namespace recollect
