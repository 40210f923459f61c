#include "harness/cli/failure.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <new>
#include <system_error>

#include "base/text.hpp"
#include "harness/cli/commands.hpp"

namespace recollect::cli {
namespace {

constexpr int kInternalError = 70;  // as sysexits.h has it; never meant to be seen

}  // namespace

Failure failure_of(const std::exception_ptr& exception) {
  constexpr int kInputOutput = static_cast<int>(ExitStatus::kInputOutput);
  try {
    std::rethrow_exception(exception);
  } catch (const UsageError& error) {
    const std::string what = printable(error.what(), kWhole);
    return {static_cast<int>(error.status()),
            fmt::format("recollect: {}{}", what,
                        what.ends_with('?') ? " See recollect --help" : "; see recollect --help")};
  } catch (const Error& error) {
    return {static_cast<int>(error.status()),
            fmt::format("recollect: {}", printable(error.what(), kWhole))};
  } catch (const std::bad_alloc&) {
    return {kInputOutput,
            "recollect: not enough memory; use fewer jobs, a smaller batch or a shorter length"};
  } catch (const std::filesystem::filesystem_error& error) {
    return {kInputOutput,
            fmt::format("recollect: {}: {}", printable(error.path1().string(), kWhole),
                        error.code().message())};
  } catch (const std::system_error& error) {  // as a rule, that no thread can be started
    return {kInputOutput, fmt::format("recollect: the system refuses: {}", error.code().message())};
  } catch (const std::exception& error) {
    return {kInternalError, fmt::format("recollect: a bug in this program: {}", error.what())};
  }
}

}  // namespace recollect::cli
