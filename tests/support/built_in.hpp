#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "models/registry.hpp"

namespace recollect {

/// The variants that come with the program, in the order in which they are listed. What a test pins
/// of them is said of these by name; what holds for every variant is said in loops over the
/// registry, where a private one stands as well.
inline const std::vector<std::string> kBuiltIn = {"fixed-decay",    "linear-decay",
                                                  "adaptive-decay", "softmax-level",
                                                  "gated-linear",   "full-quadratic"};

[[nodiscard]] inline bool is_built_in(std::string_view variant) {
  return std::find(kBuiltIn.begin(), kBuiltIn.end(), variant) != kBuiltIn.end();
}

/// Their entries.
[[nodiscard]] inline std::vector<MixerEntry> built_in_mixers() {
  std::vector<MixerEntry> all;
  for (const std::string& name : kBuiltIn) {
    if (const MixerEntry* entry = mixers().find(name)) all.push_back(*entry);
  }
  return all;
}

}  // namespace recollect
