#pragma once

#include "base/failure.hpp"

namespace recollect::cli {

/// What the program says of an exception that ended its work, its own name first.
[[nodiscard]] Failure failure_of(const std::exception_ptr& exception);

}  // namespace recollect::cli
