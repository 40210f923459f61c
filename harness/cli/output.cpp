#include "harness/cli/output.hpp"

#include <cstdio>
#include <string>

#include "base/error.hpp"

namespace recollect::cli {

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void report(std::string_view line) {
  std::string text(line);
  text += '\n';
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw IoError("cannot write to the standard output");
  }
}

}  // namespace recollect::cli
