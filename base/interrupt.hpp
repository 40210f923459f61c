#pragma once

#include <signal.h>

#include <atomic>
#include <string>

#include "base/error.hpp"

namespace recollect {

/// "SIGINT"
[[nodiscard]] inline std::string signal_name(int signal) {
  switch (signal) {
    case SIGINT:
      return "SIGINT";
    case SIGTERM:
      return "SIGTERM";
    case SIGHUP:
      return "SIGHUP";
    case SIGUSR1:
      return "SIGUSR1";
    case SIGUSR2:
      return "SIGUSR2";
    default:
      return "signal " + std::to_string(signal);
  }
}

/// Work was given up because somebody asked for it. The exit status is that of the signal.
class Interrupted : public Error {
 public:
  Interrupted(int signal, const std::string& message)
      : Error(static_cast<ExitStatus>(128 + signal), message) {}
};

/// A wish to stop, made by a signal handler and looked at by the threads that work, between two
/// sequences. Looking costs one relaxed load of an atomic. All members may be called from any
/// thread, and request() from a signal handler.
class StopRequest {
 public:
  StopRequest() noexcept {}  // not defaulted: a const one would have to be initialised
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  /// Asks for a stop, because of this signal. The first signal counts.
  void request(int signal) noexcept {
    int expected = 0;
    state_.compare_exchange_strong(expected, signal, std::memory_order_relaxed);
  }

  /// Asks for a stop when somebody looks for the n-th time from now, n >= 1: how tests stop at any
  /// point they choose.
  void request_at_look(int n, int signal) noexcept {
    signal_of_look_.store(signal, std::memory_order_relaxed);
    state_.store(-n, std::memory_order_relaxed);
  }

  /// True once a stop was asked for.
  [[nodiscard]] bool requested() const noexcept {
    const int state = state_.load(std::memory_order_relaxed);
    return state != 0 && (state > 0 || is_nth_look());
  }

  /// The signal that asked, 0 while nobody has.
  [[nodiscard]] int signal() const noexcept {
    const int state = state_.load(std::memory_order_relaxed);
    return state > 0 ? state : 0;
  }

  /// @throws Interrupted once a stop was asked for
  void check() const {
    if (requested()) throw Interrupted(signal(), "stopped by a signal");
  }

  /// For work that nobody stops.
  [[nodiscard]] static const StopRequest& never() noexcept {
    static const StopRequest request;
    return request;
  }

 private:
  [[nodiscard]] bool is_nth_look() const noexcept {
    const int before = state_.fetch_add(1, std::memory_order_relaxed);
    if (before < -1) return false;
    state_.store(signal_of_look_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    return true;
  }

  static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may not wait");
  mutable std::atomic<int> state_{0};  ///< the signal; or, below 0, minus the looks that are left
  std::atomic<int> signal_of_look_{0};
};

}  // namespace recollect
