#pragma once

#include <string_view>

namespace recollect::cli {

/// Results go to stdout, everything else to stderr, each as whole lines.
void print(std::string_view text);
void report(std::string_view line);

/// Makes sure that what was printed has arrived. @throws IoError, e.g. where the disk is full
void flush_output();

}  // namespace recollect::cli
