#pragma once

#include <cstddef>
#include <set>
#include <string>

#include "harness/store/archive.hpp"

namespace recollect {

/// What the runs of an archive took, and on what.
struct Effort {
  std::size_t timed = 0;  ///< cells that know
  double core_hours = 0.0;
  std::set<std::string> processors, builds, versions;
};
[[nodiscard]] Effort effort_of(const Archive& archive);

/// "12.3 core hours", "not known".
[[nodiscard]] std::string hours_text(const Effort& effort);

}  // namespace recollect
