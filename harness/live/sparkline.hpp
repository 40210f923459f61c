#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace recollect::live {

/// Validation accuracy after update `step`.
struct CurvePoint {
  std::int64_t step = 0;
  double accuracy = 0.0;
};

/// What a training has behind it.
struct Curve {
  std::span<const CurvePoint> points;  ///< by step
  std::int64_t step = 0;               ///< how far it is
  std::int64_t steps = 0;              ///< of the whole training
  double solve_at = 0.99;
};

/// Progress and learning curve at once: its length is the whole training, and what lies behind has
/// the height of the accuracy there (the last one of each part, or the one before it). The full
/// block is kept for accuracies that solve the task. In ASCII it stands between brackets.
/// @param length  letters, brackets included; 0 gives ""
[[nodiscard]] std::string sparkline(const Curve& curve, std::size_t length, bool utf8);

/// A bar of which `share`, 0..1, is filled.
[[nodiscard]] std::string bar(double share, std::size_t length, bool utf8);

}  // namespace recollect::live
