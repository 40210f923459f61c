#include "tests/support/allocation_counter.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RECOLLECT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RECOLLECT_SANITIZED 1
#endif
#endif

namespace {

thread_local std::uint64_t of_thread = 0;
std::atomic<std::uint64_t> of_all{0};

}  // namespace

std::uint64_t recollect::testing::allocations() noexcept { return of_thread; }
std::uint64_t recollect::testing::allocations_of_all_threads() noexcept { return of_all; }

#ifdef RECOLLECT_SANITIZED

bool recollect::testing::counts_allocations() noexcept { return false; }

#else

bool recollect::testing::counts_allocations() noexcept { return true; }

// The C library's own entry points, under the names by which it lets programs replace them.
extern "C" {

// NOLINTBEGIN(bugprone-reserved-identifier)
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
// NOLINTEND(bugprone-reserved-identifier)

void* malloc(std::size_t size) {
  ++of_thread;
  ++of_all;
  return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) {
  ++of_thread;
  ++of_all;
  return __libc_calloc(count, size);
}

void* realloc(void* memory, std::size_t size) {
  ++of_thread;
  ++of_all;
  return __libc_realloc(memory, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
  ++of_thread;
  ++of_all;
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  *memory = memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}

}  // extern "C"

#endif
