#pragma once

#include <system_error>
#include <thread>
#include <vector>

namespace recollect {

/// Runs `work` at most `jobs` times at once, once of them on this thread, and waits for all. `work`
/// takes cells until there are none, and does not throw: where the system allows no more threads,
/// fewer jobs do the same.
template <class Work>
void run_jobs(int jobs, Work&& work) {
  std::vector<std::thread> others;
  try {
    for (int job = 1; job < jobs; ++job) others.emplace_back([&work] { work(); });
  } catch (const std::system_error&) {
  }
  work();
  for (std::thread& other : others) other.join();
}

}  // namespace recollect
