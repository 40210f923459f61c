#pragma once

#include <exception>
#include <string>

namespace recollect {

/// What is said of an exception that ended some work.
struct Failure {
  int status = 0;    ///< an exit status: ExitStatus, or kInternalError
  std::string line;  ///< printable, without an end of line
};

/// As sysexits.h has it; never meant to be seen.
inline constexpr int kInternalError = 70;

/// Of errors of ours, of the system's, and of memory that could not be had; of any other, that it
/// is a bug.
[[nodiscard]] Failure failure_of(const std::exception_ptr& exception);

}  // namespace recollect
