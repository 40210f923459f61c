#include "harness/cli/signals.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstddef>

namespace recollect::cli {
namespace {

// Ctrl-C, kill, a terminal that goes away, and what schedulers send before they kill.
constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};

// A handler can reach nothing else.
StopRequest request_of_signals;
bool says_so;
std::array<struct sigaction, kSignals.size()> before;
struct sigaction before_of_pipe;

// Only what POSIX allows in a signal handler.
extern "C" void ask_for_stop(int signal) {
  // A terminal that goes away sends SIGHUP twice, from the kernel and from the shell.
  const bool by_hand = signal == SIGINT || signal == SIGTERM;
  if (by_hand && request_of_signals.signal() != 0) ::_exit(128 + signal);
  if (request_of_signals.signal() != 0) return;
  request_of_signals.request(signal);
  if (!says_so) return;
  constexpr char kLine[] = "\nstopping; Ctrl-C or SIGTERM again stops at once\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kLine, sizeof kLine - 1);
}

}  // namespace

StopOnSignals::StopOnSignals(bool say) {
  says_so = say;
  struct sigaction action = {};
  action.sa_handler = ask_for_stop;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &before[i]);
    if (before[i].sa_handler != SIG_IGN) ::sigaction(kSignals[i], &action, nullptr);
  }
  // Where nobody reads the messages any more, the work goes on without them.
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &before_of_pipe);
}

StopOnSignals::~StopOnSignals() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before[i], nullptr);
  ::sigaction(SIGPIPE, &before_of_pipe, nullptr);
}

const StopRequest& StopOnSignals::request() const noexcept { return request_of_signals; }

}  // namespace recollect::cli
