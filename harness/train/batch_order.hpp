#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "harness/config/settings.hpp"
#include "math/rng.hpp"

namespace recollect {

/// Which training examples each update sees: a function of the cell's settings, its order_seed and
/// the step, so that training goes on anywhere.
///   online            examples (step - 1) batch, ... in their order
///   examples: N       `batch` of N without replacement, drawn anew at each step
///   epochs, mixture   each example once an epoch. A batch comes from one component; the last of a
///                     component may be short. Shuffled: the examples of each component are
///                     permuted and cut into batches, then the batches are permuted. In order:
///                     component after component, as they are.
class BatchOrder {
 public:
  explicit BatchOrder(const Cell& cell);

  /// Prepares the batch of `step` = 1, 2, ...
  void begin(std::int64_t step);

  [[nodiscard]] int size() const noexcept { return size_; }
  /// Which of Cell::mixture it comes from; 0 without one.
  [[nodiscard]] std::size_t component() const noexcept { return component_; }
  /// Index of its sequence b among the training examples of the component.
  [[nodiscard]] std::uint64_t operator[](int b) const {
    const auto at = static_cast<std::size_t>(b);
    return static_cast<std::uint64_t>(drawn_.empty() ? first_ + b : drawn_[at]);
  }

 private:
  struct Batch {
    std::size_t component;
    std::int64_t first;
    int size;
  };
  void begin_epoch(std::int64_t epoch);

  std::uint64_t seed_;
  const TrainSettings& train_;
  std::vector<std::int64_t> counts_;                 ///< examples of each component
  std::vector<Batch> batches_;                       ///< of an epoch, in order
  std::int64_t epoch_ = -1;                          ///< that the members below are of
  std::vector<std::vector<std::int32_t>> examples_;  ///< of each component, permuted
  std::vector<std::int32_t> turns_;                  ///< batches, permuted
  Sampler sampler_;

  int size_;
  std::size_t component_ = 0;
  std::int64_t first_ = 0;
  std::span<const std::int32_t> drawn_;  ///< empty: from first_ on
};

}  // namespace recollect
