#pragma once

#include <memory>

#include "models/kernels/rows.hpp"
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

  /// W_o backwards: the gradient of what the core computed, from dy at the queries that were asked
  /// for.
  /// @param output_in  (R, D) what W_o read
  /// @param expanded  rows that the core computed where they are more than those asked for; else 0
  [[nodiscard]] View<S> output_backward(const S* theta, S* gradient, ConstView<S> output_in,
                                        const Queries& asked, Index expanded, ConstView<S> dy,
                                        Workspace<S>& workspace) const {
    const View<S> d_asked = workspace.matrix(asked.count(), width());
    output.backward(theta, gradient, output_in, dy, d_asked);
    if (expanded == 0) return d_asked;
    const View<S> d_all = workspace.matrix(expanded, width());
    set_zero(d_all);
    add_to_rows<S>(d_asked, asked.positions, d_all);
    return d_all;
  }
};

}  // namespace recollect
