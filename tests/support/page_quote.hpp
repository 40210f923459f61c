#pragma once

#include <sstream>
#include <string>

#include "base/file.hpp"
#include "tests/support/places.hpp"

namespace recollect {

/// A command that a page quotes as an indented block, with what it prints.
struct PageQuote {
  std::string arguments;  ///< what stands behind the command
  std::string text;
};

/// The first block of a page, named from the checkout, that begins with "$ `command` ...".
inline PageQuote page_quote(const std::string& page, const std::string& command) {
  const std::string prompt = "    $ " + command + " ";
  std::istringstream lines(read_file(source_folder() / page));
  PageQuote quote;
  for (std::string line; std::getline(lines, line);) {
    if (quote.arguments.empty()) {
      if (line.starts_with(prompt)) quote.arguments = line.substr(prompt.size());
      continue;
    }
    if (!line.empty() && !line.starts_with("    ")) break;
    quote.text += (line.empty() ? "" : line.substr(4)) + "\n";
  }
  while (quote.text.ends_with("\n\n")) quote.text.pop_back();
  return quote;
}

}  // namespace recollect
