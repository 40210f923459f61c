#include "harness/cli/output.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
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

std::size_t output_width(std::size_t widest) {
  constexpr std::size_t kNarrowest = 40;
  std::size_t columns = 100;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    columns = size.ws_col;
  } else if (const char* const text = std::getenv("COLUMNS")) {
    const int given = std::atoi(text);
    if (given > 0) columns = static_cast<std::size_t>(given);
  }
  return std::clamp(columns, kNarrowest, widest);
}

std::string shell_word(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:,@%+";
  if (!word.empty() && word.find_first_not_of(kPlain) == word.npos) return std::string(word);
  std::string quoted = "'";
  for (const char letter : word) quoted += letter == '\'' ? "'\\''" : std::string(1, letter);
  return quoted + '\'';
}

}  // namespace recollect::cli
