#pragma once

#include <limits>

namespace recollect {

/// What of a validation counts.
enum class ValidationMetric { kAccuracy, kLoss };

/// Which evaluation gives the best weights, when training stops and when it has solved the task.
/// Of equals the earlier evaluation stays the best one.
struct Selection {
  ValidationMetric metric = ValidationMetric::kAccuracy;
  double solve_at = 0.99;  ///< validation accuracy, whatever the metric

  [[nodiscard]] bool by_loss() const noexcept { return metric == ValidationMetric::kLoss; }

  [[nodiscard]] double value(double accuracy, double loss) const noexcept {
    return by_loss() ? loss : accuracy;
  }

  /// What every evaluation is better than.
  [[nodiscard]] double worst() const noexcept {
    return by_loss() ? std::numeric_limits<double>::infinity() : -1.0;
  }

  /// A loss that is not a number is never better.
  [[nodiscard]] bool better(double candidate, double best) const noexcept {
    return by_loss() ? candidate < best : candidate > best;
  }

  [[nodiscard]] bool reaches(double value, double goal) const noexcept {
    return by_loss() ? value <= goal : value >= goal;
  }
};

}  // namespace recollect
