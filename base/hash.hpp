#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace recollect {

/// 64-bit XXH3 of bytes. Not for security: it names cells and pins data in tests.
[[nodiscard]] std::uint64_t hash_bytes(std::span<const std::byte> bytes) noexcept;
[[nodiscard]] std::uint64_t hash_text(std::string_view text) noexcept;

/// 128-bit XXH3 of bytes: two different inputs among 2^40 share one with odds of 1 to 10^14.
struct Digest {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend auto operator<=>(const Digest&, const Digest&) = default;  // NOLINT(modernize-use-nullptr)
};
[[nodiscard]] Digest digest_bytes(std::span<const std::byte> bytes) noexcept;
/// That of the parts joined, without joining them.
[[nodiscard]] Digest digest_bytes(std::initializer_list<std::span<const std::byte>> parts);

/// Sixteen lower-case hexadecimal digits.
[[nodiscard]] std::string hex(std::uint64_t value);
/// Thirty-two of them, in the order in which xxHash writes them: the high half first.
[[nodiscard]] std::string hex(const Digest& digest);

}  // namespace recollect
