#pragma once

#include "base/interrupt.hpp"

namespace recollect::cli {

/// As long as it lives, the first SIGINT, SIGTERM, SIGHUP (a terminal or ssh connection that goes
/// away), SIGUSR1 or SIGUSR2 (schedulers, before they kill) makes a StopRequest; a SIGINT or
/// SIGTERM after it ends the program at once. A signal that was ignored before (a background job of
/// a shell script, nohup) stays ignored. SIGPIPE is: messages that nobody reads any more do not end
/// the work. One at a time.
class StopOnSignals {
 public:
  /// @param say  tell at once, on stderr, that the signal has come
  explicit StopOnSignals(bool say = true);
  ~StopOnSignals();
  StopOnSignals(const StopOnSignals&) = delete;
  StopOnSignals& operator=(const StopOnSignals&) = delete;

  [[nodiscard]] const StopRequest& request() const noexcept;
};

}  // namespace recollect::cli
