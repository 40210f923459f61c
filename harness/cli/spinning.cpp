#include "harness/cli/spinning.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

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
  // By its own path: started through the link, it would be called "exe" by ps and killall. Both
  // return where they fail, and then threads spin.
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) ::execv(self.c_str(), argv);
  ::execv("/proc/self/exe", argv);
#endif
}

}  // namespace recollect::cli
