#pragma once

#include <cstdint>
#include <span>

#include "math/view.hpp"

namespace recollect {

/// What a row of logits says.
struct CrossEntropy {
  double loss = 0.0;         ///< summed over rows: -log softmax(logits)[label], nats
  std::int64_t correct = 0;  ///< rows whose largest logit is the label's, the first of equals
};

/// Adds to `total` the cross-entropy of logits (R, V) against labels (R), row by row: a sequence
/// may come in parts. Where `scale` is not zero, the logits are replaced by scale times the
/// gradient of the summed loss.
template <class S>
void cross_entropy(std::span<const std::int32_t> labels, S scale, View<S> logits,
                   CrossEntropy& total);

/// The same on its own.
template <class S>
[[nodiscard]] CrossEntropy cross_entropy(std::span<const std::int32_t> labels, S scale,
                                         View<S> logits) {
  CrossEntropy total;
  cross_entropy<S>(labels, scale, logits, total);
  return total;
}

}  // namespace recollect
