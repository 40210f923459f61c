#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/config/settings.hpp"
#include "models/sequence_model.hpp"

namespace recollect {

/// One line of history.csv: written at every evaluation.
struct HistoryRow {
  std::int64_t step = 0;
  double loss = 0.0;  ///< mean training loss since the row before, in nats a scored position
  double gradient_norm = 0.0;  ///< of this step, before clipping
  double learning_rate = 0.0;
  double validation_accuracy = 0.0;
  double validation_exact_match = 0.0;
};

/// What training a cell gave.
struct TrainResult {
  std::vector<HistoryRow> history;
  std::int64_t steps = 0;                   ///< updates that were made
  std::optional<std::int64_t> solved_step;  ///< first evaluation with validation accuracy >= 0.99
  std::int64_t best_step =
      0;  ///< evaluation with the best validation accuracy, the first of equals
  std::vector<float> final_weights;  ///< laid out as SequenceModel::parameters()
  std::vector<float> best_weights;
  std::string diverged;  ///< why training stopped at a loss that is not finite; empty: it did not
};

/// Told how training goes. Called from the training thread, between steps.
class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  virtual void on_step(std::int64_t step, std::int64_t steps) { (void)step, (void)steps; }
  virtual void on_evaluation(const HistoryRow& row) { (void)row; }
};

/// The model of a cell, with its initial weights.
[[nodiscard]] SequenceModel<float> build_model(const Cell& cell);

/// Trains a cell. The result depends on the cell alone, never on `threads`.
[[nodiscard]] TrainResult train(const Cell& cell, int threads, TrainObserver& observer);

}  // namespace recollect
