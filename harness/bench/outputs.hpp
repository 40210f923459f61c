#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "harness/bench/cases.hpp"
#include "tasks/task.hpp"

namespace recollect {

/// What a model makes of a few examples.
struct Outputs {
  double loss = 0.0;            ///< mean over the scored positions, nats
  std::vector<double> numbers;  ///< training: the gradient of the loss; scoring: all logits
};

/// Examples 0..count-1 of a cell's training data.
[[nodiscard]] std::vector<Example> ready_examples(const Cell& cell, std::int64_t count);

/// Runs a cell's model with these weights, in the number type S.
/// @param tokens  of the whole step that the examples stand for: it decides whether the first layer
///                is tabulated
template <class S>
[[nodiscard]] Outputs outputs_of(const Cell& cell, Execution execution,
                                 std::span<const float> weights, std::span<const Example> examples,
                                 std::int64_t tokens, BenchMode mode);

}  // namespace recollect
