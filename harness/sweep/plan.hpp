#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/config/settings.hpp"
#include "harness/sweep/cell_folder.hpp"
#include "models/sequence_model.hpp"

namespace recollect {

/// What is left to do for a cell.
enum class Work {
  kNone,   ///< finished with every row that is asked for, or diverged
  kScore,  ///< finished, but rows are missing: scored from its weights, without training
  kTrain,  ///< unfinished, failed or damaged: trained, from its state where it has one
};

struct PlannedCell {
  const Cell* cell = nullptr;  ///< of the experiment
  std::size_t index = 0;       ///< its place in the experiment, from 0
  std::string hash;
  Work work = Work::kTrain;
  std::optional<CellStatus> status;  ///< what its folder said before the run; none if damaged
  /// Nominal multiply-adds of all training steps; an upper bound. 0 if there is nothing to train,
  /// or not enough memory for the model.
  double cost = 0.0;
};

/// What a run would do. Making one reads the folders and writes nothing.
struct RunPlan {
  std::vector<PlannedCell> cells;  ///< in the experiment's order
  int jobs = 1;                    ///< cells at once
  int threads = 1;                 ///< of each
  std::vector<std::string> notes;  ///< e.g. cells of another build that are reused

  [[nodiscard]] std::size_t count(Work work) const noexcept;
};

/// A cell with the seeds and the training settings that do not change the work of a step put to
/// defaults: cells of equal shape take equally long a step. Compare them by identity().
[[nodiscard]] Cell shape_of(const Cell& cell);

/// Nominal multiply-adds of one training step.
[[nodiscard]] double step_cost(const Cell& cell, const SequenceModel<float>& model);

/// The model of a cell with all weights 0, for its layout and sizes.
[[nodiscard]] SequenceModel<float> empty_model(const Cell& cell);

/// Fails as run_experiment() would where `out` is no place to write to; makes nothing.
/// @throws IoError
void check_place(const std::filesystem::path& out);

/// A cell whose status, scores or slices cannot be read is to be trained again, and a note says so.
/// @param jobs  cells at once; 0: as many as there are cells to train, at most one a core
[[nodiscard]] RunPlan plan_run(const Experiment& experiment, const std::filesystem::path& out,
                               int jobs = 0);

}  // namespace recollect
