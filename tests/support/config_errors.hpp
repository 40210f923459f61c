#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/error.hpp"
#include "harness/config/load.hpp"

namespace recollect {

/// The message that a configuration fails with; "" where it loads. Each is one line of status 3.
inline std::string error_of(const std::string& text,
                            const std::vector<std::string>& overrides = {}) {
  try {
    (void)parse_experiment(text, "x.yaml", overrides);
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK(error.status() == ExitStatus::kConfiguration);
    CHECK(message.find('\n') == std::string::npos);
    return message;
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace recollect
