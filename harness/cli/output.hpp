#pragma once

#include <cstddef>
#include <string_view>

namespace recollect::cli {

/// Results go to stdout, everything else to stderr, each as whole lines.
void print(std::string_view text);
void report(std::string_view line);

/// Makes sure that what was printed has arrived. @throws IoError, e.g. where the disk is full
void flush_output();

/// Columns of the terminal that standard output is, at least 40 and at most 100; of the
/// environment's COLUMNS, or 100, where it is none.
[[nodiscard]] std::size_t help_width();

}  // namespace recollect::cli
