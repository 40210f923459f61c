#pragma once

#include <chrono>

namespace recollect {

/// Seconds of a clock that never goes back.
[[nodiscard]] inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace recollect
