#include "harness/live/line.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/text.hpp"

namespace recollect::live {
namespace {

struct Range {
  std::uint32_t first, last;
};

// Marks that stand on the letter before them.
constexpr std::array<Range, 6> kNone{{{0x300, 0x36F},
                                      {0x200B, 0x200F},
                                      {0x20D0, 0x20F0},
                                      {0xFE00, 0xFE0F},
                                      {0xFE20, 0xFE2F},
                                      {0x1AB0, 0x1AFF}}};
// East Asian letters and emoji.
constexpr std::array<Range, 9> kTwo{{{0x1100, 0x115F},
                                     {0x2E80, 0x303E},
                                     {0x3041, 0xA4CF},
                                     {0xAC00, 0xD7A3},
                                     {0xF900, 0xFAFF},
                                     {0xFE30, 0xFE6F},
                                     {0xFF00, 0xFF60},
                                     {0x1F300, 0x1FAFF},
                                     {0x20000, 0x3FFFD}}};

template <std::size_t N>
bool among(const std::array<Range, N>& ranges, std::uint32_t letter) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) {
    return letter >= range.first && letter <= range.last;
  });
}

/// The bytes of the letter at the head of a text that is not empty.
std::size_t bytes_of_letter(std::string_view text) {
  return std::max<std::size_t>(1, utf8_length(text));
}

std::size_t columns_of_letter(std::string_view letter) {
  constexpr std::array<unsigned, 5> kHead{0, 0x7F, 0x1F, 0x0F, 0x07};
  std::uint32_t code = static_cast<unsigned char>(letter[0]) & kHead.at(letter.size());
  for (const char byte : letter.substr(1)) {
    code = (code << 6) | (static_cast<unsigned char>(byte) & 0x3FU);
  }
  return among(kNone, code) ? 0 : among(kTwo, code) ? 2 : 1;
}

/// As many bytes of the text as fit into `width` columns.
std::size_t bytes_within(std::string_view text, std::size_t width) {
  std::size_t bytes = 0;
  for (std::size_t used = 0; bytes < text.size();) {
    const std::size_t length = bytes_of_letter(text.substr(bytes));
    used += columns_of_letter(text.substr(bytes, length));
    if (used > width) break;
    bytes += length;
  }
  return bytes;
}

}  // namespace

std::size_t columns(std::string_view text) {
  std::size_t sum = 0;
  while (!text.empty()) {
    const std::size_t length = bytes_of_letter(text);
    sum += columns_of_letter(text.substr(0, length));
    text.remove_prefix(length);
  }
  return sum;
}

std::size_t columns(const Line& line) {
  std::size_t sum = 0;
  for (const Span& span : line) sum += columns(span.text);
  return sum;
}

std::string shortened(std::string_view text, std::size_t width, std::string_view ellipsis) {
  if (columns(text) <= width) return std::string(text);
  const std::size_t dots = columns(ellipsis);
  if (dots > width) return std::string(text.substr(0, bytes_within(text, width)));
  std::string result(text.substr(0, bytes_within(text, width - dots)));
  result += ellipsis;
  return result;
}

std::string fitted(std::string_view text, std::size_t width, std::string_view ellipsis) {
  std::string result = shortened(text, width, ellipsis);
  result.append(width - std::min(width, columns(result)), ' ');
  return result;
}

Line cut(const Line& line, std::size_t width) {
  Line result;
  for (const Span& span : line) {
    const std::size_t wide = columns(span.text);
    if (wide > width) {
      result.push_back({span.text.substr(0, bytes_within(span.text, width)), span.tone});
      break;
    }
    result.push_back(span);
    width -= wide;
  }
  return result;
}

std::string text_of(const Line& line) {
  std::string text;
  for (const Span& span : line) text += span.text;
  return text;
}

std::string shown(std::string_view text, bool utf8) {
  std::string result = printable(text, kWhole);
  if (utf8) return result;
  std::string plain;
  for (std::string_view rest = result; !rest.empty();) {
    const std::size_t length = bytes_of_letter(rest);
    plain += length == 1 && static_cast<unsigned char>(rest[0]) < 0x80 ? rest[0] : '?';
    rest.remove_prefix(length);
  }
  return plain;
}

}  // namespace recollect::live
