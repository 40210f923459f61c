#pragma once

#include <string>

#include "harness/show/shown_example.hpp"

namespace recollect {

/// An example as JSON, with all that its text says. Where a task does not tell the answers of its
/// rules, a scored position has no "rules"; what is absent (a rule without an answer, a tag that
/// says nothing) is null.
[[nodiscard]] std::string example_json(const ShownExample& shown);

}  // namespace recollect
