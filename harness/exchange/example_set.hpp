#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/interrupt.hpp"
#include "harness/config/settings.hpp"
#include "harness/exchange/example_choice.hpp"
#include "tasks/example_arrays.hpp"

namespace recollect {

/// Examples that training or scoring sees, number for number, and what they are.
struct ExampleSet : ExampleArrays {  // tags: none where training learns the next token
  std::int64_t vocab = 0;            ///< V
  /// (N) the training step that each example is of; empty unless steps were asked for. Batches may
  /// mix lengths then, and ids are padded too.
  std::vector<std::int32_t> steps;
  std::string digest;  ///< digest_of() them
  /// The resolved cell as YAML, itself a configuration, below comments that say which examples
  /// these are and their digest.
  std::string settings;
};

/// Writes them with their settings, digest and "step" (write_arrays()). @throws IoError
void write_examples(const std::filesystem::path& path, const ExampleSet& set);

/// The examples that `cell` trains on, validates with or is scored by. The arrays do not depend on
/// `threads`.
/// @param experiment  name that the settings are written under
/// @throws Error of status 64 where the request is not clear (requested_part()), IoError where the
/// memory does not suffice; Interrupted
[[nodiscard]] ExampleSet make_examples(const Cell& cell, const std::string& experiment,
                                       const ExampleRequest& request, int threads,
                                       const StopRequest& stop = StopRequest::never());

}  // namespace recollect
