#include "harness/train/schedule.hpp"

#include <algorithm>

#include "math/portable_math.hpp"

namespace recollect {

double learning_rate(const TrainSettings& train, std::int64_t step) {
  if (step <= train.warmup) {
    return train.learning_rate * static_cast<double>(step) / static_cast<double>(train.warmup);
  }
  if (train.schedule == Schedule::kConstant) return train.learning_rate;
  if (train.schedule == Schedule::kCosineEpoch) {
    const std::int64_t epoch = (step - 1) / train.steps_per_epoch;
    const double share = static_cast<double>(epoch) / static_cast<double>(*train.epochs);
    return train.learning_rate * 0.5 * (1.0 + portable::cos_turn(0.5 * share));
  }
  const double done = static_cast<double>(step - train.warmup) /
                      static_cast<double>(std::max<std::int64_t>(train.steps - train.warmup, 1));
  return train.learning_rate * 0.5 * (1.0 + portable::cos_turn(0.5 * done));
}

}  // namespace recollect
