#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace recollect {

/// One example: T tokens, and R positions at which the model's output must be the label.
///   ids        k1 v1 k2 v2  .  .  k2  .  k1  .
///   positions                     6      8         the answer is due AT the query, not one later
///   labels                        v2     v1
///   tags                          2  4 1  7 4 0    a row for each: here its lag, level and pair
/// Positions ascend; there is one at least. Vectors keep their capacity, so refilling an example
/// does not allocate.
struct Example {
  std::vector<std::int32_t> ids;        ///< (T) in 0..V-1
  std::vector<std::int32_t> positions;  ///< (R) ascending, in 0..T-1
  std::vector<std::int32_t> labels;     ///< (R) in 0..V-1
  std::vector<std::int32_t> tags;       ///< (R, tags) a value for each name of TaskSettings::tags()

  /// Empties everything but the ids.
  void clear_scored() {
    positions.clear();
    labels.clear();
    tags.clear();
  }

  /// The tags of scored position r.
  [[nodiscard]] std::span<const std::int32_t> tags_of(std::size_t r) const {
    const std::size_t each = tags.size() / positions.size();
    return std::span(tags).subspan(r * each, each);
  }

  friend bool operator==(const Example&, const Example&) = default;
};

}  // namespace recollect
