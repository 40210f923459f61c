#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace recollect::cli {

/// Results go to stdout, everything else to stderr, each as whole lines.
void print(std::string_view text);
void report(std::string_view line);

/// Makes sure that what was printed has arrived. @throws IoError, e.g. where the disk is full
void flush_output();

/// Columns that a text may take, 40..`widest`: those of the terminal, else the environment's
/// COLUMNS, else 100. Prose is hard to read beyond 100.
[[nodiscard]] std::size_t output_width(std::size_t widest = 100);

/// A word as a shell has to be given it, in quotes where it needs them.
[[nodiscard]] std::string shell_word(std::string_view word);

}  // namespace recollect::cli
