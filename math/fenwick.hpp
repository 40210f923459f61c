#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace recollect {

/// The level at which token t sees token s <= t in the Fenwick partition of the prefix (arXiv
/// 2506.04761, section 3): level 0 is the token itself, level l >= 1 a block of 2^(l-1) tokens.
///   t = 6 (110):  tokens 0 1 2 3 | 4 5 | 6
///   levels               3 3 3 3 | 2 2 | 0
[[nodiscard]] constexpr int level(std::int64_t t, std::int64_t s) noexcept {
  return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(t ^ s)));
}

/// Number of levels that a sequence of `length` >= 1 tokens uses: ceil(log2 length) + 1.
[[nodiscard]] constexpr int level_count(std::int64_t length) noexcept {
  return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(length - 1))) + 1;
}

/// Number of non-empty levels after `tokens` tokens: level 0 and one for each bit of tokens - 1.
/// This is the number of d x d states that the recurrent form holds.
[[nodiscard]] constexpr int occupied_levels(std::int64_t tokens) noexcept {
  return tokens <= 0 ? 0 : std::popcount(static_cast<std::uint64_t>(tokens - 1)) + 1;
}

/// Where the weight of a level stands among those of L levels: a level beyond the last one reads
/// the last.
[[nodiscard]] constexpr std::ptrdiff_t level_column(std::ptrdiff_t level,
                                                    std::ptrdiff_t levels) noexcept {
  return level < levels ? level : levels - 1;
}

/// Calls visit(level, first, count) for each non-empty level of token t, nearest block first: level
/// 0 is t itself, then one block for each set bit of t. Blocks cover 0..t without gaps.
template <class Visit>
constexpr void for_each_block(std::int64_t t, Visit&& visit) {
  visit(0, t, std::int64_t{1});
  for (std::uint64_t bits = static_cast<std::uint64_t>(t); bits != 0; bits &= bits - 1) {
    const int bit = std::countr_zero(bits);
    const auto end = static_cast<std::int64_t>(bits);  // bits below `bit` are already cleared
    const std::int64_t count = std::int64_t{1} << bit;
    visit(bit + 1, end - count, count);
  }
}

}  // namespace recollect
