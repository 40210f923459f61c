#pragma once

#include "harness/config/settings.hpp"
#include "models/sequence_model.hpp"

namespace recollect {

/// Nominal multiply-adds of what a cell takes, all steps made.
struct CellCost {
  double training = 0.0;
  double validation = 0.0;  ///< of all checks while it trains
  double scoring = 0.0;     ///< of all scores that its configuration asks for

  [[nodiscard]] double all() const noexcept { return training + validation + scoring; }
};

/// @param sizes  a model of the cell's shape; its weights are not looked at
[[nodiscard]] CellCost cell_cost(const Cell& cell, const SequenceModel<float>& sizes);

}  // namespace recollect
