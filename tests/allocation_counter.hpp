#pragma once

#include <cstdint>

namespace recollect::testing {

/// Calls of operator new by this thread since it started; every `new` of the program counts.
///   const auto before = allocations(); work(); CHECK(allocations() == before);
[[nodiscard]] std::uint64_t allocations() noexcept;

/// False under a sanitizer, which brings its own operator new: allocations() stays 0 there.
[[nodiscard]] bool counts_allocations() noexcept;

}  // namespace recollect::testing
