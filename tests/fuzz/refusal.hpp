#pragma once

#include <fmt/format.h>

#include <string>

#include "base/error.hpp"
#include "base/text.hpp"
#include "tests/fuzz/properties.hpp"

namespace recollect {

/// Runs `read` and says whether it accepted. An Error is a refusal; its message must be one
/// printable line.
template <class Read>
[[nodiscard]] Outcome outcome_of(const Read& read) {
  try {
    read();
    return {true, ""};
  } catch (const Error& error) {
    const std::string what = error.what();
    if (!what.empty() && printable(what, kWhole) == what) return {false, ""};
    return {false, fmt::format("not one printable line: '{}'", printable(what, kWhole))};
  }
}

}  // namespace recollect
