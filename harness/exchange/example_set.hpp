#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/interrupt.hpp"
#include "harness/config/settings.hpp"
#include "harness/exchange/example_choice.hpp"

namespace recollect {

/// What stands where an example has fewer tokens or scored positions than others.
inline constexpr std::int32_t kPadding = -1;

/// A tag of each scored position, e.g. its lag.
struct TagArray {
  std::string name;                  ///< of TaskSettings::tags()
  std::vector<std::int32_t> values;  ///< (N, R)
};

/// Examples as arrays, row-major: what training or scoring sees, number for number. T and R are the
/// most that any example can have; elsewhere stands kPadding.
struct ExampleSet {
  std::int64_t examples = 0;            ///< N
  std::int64_t length = 0;              ///< T
  std::int64_t scored = 0;              ///< R
  std::int64_t vocab = 0;               ///< V
  std::vector<std::int32_t> ids;        ///< (N, T) in 0..V-1; padded where batches mix lengths
  std::vector<std::int32_t> positions;  ///< (N, R) in 0..T-1, ascending
  std::vector<std::int32_t> labels;     ///< (N, R) in 0..V-1
  std::vector<TagArray> tags;           ///< none where training learns the next token
  /// (N) the training step that each example is of; empty unless steps were asked for.
  std::vector<std::int32_t> steps;
  std::string digest;  ///< digest_of() it
  /// The resolved cell as YAML, itself a configuration, below comments that say which examples
  /// these are and their digest.
  std::string settings;
};

/// 128-bit XXH3 over ids, positions and labels as little-endian int32, in that order: 32
/// hexadecimal digits.
[[nodiscard]] std::string digest_of(const ExampleSet& set);

/// The examples that `cell` trains on, validates with or is scored by. The arrays do not depend on
/// `threads`.
/// @param experiment  name that the settings are written under
/// @throws Error of status 64 where the request is not clear (requested_part()), IoError where the
/// memory does not suffice; Interrupted
[[nodiscard]] ExampleSet make_examples(const Cell& cell, const std::string& experiment,
                                       const ExampleRequest& request, int threads,
                                       const StopRequest& stop = StopRequest::never());

}  // namespace recollect
