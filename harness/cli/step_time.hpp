#pragma once

#include "harness/sweep/plan.hpp"

namespace recollect::cli {

/// Seconds of a training step, measured in at most a few seconds: of one of `jobs` cells like this
/// that train at once. With a mixture it is the mean over an epoch.
[[nodiscard]] double measure_step(const Cell& cell, int threads, int jobs);

/// What the work on a cell takes in all, by the nominal costs of its parts.
[[nodiscard]] double work_seconds(const PlannedCell& planned, double step_seconds);

}  // namespace recollect::cli
