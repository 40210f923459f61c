#include "harness/train/schedule.hpp"

#include <algorithm>

#include "math/portable_math.hpp"

namespace recollect {

namespace {

/// @param done  0 at the start of the fall, 1 at its end
double cosine(const TrainSettings& train, double done) {
  const double height = train.learning_rate - train.min_learning_rate;
  return train.min_learning_rate + height * 0.5 * (1.0 + portable::cos_turn(0.5 * done));
}

}  // namespace

double learning_rate(const TrainSettings& train, std::int64_t step) {
  if (step <= train.warmup) {
    return train.learning_rate * static_cast<double>(step) / static_cast<double>(train.warmup);
  }
  if (train.schedule == Schedule::kConstant) return train.learning_rate;
  if (train.schedule == Schedule::kCosineEpoch) {
    const std::int64_t epoch = (step - 1) / train.steps_per_epoch;
    const double share = static_cast<double>(epoch) / static_cast<double>(*train.epochs);
    return cosine(train, share);
  }
  const double done = static_cast<double>(step - train.warmup) /
                      static_cast<double>(std::max<std::int64_t>(train.steps - train.warmup, 1));
  return cosine(train, done);
}

}  // namespace recollect
