#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "harness/bench/outputs.hpp"

namespace recollect {

/// How far the fast path is from its slow twin on a few sequences of a shape. A gradient is
/// compared tensor by tensor as well, each relative to its own largest element (or to a thousandth
/// of the largest of all, where that is more): a whole gradient hides errors in small tensors.
struct Agreement {
  std::int64_t length = 0;    ///< at which they were compared
  double loss_error = 0.0;    ///< relative
  double output_error = 0.0;  ///< of gradient or logits: largest difference over largest element
  double tensor_error = 0.0;  ///< the same for the worst tensor; 0 for logits
  std::string worst_tensor;

  /// Single precision gives about 1e-8, 1e-6 and, where terms cancel (A_log, dt_bias), 2e-4.
  static constexpr double kLossBound = 1e-6;
  static constexpr double kOutputBound = 1e-5;
  static constexpr double kTensorBound = 1e-3;
  [[nodiscard]] bool agrees() const noexcept;
  /// "loss 3.1e-08, gradient ..." for a message.
  [[nodiscard]] std::string text() const;
};

/// The twin is O(T^2): longer cells are compared at this length.
inline constexpr std::int64_t kLongestTwin = 4096;

/// What the fast path is held against: the outputs of a cell's model with these weights.
using Twin = std::function<Outputs(const Cell&, std::span<const float> weights,
                                   std::span<const Example>, BenchMode)>;

/// The same model in double, the log-linear core by its definition, without any saving.
/// (`full-quadratic` has one form, which runs in double.)
[[nodiscard]] Outputs dense_twin(const Cell& cell, std::span<const float> weights,
                                 std::span<const Example> examples, BenchMode mode);

/// Compares the fast path with a twin on the first sequences of the cell's training data. The
/// weights are the initial ones with every matrix scaled to keep variances: with the published
/// spread of 0.02, the first layer's mixer would hardly touch loss and gradient.
[[nodiscard]] Agreement check_agreement(const Cell& cell, Execution execution, BenchMode mode,
                                        const Twin& twin);

}  // namespace recollect
