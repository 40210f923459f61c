#pragma once

#include <memory>

#include "models/layers/output_projection.hpp"
#include "models/layers/projections.hpp"
#include "models/level_weights/level_weights.hpp"
#include "models/linear_attention/gate.hpp"
#include "models/linear_attention/heads.hpp"

namespace recollect {

/// The parts of a log-linear mixer; its table as a first layer shares them. Their tensors stand in
/// this order.
template <class S>
struct LogLinearParts {
  Projections<S> projections;
  DecayGate<S> gate;
  std::unique_ptr<LevelWeights<S>> level_weights;
  OutputProjection<S> output;
  LogLinearHeads<S> heads;

  [[nodiscard]] Index width() const noexcept { return output.columns(); }
  [[nodiscard]] Index head_count() const noexcept { return projections.heads(); }
  [[nodiscard]] Index levels() const noexcept { return level_weights->levels(); }
};

}  // namespace recollect
