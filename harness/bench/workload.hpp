#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "harness/bench/cases.hpp"
#include "harness/train/batch_step.hpp"
#include "harness/train/optimizer.hpp"

namespace recollect {

/// What a sample times, over and over: one step of training as train() makes it (begin_step, a
/// batch forward and backward, end_step, clipping and Adam) or of scoring (forward alone, or as a
/// stream). Examples are ready, and a step copies them: making data is not timed. The learning rate
/// is 0: the update does all its arithmetic, and every step finds the same weights.
class StepLoop {
 public:
  explicit StepLoop(const BenchCase& what);

  void step();

  [[nodiscard]] const SequenceModel<float>& model() const noexcept { return model_; }
  /// Of the lane that took most.
  [[nodiscard]] std::int64_t workspace_bytes();

 private:
  void train_step();
  void score_step();

  BenchMode mode_;
  int threads_;
  std::int64_t length_;
  std::int64_t batch_;
  std::vector<Example> examples_;
  SequenceModel<float> model_;
  BatchStep<float> batch_step_;
  Adam<float> optimizer_;
  std::int64_t steps_ = 0;
};

/// One or several such loops at once, each with threads of its own: what one case times.
class Workload {
 public:
  explicit Workload(const BenchCase& what);

  /// Every loop makes `steps` steps. @returns seconds until the last is done
  double run(std::int64_t steps);

  [[nodiscard]] StepLoop& first() noexcept { return *loops_.front(); }

 private:
  std::vector<std::unique_ptr<StepLoop>> loops_;
};

}  // namespace recollect
