#pragma once

#include <cstdint>

namespace recollect::testing {

/// Blocks asked for on the heap (malloc, calloc, realloc, aligned_alloc, and so operator new) by
/// this thread since it started.
///   const auto before = allocations(); work(); CHECK(allocations() == before);
[[nodiscard]] std::uint64_t allocations() noexcept;

/// The same over all threads of the program.
[[nodiscard]] std::uint64_t allocations_of_all_threads() noexcept;

/// False under a sanitizer, which brings its own heap: the counts stay 0 there.
[[nodiscard]] bool counts_allocations() noexcept;

}  // namespace recollect::testing
