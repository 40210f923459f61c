#include <doctest/doctest.h>

#include <string>

#include "base/text.hpp"

namespace recollect {

TEST_CASE("text: lines are broken between words, under the column in which they stand") {
  CHECK(wrapped("short\n", 40) == "short\n");
  CHECK(wrapped("  --jobs N     Cells at once; the cores are shared among them\n", 40) ==
        "  --jobs N     Cells at once; the cores\n"
        "               are shared among them\n");
  CHECK(wrapped("               goes on where the column is, and further\n", 40) ==
        "               goes on where the column\n"
        "               is, and further\n");
  CHECK(wrapped("  130 stopped by SIGINT; the same command goes on\n\nend", 40) ==
        "  130 stopped by SIGINT; the same\n"
        "      command goes on\n\nend");
  CHECK(wrapped("one two three four five six seven eight nine ten", 20) ==
        "one two three four\nfive six seven eight\nnine ten");
}

TEST_CASE("text: no line is longer than asked for, unless a word is, and no word is lost") {
  const std::string text =
      "Usage: recollect run [OPTIONS] CONFIG\n\nOptions:\n  -h,--help                   Print this "
      "help message and exit\n  --a-very-long-option-that-fills-its-column DIR\n"
      "                              what stands under it, in so many words that it goes on\n"
      "  x  averyveryveryveryveryveryveryveryverylongwordthatnothingbreaks and more\n";
  const auto words = [](const std::string& all) {
    std::string out;
    for (const char c : all) {
      if (c != ' ' && c != '\n') out += c;
    }
    return out;
  };
  for (std::size_t width = 40; width <= 100; ++width) {
    CAPTURE(width);
    const std::string shown = wrapped(text, width);
    CHECK(words(shown) == words(text));
    for (std::size_t begin = 0; begin < shown.size();) {
      const std::size_t end = shown.find('\n', begin);
      const std::string line = shown.substr(begin, end - begin);
      const bool long_word = line.find_last_of(' ') == std::string::npos ||
                             line.substr(line.find_last_of(' ') + 1).size() > 40;
      CHECK((line.size() <= width || long_word));
      begin = end + 1;
    }
  }
}

}  // namespace recollect
