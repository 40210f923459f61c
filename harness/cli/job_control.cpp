#include "harness/cli/job_control.hpp"

#include <signal.h>

#include <atomic>

namespace recollect::cli {
namespace {

// A handler can reach nothing else.
std::atomic<bool> wanted{false};
std::atomic<bool> continued{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may not wait");
struct sigaction before_of_stop;
struct sigaction before_of_continue;

extern "C" void ask_to_pause(int signal) {
  (signal == SIGTSTP ? wanted : continued).store(true, std::memory_order_relaxed);
}

}  // namespace

JobControl::JobControl() {
  ::sigaction(SIGTSTP, nullptr, &before_of_stop);
  ::sigaction(SIGCONT, nullptr, &before_of_continue);
  ignored_ = before_of_stop.sa_handler == SIG_IGN;
  listen();
}

JobControl::~JobControl() {
  ::sigaction(SIGTSTP, &before_of_stop, nullptr);
  ::sigaction(SIGCONT, &before_of_continue, nullptr);
}

void JobControl::listen() {
  struct sigaction action = {};
  action.sa_handler = ask_to_pause;
  action.sa_flags = SA_RESTART;
  if (!ignored_) ::sigaction(SIGTSTP, &action, nullptr);
  ::sigaction(SIGCONT, &action, nullptr);
}

bool JobControl::stop_is_wanted() { return wanted.exchange(false); }

bool JobControl::was_continued() { return continued.exchange(false); }

void JobControl::stop() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  ::sigaction(SIGTSTP, &action, nullptr);
  ::raise(SIGTSTP);  // to this thread, so that it goes no further; all others stop with it
  listen();
}

}  // namespace recollect::cli
