#include "harness/cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <string>

namespace recollect::cli {
namespace {

/// The value of a variable; "" where it is not set.
std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool letters_are_utf8() {
  for (const char* const name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string value = environment(name);
    if (value.empty()) continue;
    std::transform(value.begin(), value.end(), value.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return value.find("utf-8") != value.npos || value.find("utf8") != value.npos;
  }
  return false;
}

/// xterm, the Linux console and GNU screen cut lines that no longer fit; others break them.
bool breaks_lines_anew(const std::string& term) {
  return environment("XTERM_VERSION").empty() && environment("STY").empty() && term != "linux";
}

}  // namespace

Terminal::Terminal() : utf8_(letters_are_utf8()) {
  const std::string term = environment("TERM");
  live_ = ::isatty(STDERR_FILENO) == 1 && !term.empty() && term != "dumb";
  traits_ = {.colour = environment("NO_COLOR").empty(), .reflows = breaks_lines_anew(term)};
}

live::View Terminal::view() const {
  live::View view;
  view.utf8 = utf8_;
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    view.width = size.ws_col;
    view.rows = size.ws_row;
  }
  return view;
}

bool Terminal::in_foreground() {
  const pid_t group = ::tcgetpgrp(STDERR_FILENO);
  return group < 0 || group == ::getpgrp();
}

void Terminal::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, bytes.data(), bytes.size());
    if (written > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      return;  // a terminal that has gone away: the work goes on
    }
  }
}

}  // namespace recollect::cli
