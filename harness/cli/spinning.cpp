#include "harness/cli/spinning.hpp"

#include <unistd.h>

#include <cstdlib>

#if defined(__clang__)
extern "C" void kmp_set_blocktime(int milliseconds);
#endif

namespace recollect::cli {

void bound_spinning(char** argv) {
  if (std::getenv("GOMP_SPINCOUNT") != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
#if defined(__clang__)
  (void)argv;
  if (std::getenv("KMP_BLOCKTIME") == nullptr) kmp_set_blocktime(0);
#else
  // Some tens of microseconds: longer than the threads of a training step wait for each other where
  // nobody else computes, far shorter than a time slice. bench/README.md has the measurement.
  constexpr const char* kSpins = "2000";
  ::setenv("GOMP_SPINCOUNT", kSpins, 0);
  ::execv("/proc/self/exe", argv);  // returns where that fails, and then threads spin
#endif
}

}  // namespace recollect::cli
