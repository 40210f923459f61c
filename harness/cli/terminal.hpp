#pragma once

#include <string_view>

#include "harness/live/frame.hpp"
#include "harness/live/live_lines.hpp"

namespace recollect::cli {

/// The terminal that stderr may be.
///
/// TERM=dumb, or no TERM, is a terminal on which nothing can be written over; NO_COLOR leaves out
/// colours; LC_ALL, LC_CTYPE or LANG, the first that is set, says whether letters are UTF-8.
class Terminal {
 public:
  Terminal();

  /// Lines can be written over there.
  [[nodiscard]] bool is_live() const noexcept { return live_; }
  [[nodiscard]] live::TerminalTraits traits() const noexcept { return traits_; }
  /// Its present size.
  [[nodiscard]] live::View view() const;
  /// A job that a shell has put into the background must not write over what others write.
  [[nodiscard]] static bool in_foreground();
  /// All at once.
  static void write(std::string_view bytes);

 private:
  bool live_;
  bool utf8_;
  live::TerminalTraits traits_;
};

}  // namespace recollect::cli
