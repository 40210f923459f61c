#include "harness/compare/reflow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <vector>

#include "base/text.hpp"

namespace recollect {
namespace {

using Words = std::vector<std::string>;

/// A unit stays with its number: "44.7 %" and "51.0 \u00b1 39.2" are one word each.
Words kept_together(const Words& words) {
  Words together;
  bool joins = false;
  for (const std::string& word : words) {
    const bool is_unit = word.starts_with('%') || word == "\u00b1";
    if (!together.empty() && (is_unit || joins)) {
      together.back() += fmt::format(" {}", word);
    } else {
      together.push_back(word);
    }
    joins = word == "\u00b1" || word == "=";
  }
  return together;
}

}  // namespace

std::string reflowed(std::string_view text) {
  constexpr std::size_t kWidth = 118;
  std::string out;
  std::string block;
  const auto flush = [&] {
    if (block.empty()) return;
    const std::string indent = block.starts_with("- ") ? "  " : "";
    std::string line;
    for (const std::string& word : kept_together(words(block))) {
      if (!line.empty() && line.size() + 1 + word.size() > kWidth) {
        out += line + '\n';
        line = indent + word;
      } else {
        line += line.empty() || line == indent ? word : fmt::format(" {}", word);
      }
    }
    out += line + '\n';
    block.clear();
  };
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
    const bool stays =
        line.empty() || line[begin] == '|' || line[begin] == '#' || line.substr(begin, 3) == "`./";
    if (line.starts_with("- ") || stays) flush();
    if (stays) {
      out += line + '\n';
    } else {
      block += fmt::format("{}{}", block.empty() ? "" : " ", line.substr(begin));
    }
  }
  flush();
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

}  // namespace recollect
