#pragma once

#include <string>
#include <vector>

namespace recollect::plot {

/// What a program gave.
struct ProcessResult {
  bool found = true;  ///< false where PATH has no such program
  int status = 0;     ///< exit status; 128 + n where signal n ended it
  std::string output;
  std::string errors;
};

/// What a program finds in its environment.
enum class ProgramEnvironment {
  kSettled,  ///< LC_ALL=C, so that no locale changes its numbers, and where files are found
  kWhole,    ///< what this program has
};

/// Runs a program of PATH without a shell, with `input` as its standard input.
/// @throws IoError where the system refuses
[[nodiscard]] ProcessResult run_process(
    const std::vector<std::string>& command, const std::string& input,
    ProgramEnvironment environment = ProgramEnvironment::kSettled);

}  // namespace recollect::plot
