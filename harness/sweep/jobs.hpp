#pragma once

#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace recollect {

/// Runs `work` at most `jobs` times at once, once of them on this thread, and waits for all. `work`
/// takes cells until there are none: where the system allows no more threads, fewer jobs do the
/// same. @throws what the first of them threw, once all have ended
template <class Work>
void run_jobs(int jobs, Work&& work) {
  std::mutex guard;
  std::exception_ptr first;
  const auto job_of_its_own = [&] {
    try {
      work();
    } catch (...) {
      const std::lock_guard lock(guard);
      if (!first) first = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  try {
    for (int job = 1; job < jobs; ++job) others.emplace_back(job_of_its_own);
  } catch (const std::system_error&) {
  }
  job_of_its_own();
  for (std::thread& other : others) other.join();
  if (first) std::rethrow_exception(first);
}

}  // namespace recollect
