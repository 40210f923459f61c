#pragma once

#include <string>

#include "base/error.hpp"

namespace recollect::python {

/// An argument that is wrong, as a command line may be.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(ExitStatus::kUsage, message) {}
};

}  // namespace recollect::python
