#include "allocation_counter.hpp"

#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RECOLLECT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RECOLLECT_SANITIZED 1
#endif
#endif

#ifdef RECOLLECT_SANITIZED

std::uint64_t recollect::testing::allocations() noexcept { return 0; }
bool recollect::testing::counts_allocations() noexcept { return false; }

#else

namespace {

thread_local std::uint64_t count = 0;

}  // namespace

std::uint64_t recollect::testing::allocations() noexcept { return count; }
bool recollect::testing::counts_allocations() noexcept { return true; }

// The array and the non-throwing forms of the standard library call these.
void* operator new(std::size_t size) {
  ++count;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

void* operator new(std::size_t size, std::align_val_t alignment) {
  ++count;
  const auto unit = static_cast<std::size_t>(alignment);
  const std::size_t whole = size == 0 ? unit : (size + unit - 1) / unit * unit;
  if (void* memory = std::aligned_alloc(unit, whole)) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

#endif
