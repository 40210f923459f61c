#include "harness/live/frame.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace recollect::live {
namespace {

constexpr const char* kToEndOfLine = "\x1b[K";
constexpr const char* kToEndOfScreen = "\x1b[J";
// A window that is made narrower between our look at its width and our writing breaks no line.
constexpr const char* kNoWrap = "\x1b[?7l";
constexpr const char* kWrap = "\x1b[?7h";

}  // namespace

std::string coloured(const Line& line, bool colour) {
  std::string text;
  for (const Span& span : line) {
    if (!colour || span.tone == Tone::kPlain) {
      text += span.text;
    } else {
      text += fmt::format("\x1b[{}m{}\x1b[0m", span.tone == Tone::kGood ? 32 : 31, span.text);
    }
  }
  return text;
}

std::size_t Frame::rows_up(std::size_t width) const {
  std::size_t rows = 0;
  for (const std::string& line : drawn_) {
    const std::size_t wide = columns(line);
    const bool broken = traits_.reflows && width > 0 && width < width_ && wide > width;
    rows += broken ? (wide + width - 1) / width : 1;
  }
  return rows;
}

bool Frame::shows(const std::vector<Line>& lines, std::size_t width) const {
  return width == width_ && std::equal(lines.begin(), lines.end(), drawn_.begin(), drawn_.end(),
                                       [](const Line& line, const std::string& drawn) {
                                         return text_of(line) == drawn;
                                       });
}

std::string Frame::draw(const std::vector<Line>& above, const std::vector<Line>& lines,
                        std::size_t width) {
  std::string bytes = "\r";
  if (const std::size_t rows = rows_up(width); rows > 0) bytes += fmt::format("\x1b[{}A", rows);
  for (const Line& line : above) bytes += coloured(line, traits_.colour) + kToEndOfLine + "\r\n";
  drawn_.clear();
  width_ = width;
  if (!lines.empty()) bytes += kNoWrap;
  for (const Line& line : lines) {
    bytes += coloured(line, traits_.colour) + kToEndOfLine + "\r\n";
    drawn_.push_back(text_of(line));
  }
  bytes += kToEndOfScreen;
  if (!lines.empty()) bytes += kWrap;
  return bytes;
}

}  // namespace recollect::live
