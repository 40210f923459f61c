#include "harness/cli/failure.hpp"

#include <fmt/format.h>

#include "harness/cli/commands.hpp"

namespace recollect::cli {

Failure failure_of(const std::exception_ptr& exception) {
  Failure failure = recollect::failure_of(exception);
  failure.line = fmt::format("recollect: {}", failure.line);
  try {
    std::rethrow_exception(exception);
  } catch (const UsageError&) {
    failure.line +=
        failure.line.ends_with('?') ? " See recollect --help" : "; see recollect --help";
  } catch (...) {
  }
  return failure;
}

}  // namespace recollect::cli
