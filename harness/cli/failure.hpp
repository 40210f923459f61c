#pragma once

#include <exception>
#include <string>

namespace recollect::cli {

/// What the program says of an exception that ended its work.
struct Failure {
  int status = 0;    ///< the program's exit status
  std::string line;  ///< without an end of line
};
[[nodiscard]] Failure failure_of(const std::exception_ptr& exception);

}  // namespace recollect::cli
