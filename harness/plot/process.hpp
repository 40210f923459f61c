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

/// Runs a program of PATH without a shell, with `input` as its standard input and LC_ALL=C, so that
/// no locale changes its numbers. @throws IoError where the system refuses
[[nodiscard]] ProcessResult run_process(const std::vector<std::string>& command,
                                        const std::string& input);

}  // namespace recollect::plot
