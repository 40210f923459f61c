#pragma once

#include <vector>

#include "math/buffer.hpp"

namespace recollect {

/// What the processor can do at this moment, in GFLOP/s of single precision over all threads at
/// once: two operations a multiply-add.
enum class Probe {
  kPeak,   ///< fused multiply-adds of independent registers, nothing else: the ceiling
  kEigen,  ///< 64 x 64 x 64 products of Eigen, which stay in the first-level cache
  kOwn,    ///< the same with product_nn<float>
};

/// Runs probes on a fixed number of threads. A training step is held against the faster of the two
/// products: that rate is attainable, by somebody who multiplies all the time.
class RateProbe {
 public:
  explicit RateProbe(int threads);

  /// One measurement that lasts about `seconds`.
  [[nodiscard]] double measure(Probe probe, double seconds);

  [[nodiscard]] int threads() const noexcept { return threads_; }

 private:
  /// A few rounds by one thread. @returns operations
  double run_some(Probe probe, int thread);

  int threads_;
  std::vector<Buffer<float>> matrices_;  // a, b and c of each thread
};

/// Fused multiply-adds of independent chains in registers, `rounds` of each.
/// @param sink  takes the result, so that no compiler drops the work
/// @returns operations that were done
double run_multiply_adds(long rounds, float& sink);

}  // namespace recollect
