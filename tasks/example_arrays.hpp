#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace recollect {

/// What stands where an example has fewer tokens or scored positions than others.
inline constexpr std::int32_t kPadding = -1;

/// The most examples that a split has.
inline constexpr std::int64_t kMostExamples = std::int64_t{1} << 24;

/// A tag of each scored position, e.g. its lag.
struct TagArray {
  std::string name;                  ///< of TaskSettings::tags()
  std::vector<std::int32_t> values;  ///< (N, R)
};

/// Examples as arrays, row-major. T and R are the most that any of them has; elsewhere stands
/// kPadding.
struct ExampleArrays {
  std::int64_t examples = 0;            ///< N
  std::int64_t length = 0;              ///< T
  std::int64_t scored = 0;              ///< R
  std::vector<std::int32_t> ids;        ///< (N, T) in 0..V-1
  std::vector<std::int32_t> positions;  ///< (N, R) in 0..T-1, ascending
  std::vector<std::int32_t> labels;     ///< (N, R) in 0..V-1
  std::vector<TagArray> tags;
};

/// 128-bit XXH3 over ids, positions and labels as little-endian int32, in that order: 32
/// hexadecimal digits.
[[nodiscard]] std::string digest_of(const ExampleArrays& arrays);

}  // namespace recollect
