#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace recollect::live {

/// What a terminal may show in colour; the words say it as well.
enum class Tone { kPlain, kGood, kBad };

/// A piece of a line. Its text has no control characters.
struct Span {
  std::string text;
  Tone tone = Tone::kPlain;
};
using Line = std::vector<Span>;

/// Columns that a terminal gives the text: combining marks none, East Asian letters and emoji two.
/// A byte that is no UTF-8 counts one.
[[nodiscard]] std::size_t columns(std::string_view text);
[[nodiscard]] std::size_t columns(const Line& line);

/// The text in `width` columns: filled up with blanks, or cut and ended by `ellipsis`.
[[nodiscard]] std::string fitted(std::string_view text, std::size_t width,
                                 std::string_view ellipsis);
/// The same, but never filled up.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t width,
                                    std::string_view ellipsis);

/// No more than `width` columns of the line; between two letters, never within one.
[[nodiscard]] Line cut(const Line& line, std::size_t width);

/// The bare text.
[[nodiscard]] std::string text_of(const Line& line);

/// A text of a user, for one line of a terminal: control characters escaped, and for a terminal
/// without UTF-8 a question mark in place of every letter beyond ASCII.
[[nodiscard]] std::string shown(std::string_view text, bool utf8);

}  // namespace recollect::live
