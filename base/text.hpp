#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace recollect {

/// Length of the UTF-8 sequence at the head of `bytes`; 0 where there is none.
[[nodiscard]] std::size_t utf8_length(std::string_view bytes);

/// Cuts to about `limit` bytes and escapes what is not printable as \xNN, so that a hostile file
/// cannot drive the terminal or fill it.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 60);

/// The parts of a text between blanks.
[[nodiscard]] std::vector<std::string> words(std::string_view text);

/// "1 cell", "2 cells".
[[nodiscard]] std::string plural(std::size_t count, std::string_view noun);
template <std::signed_integral Count>
[[nodiscard]] std::string plural(Count count, std::string_view noun) {
  return plural(static_cast<std::size_t>(count), noun);
}

/// "1,234,567"
[[nodiscard]] std::string with_commas(std::int64_t value);

/// The limit that cuts nothing: names of files are shown whole.
inline constexpr std::size_t kWhole = static_cast<std::size_t>(-1);

/// Breaks lines that are longer than `width` between words. What follows stands where the line's
/// second column stands ("  --name     text"), or, where it has none, a little further right than
/// the line.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t width);

}  // namespace recollect
