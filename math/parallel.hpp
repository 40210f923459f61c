#pragma once

#include <omp.h>

#include <cstdint>
#include <exception>
#include <mutex>
#include <string>

namespace recollect {

/// Number of processor cores that this process should keep busy (base/cores.hpp).
[[nodiscard]] int available_cores();

/// How many threads a team of this thread can have, `wanted` at most: where the system lets no more
/// be created, OpenMP would end the program. Asked once for each size of team and thread.
[[nodiscard]] int team_size(int wanted);

/// Name of the processor, as Linux gives it; "unknown" where it does not.
[[nodiscard]] std::string cpu_model();

/// Calls body(item, thread) for each item 0..items-1 on `threads` threads, in contiguous shares; on
/// fewer where the system allows no more. The split of the work depends on `threads`, so a body
/// must write to places that belong to its item, or, for scratch, to its thread. The first
/// exception is passed on once all are done. A template, not a std::function: a training step must
/// not allocate.
template <class Body>
void parallel_for(int items, int threads, Body&& body) {
  if (threads <= 1 || items <= 1) {
    for (int item = 0; item < items; ++item) body(item, 0);
    return;
  }
  std::exception_ptr failure;
  std::mutex guard;
  const int possible = team_size(threads);
#pragma omp parallel num_threads(possible)
  {
    // Dealt by hand: LLVM's `omp for` allocates memory in every loop.
    const std::int64_t team = omp_get_num_threads();
    const int thread = omp_get_thread_num();
    const auto first_of = [&](int share) {
      return static_cast<int>(std::int64_t{items} * share / team);
    };
    for (int item = first_of(thread); item < first_of(thread + 1); ++item) {
      try {
        body(item, thread);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(guard);
        if (!failure) failure = std::current_exception();
      }
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace recollect
