#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "harness/results/group_result.hpp"

namespace recollect::plot {

/// Fewer seeds are shown one by one, without a median.
inline constexpr std::size_t kFewSeeds = 5;

/// The seeds that one median can stand for: all of them, or, where their accuracies fall apart, the
/// upper ones and then the lower ones, so that no median stands where no seed is. None where there
/// are few.
[[nodiscard]] std::vector<std::set<std::int64_t>> seed_parts(const GroupResult& trained);

/// "17 of 20 seeds solved"; of another program's model that it is one.
[[nodiscard]] std::string solved_in_words(const GroupResult& group);

/// By the number of a seed, whatever the order of a length's scores; NaN where it has none.
[[nodiscard]] double accuracy_of(const GroupResult& group, std::int64_t seed);

/// The accuracies of these seeds that are numbers, the lowest first.
[[nodiscard]] std::vector<double> accuracies_of(const GroupResult& group,
                                                const std::set<std::int64_t>& seeds);

}  // namespace recollect::plot
