#pragma once

#include <cstdint>

#include "tasks/example_arrays.hpp"

namespace recollect {

// The largest values of options that stand in more than one place; kMostExamples is another.

inline constexpr std::int64_t kMostSteps = 1'000'000'000;

}  // namespace recollect
