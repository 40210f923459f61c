#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/live/line.hpp"

namespace recollect::live {

/// What a terminal does.
struct TerminalTraits {
  bool colour = true;
  /// It breaks lines anew that have become wider than its window, as most do.
  bool reflows = true;
};

/// The text of a line with its tones in colour.
[[nodiscard]] std::string coloured(const Line& line, bool colour);

/// The lines at the bottom of a terminal that are written over. They say nothing themselves: they
/// give the bytes that are to be written at once. Between two writes the cursor stands at the start
/// of the row below the lines and is as every program expects it, so that whatever ends the program
/// leaves a clean terminal.
///
/// A window that was made narrower has broken the lines that are wider than it now, so the rows to
/// go up are counted anew for its present width.
class Frame {
 public:
  explicit Frame(TerminalTraits traits) : traits_(traits) {}

  /// Bytes that put `above` in place of the lines, where it stays, and below it the new lines.
  /// @param lines  each narrower than `width`
  [[nodiscard]] std::string draw(const std::vector<Line>& above, const std::vector<Line>& lines,
                                 std::size_t width);
  /// True where draw() with nothing above would change nothing.
  [[nodiscard]] bool shows(const std::vector<Line>& lines, std::size_t width) const;
  /// Leaves the lines where they are; the next ones stand below. For when somebody else has
  /// written.
  void forget() { drawn_.clear(); }

 private:
  [[nodiscard]] std::size_t rows_up(std::size_t width) const;

  TerminalTraits traits_;
  std::vector<std::string> drawn_;
  std::size_t width_ = 0;  ///< at which they were drawn
};

}  // namespace recollect::live
