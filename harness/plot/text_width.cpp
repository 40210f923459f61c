#include "harness/plot/text_width.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/text.hpp"

namespace recollect::plot {
namespace {

// In thousandths of the size, from ' ' to '~'.
constexpr std::array<std::int16_t, 95> kAdvance = {
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333,  278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,  611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278,  556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500,  500, 334, 260, 334, 584};
constexpr double kBoldWider = 1.08;
constexpr double kBeyondAscii = 0.6;
constexpr double kIdeograph = 1.0;  // and whatever else takes three bytes or more

/// Bytes of the letter at the head; 1 where it is no UTF-8.
std::size_t letter_length(std::string_view text) {
  const std::size_t length = utf8_length(text);
  return length == 0 ? 1 : length;
}

double letter_width(std::string_view letter) {
  const auto first = static_cast<unsigned char>(letter.front());
  if (first >= ' ' && first <= '~') return kAdvance[first - ' '] / 1000.0;
  return letter.size() > 2 && first != 0xE2 ? kIdeograph : kBeyondAscii;
}

/// The longest head of `text` that is no wider than `width`, at least one letter.
std::string_view head_that_fits(std::string_view text, double width, double size, bool bold) {
  std::size_t end = 0;
  while (end < text.size()) {
    const std::size_t next = end + letter_length(text.substr(end));
    if (end > 0 && text_width(text.substr(0, next), size, bold) > width) break;
    end = next;
  }
  return text.substr(0, end);
}

}  // namespace

double text_width(std::string_view text, double size, bool bold) {
  double width = 0.0;
  while (!text.empty()) {
    const std::size_t length = letter_length(text);
    width += letter_width(text.substr(0, length));
    text.remove_prefix(length);
  }
  return width * size * (bold ? kBoldWider : 1.0);
}

std::vector<std::string> wrapped_lines(std::string_view text, double width, double size) {
  std::vector<std::string> lines;
  for (const std::string& word : words(text)) {
    const std::string longer = lines.empty() ? word : lines.back() + " " + word;
    if (!lines.empty() && text_width(longer, size) <= width) {
      lines.back() = longer;
      continue;
    }
    std::string_view rest = word;
    while (!rest.empty()) {
      const std::string_view head = head_that_fits(rest, width, size, false);
      lines.emplace_back(head);
      rest.remove_prefix(head.size());
    }
  }
  return lines;
}

std::string shortened(std::string_view text, double width, double size, bool bold) {
  if (text_width(text, size, bold) <= width) return std::string(text);
  constexpr std::string_view kEllipsis = "…";
  const double left = width - text_width(kEllipsis, size, bold);
  return std::string(head_that_fits(text, left, size, bold)) + std::string(kEllipsis);
}

std::string xml_text(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const char first = text.front();
    const auto byte = static_cast<unsigned char>(first);
    if (length == 0 || byte < ' ' || byte == 0x7F) {
      safe += first == '\n' || first == '\t' ? " " : "\xEF\xBF\xBD";
    } else if (first == '&') {
      safe += "&amp;";
    } else if (first == '<') {
      safe += "&lt;";
    } else if (first == '>') {
      safe += "&gt;";
    } else if (first == '"') {
      safe += "&quot;";
    } else if (text.starts_with("\xEF\xBF\xBE") || text.starts_with("\xEF\xBF\xBF")) {
      safe += "\xEF\xBF\xBD";  // U+FFFE and U+FFFF are no characters of XML
    } else {
      safe += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return safe;
}

}  // namespace recollect::plot
