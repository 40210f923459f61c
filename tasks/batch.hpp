#pragma once

#include <cstdint>
#include <vector>

namespace recollect {

/// What is known of one scored position beyond its label; slices of the accuracy are taken by it.
struct Tag {
  std::int32_t pair =
      0;  ///< index of the pair (MQAR) or of the token to copy, in order of appearance
  std::int32_t lag = 0;    ///< scored position minus the position of the answer's token
  std::int32_t level = 0;  ///< Fenwick level at which the scored position sees that token
  friend bool operator==(const Tag&, const Tag&) = default;
};

/// One example: T tokens, and R positions at which the model's output must be the label.
///   ids        k1 v1 k2 v2  .  .  k2  .  k1  .
///   positions                     6      8         the answer is due AT the query, not one later
///   labels                        v2     v1
/// Positions ascend. Vectors keep their capacity, so refilling an example does not allocate.
struct Example {
  std::vector<std::int32_t> ids;        ///< (T) in 0..V-1
  std::vector<std::int32_t> positions;  ///< (R) ascending, in 0..T-1
  std::vector<std::int32_t> labels;     ///< (R) in 0..V-1
  std::vector<Tag> tags;                ///< (R)
  friend bool operator==(const Example&, const Example&) = default;
};

}  // namespace recollect
