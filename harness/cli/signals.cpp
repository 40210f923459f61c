#include "harness/cli/signals.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstddef>

namespace recollect::cli {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM};

StopRequest request_of_signals;  // a handler can reach nothing else
std::array<struct sigaction, kSignals.size()> before;

// Only what POSIX allows in a signal handler.
extern "C" void ask_for_stop(int signal) {
  if (request_of_signals.signal() != 0) ::_exit(128 + signal);
  request_of_signals.request(signal);
  constexpr char kLine[] = "\nstopping; the same signal again stops at once\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kLine, sizeof kLine - 1);
}

}  // namespace

StopOnSignals::StopOnSignals() {
  struct sigaction action = {};
  action.sa_handler = ask_for_stop;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &before[i]);
    if (before[i].sa_handler != SIG_IGN) ::sigaction(kSignals[i], &action, nullptr);
  }
}

StopOnSignals::~StopOnSignals() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before[i], nullptr);
}

const StopRequest& StopOnSignals::request() const noexcept { return request_of_signals; }

}  // namespace recollect::cli
