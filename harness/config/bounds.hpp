#pragma once

#include <cstdint>

namespace recollect {

// The largest values of options that stand in more than one place.

inline constexpr std::int64_t kMostSteps = 1'000'000'000;
inline constexpr std::int64_t kMostExamples = std::int64_t{1} << 24;

}  // namespace recollect
