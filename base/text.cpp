#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace recollect {

namespace {

/// Where the lines that follow a broken one begin.
std::size_t hanging_indent(std::string_view line, std::size_t width) {
  constexpr std::size_t kInColumn = 8;  // a line that goes on in the second column
  const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
  if (begin == 0) return 0;
  const std::size_t gap = line.find("  ", begin);
  if (gap == std::string_view::npos) return begin > kInColumn ? begin : begin + 4;
  const std::size_t column = line.find_first_not_of(' ', gap);
  return column == std::string_view::npos || column > width / 2 ? begin + 4 : column;
}

void append_wrapped(std::string& out, std::string_view line, std::size_t width) {
  const std::size_t indent = hanging_indent(line, width);
  std::size_t used = 0;  // columns of the line that is being written
  while (used + line.size() > width) {
    // The last blank that fits, but none of those in front of the first word or of the column.
    const std::size_t least = used > 0 ? 0 : std::max(line.find_first_not_of(' '), indent);
    std::size_t cut = line.rfind(' ', width - used);
    if (cut == std::string_view::npos || cut <= least) cut = line.find(' ', least);
    if (cut == std::string_view::npos) break;  // a word that is too long stays whole
    std::string_view head = line.substr(0, cut);
    while (head.ends_with(' ')) head.remove_suffix(1);
    out += head;
    line.remove_prefix(std::min(line.find_first_not_of(' ', cut), line.size()));
    if (line.empty()) return;
    out += '\n';
    out.append(indent, ' ');
    used = indent;
  }
  out += line;
}

}  // namespace

std::size_t utf8_length(std::string_view bytes) {
  const auto at = [&](std::size_t i) {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const unsigned lead = at(0);
  if (lead < 0x80U) return 1;
  if (lead >= 0xC2U && lead <= 0xDFU) return follows(1) ? 2 : 0;
  if (lead >= 0xE0U && lead <= 0xEFU) {
    const bool overlong = lead == 0xE0U && at(1) < 0xA0U;
    const bool surrogate = lead == 0xEDU && at(1) > 0x9FU;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0U && lead <= 0xF4U) {
    const bool overlong = lead == 0xF0U && at(1) < 0x90U;
    const bool beyond = lead == 0xF4U && at(1) > 0x8FU;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (out.size() >= limit) {
      out += "...";
      break;
    }
    const std::size_t length = utf8_length(text.substr(i));
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080..U+009F are control characters too.
    const bool control =
        byte < 0x20 || byte == 0x7F ||
        (byte == 0xC2 && length == 2 && static_cast<unsigned char>(text[i + 1]) < 0xA0);
    if (length == 0 || control) {
      out += fmt::format("\\x{:02X}", byte);
      i += 1;
    } else {
      out += text.substr(i, length);
      i += length;
    }
  }
  return out;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> found;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    if (end > begin) found.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return found;
}

std::string plural(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string with_commas(std::int64_t value) {
  std::string digits = std::to_string(value);
  const std::size_t first = value < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string wrapped(std::string_view text, std::size_t width) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    append_wrapped(out, text.substr(0, end), width);
    if (end == std::string_view::npos) break;
    out += '\n';
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace recollect
