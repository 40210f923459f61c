#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tests/contracts/checks.hpp"

namespace recollect {

/// Something that holds for every variant, whatever it computes. `recollect_contracts` runs all of
/// them on one variant or on all, the tests call each for every variant.
struct Contract {
  std::string_view name;
  std::string_view sentence;
  void (*check)(Checks&);
  bool others_need_it = false;  ///< what fails after it says nothing
};

/// In the order in which they run: what makes others meaningless when it fails comes first.
[[nodiscard]] std::span<const Contract> contracts();

/// The first failure, as one or two lines; "" where the contract holds.
/// @param comparisons  grows by what was compared
[[nodiscard]] std::string failure_of(const Contract& contract, const MixerEntry& entry,
                                     std::int64_t& comparisons);

// registration.cpp
void check_registered(Checks& checks);
void check_tensors(Checks& checks);
// shapes.cpp
void check_shapes(Checks& checks);
// causality.cpp
void check_causal(Checks& checks);
void check_prefixes(Checks& checks);
// gradients.cpp
void check_gradients(Checks& checks);
void check_input_gradients(Checks& checks);
// forms.cpp
void check_forms(Checks& checks);
void check_few_queries(Checks& checks);
void check_strong_decay(Checks& checks);
void check_float(Checks& checks);
// segments.cpp
void check_segments(Checks& checks);
void check_model_segments(Checks& checks);
void check_stream(Checks& checks);
void check_stream_memory(Checks& checks);
// costs.cpp
void check_workspace(Checks& checks);
void check_state(Checks& checks);
void check_allocation(Checks& checks);
void check_threads(Checks& checks);

}  // namespace recollect
