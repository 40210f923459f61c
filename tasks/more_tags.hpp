#pragma once

#include <cstdint>

#include "math/fenwick.hpp"

namespace recollect {

// Values that tasks give their more_tags().

/// How many levels `level` lies beyond those that a sequence of `length` tokens uses; 0 for these.
[[nodiscard]] constexpr std::int32_t levels_beyond(std::int32_t level,
                                                   std::int64_t length) noexcept {
  const std::int32_t beyond = level - (level_count(length) - 1);
  return beyond > 0 ? beyond : 0;
}

/// Which sixteenth of a sequence of `length` tokens `position` stands in: 0..15. Where the length
/// is a power of two, sixteenths are blocks of the hierarchy.
[[nodiscard]] constexpr std::int32_t sixteenth_of(std::int64_t position,
                                                  std::int64_t length) noexcept {
  return static_cast<std::int32_t>(16 * position / length);
}

}  // namespace recollect
