#pragma once

#include <cstdint>
#include <string_view>

namespace recollect {

/// What every result row records about the program that made it. All three are fixed when the
/// program is built, hold no quote and no line break, and stay valid for ever.

/// The commit that was built, as `git describe --always --dirty` names it: a tag or an abbreviated
/// hash, with "-dirty" behind it when tracked files had been changed. "unknown" outside a checkout.
[[nodiscard]] std::string_view code_version() noexcept;

/// Name and version of the compiler: "GNU 12.2.0".
[[nodiscard]] std::string_view compiler() noexcept;

/// Everything else that may change the last bits of a number: build type, processor family, the
/// vector instructions that the compiler was allowed to use, and its options (warnings left out):
/// "Release x86_64+avx2+fma -O3 -DNDEBUG -ffp-contract=off -march=native". Two programs with equal
/// compiler() and build() compute alike.
[[nodiscard]] std::string_view build() noexcept;

/// One bit for each instruction set that the compiler was allowed to use, at its place in the table
/// of base/processor.cpp. A constant: it can be read before any code of this program has run.
extern const std::uint32_t kInstructionSets;

}  // namespace recollect
