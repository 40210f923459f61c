#pragma once

#include "base/interrupt.hpp"

namespace recollect::cli {

/// As long as it lives, the first SIGINT or SIGTERM makes a StopRequest, and the second one ends
/// the program at once. A signal that was ignored before (a background job of a shell script) stays
/// ignored. One at a time.
class StopOnSignals {
 public:
  StopOnSignals();
  ~StopOnSignals();
  StopOnSignals(const StopOnSignals&) = delete;
  StopOnSignals& operator=(const StopOnSignals&) = delete;

  [[nodiscard]] const StopRequest& request() const noexcept;
};

}  // namespace recollect::cli
