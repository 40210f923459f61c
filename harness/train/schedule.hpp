#pragma once

#include <cstdint>

#include "harness/config/settings.hpp"

namespace recollect {

/// The learning rate of update `step` = 1..steps: linear warm-up over the first `warmup` updates,
/// then constant, or a half cosine that reaches min_learning_rate at the last update; or the same
/// by epochs: at (1 + cos(pi e / E)) / 2 of the way throughout epoch e = 0.. of E.
[[nodiscard]] double learning_rate(const TrainSettings& train, std::int64_t step);

}  // namespace recollect
