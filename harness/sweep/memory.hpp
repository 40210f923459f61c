#pragma once

#include "harness/config/settings.hpp"
#include "models/sequence_model.hpp"

namespace recollect {

/// What one cell takes at most, an estimate in bytes: for the machine's memory; of the address
/// space
/// (`ulimit -v`), growing workspaces take more for a moment. Making one allocates none of it.
struct CellMemory {
  double training = 0.0;         ///< weights, moments, gradients
  double training_thread = 0.0;  ///< activations and gradients of one more thread
  double scoring = 0.0;          ///< weights
  double scoring_thread = 0.0;   ///< activations at the longest eval length

  /// With that many threads. Training and scoring follow each other.
  [[nodiscard]] double bytes(int threads) const noexcept;
};

/// @param sizes   a model of the cell's shape; its weights are not looked at
/// @param trains  false for a cell that is only scored
[[nodiscard]] CellMemory cell_memory(const Cell& cell, const SequenceModel<float>& sizes,
                                     bool trains);

}  // namespace recollect
