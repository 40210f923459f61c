#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/contracts/contracts.hpp"

namespace recollect {

/// One contract for every variant, as a test: one assertion each, whose message names the first
/// comparison that fails.
inline void expect_contract(std::string_view name) {
  bool found = false;
  for (const Contract& contract : contracts()) {
    if (contract.name != name) continue;
    found = true;
    for (const MixerEntry& entry : mixers()) {
      std::int64_t comparisons = 0;
      const std::string failure = failure_of(contract, entry, comparisons);
      CHECK_MESSAGE(failure.empty(), failure);
    }
  }
  REQUIRE(found);
}

}  // namespace recollect
