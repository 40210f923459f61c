#pragma once

#include <doctest/doctest.h>

#include <string>

#include "base/error.hpp"
#include "tasks/selective_copying.hpp"
#include "tasks/task.hpp"

namespace recollect {

inline constexpr CopyingDialect kDialects[] = {CopyingDialect::kAdaptive, CopyingDialect::kMad,
                                               CopyingDialect::kMamba, CopyingDialect::kMadUniform};

/// What the settings of a task are refused with; "" where they are valid.
inline std::string message_of(const TaskSettings& settings) {
  try {
    settings.validate();
  } catch (const FieldError& error) {
    CHECK_THROWS_AS(static_cast<void>(settings.make()), FieldError);
    return error.what();
  }
  return "";
}

}  // namespace recollect
