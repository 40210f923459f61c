#include "base/failure.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <new>
#include <system_error>

#include "base/error.hpp"
#include "base/text.hpp"

namespace recollect {

Failure failure_of(const std::exception_ptr& exception) {
  constexpr int kInputOutput = static_cast<int>(ExitStatus::kInputOutput);
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    return {static_cast<int>(error.status()), printable(error.what(), kWhole)};
  } catch (const std::bad_alloc&) {
    return {kInputOutput, "not enough memory; use fewer jobs, a smaller batch or a shorter length"};
  } catch (const std::filesystem::filesystem_error& error) {
    return {kInputOutput, fmt::format("{}: {}", printable(error.path1().string(), kWhole),
                                      error.code().message())};
  } catch (const std::system_error& error) {  // as a rule, that no thread can be started
    return {kInputOutput, fmt::format("the system refuses: {}", error.code().message())};
  } catch (const std::exception& error) {
    return {kInternalError, fmt::format("a bug in this program: {}", error.what())};
  }
}

}  // namespace recollect
