#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "harness/config/settings.hpp"
#include "math/buffer.hpp"
#include "models/parameters.hpp"

namespace recollect {

/// Euclidean norm of all gradients together, summed in double in a fixed order.
template <class S>
[[nodiscard]] double global_norm(std::span<const S> gradient);

/// Adam with bias correction (arXiv 1412.6980), decoupled weight decay on tensors of two or more
/// dimensions, or on all with decay_all (arXiv 1711.05101; p *= 1 - lr * decay before the update),
/// and clipping by global norm.
template <class S>
class Adam {
 public:
  Adam(const ParameterLayout& layout, const TrainSettings& train);

  /// Update number `step` = 1, 2, ...: changes `weights` and scales `gradient` by the clipping
  /// factor. The same bits for any number of threads.
  /// @returns the gradient's norm before clipping
  double update(std::int64_t step, double rate, std::span<S> gradient, std::span<S> weights,
                int threads = 1);

  /// Running means of gradients and of their squares, laid out as the weights: with the weights and
  /// the number of updates all that decides what comes next.
  [[nodiscard]] std::span<S> first_moment() noexcept { return first_; }
  [[nodiscard]] std::span<S> second_moment() noexcept { return second_; }

 private:
  struct Piece {
    std::size_t begin;
    std::size_t size;
    bool decays;
  };
  std::vector<Piece> pieces_;  // of tensors
  double beta1_;
  double beta2_;
  double epsilon_;
  double decay_;
  double clip_;
  Buffer<S> first_;   // running mean of gradients
  Buffer<S> second_;  // running mean of their squares
};

}  // namespace recollect
