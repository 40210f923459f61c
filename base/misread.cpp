#include "base/misread.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace recollect {
namespace {

using namespace std::string_view_literals;

// All in lower case.
constexpr std::array kMissing{"na"sv,      "n/a"sv,     "#n/a"sv,   "#na"sv,    "#n/a n/a"sv,
                              "<na>"sv,    "nan"sv,     "-nan"sv,   "null"sv,   "none"sv,
                              "nil"sv,     "nat"sv,     "#null!"sv, "1.#ind"sv, "1.#qnan"sv,
                              "-1.#ind"sv, "-1.#qnan"sv};
constexpr std::array kTruths{"true"sv, "false"sv, "yes"sv, "no"sv, "on"sv, "off"sv};
constexpr std::array kInfinities{"inf"sv, "infinity"sv};
constexpr std::array kMonths{"jan"sv,       "feb"sv,     "mar"sv,      "apr"sv,     "may"sv,
                             "jun"sv,       "jul"sv,     "aug"sv,      "sep"sv,     "sept"sv,
                             "oct"sv,       "nov"sv,     "dec"sv,      "january"sv, "february"sv,
                             "march"sv,     "april"sv,   "june"sv,     "july"sv,    "august"sv,
                             "september"sv, "october"sv, "november"sv, "december"sv};

template <class Words>
bool is_one_of(std::string_view word, const Words& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Anything but letters, those beyond ASCII among them.
bool has_letter(std::string_view word) {
  return std::any_of(word.begin(), word.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || std::isalpha(byte) != 0;
  });
}

bool is_number(std::string_view word) {
  if (word.starts_with('+') || word.starts_with('-')) word.remove_prefix(1);
  if (is_one_of(word, kInfinities)) return true;
  if (word.empty() || !(is_digit(word.front()) || word.front() == '.')) return false;
  if (word.ends_with('%')) word.remove_suffix(1);
  std::chars_format format = std::chars_format::general;
  if (word.starts_with("0x")) {
    word.remove_prefix(2);
    format = std::chars_format::hex;
  }
  double value = 0.0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, format);
  // Out of range is a number too.
  return error != std::errc::invalid_argument && end == word.data() + word.size();
}

/// "mar-1", "1 march", "sept2", "mar-2024".
bool is_date(std::string_view word) {
  std::string letters, digits;
  bool broken = false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    if (is_digit(c)) {
      digits += c;
    } else if (c >= 'a' && c <= 'z') {
      broken = broken || (!letters.empty() && !(word[i - 1] >= 'a' && word[i - 1] <= 'z'));
      letters += c;
    } else if (c != '-' && c != '/' && c != '.' && c != ' ') {
      return false;
    }
  }
  return !broken && !digits.empty() && is_one_of(std::string_view(letters), kMonths);
}

}  // namespace

std::string misread_as(std::string_view given) {
  while (given.starts_with(' ') || given.starts_with('\t')) given.remove_prefix(1);
  while (given.ends_with(' ') || given.ends_with('\t')) given.remove_suffix(1);
  std::string word(given);
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (word.empty() || is_one_of(std::string_view(word), kMissing)) return "a missing value";
  // Of the single letters R takes the large ones alone.
  if (is_one_of(std::string_view(word), kTruths) || given == "T" || given == "F") {
    return "a truth value";
  }
  if (is_number(word)) return "a number";
  if (std::string_view("=+-@").find(word.front()) != std::string_view::npos) return "a formula";
  if (is_date(word)) return "a date";
  if (!has_letter(word)) {
    const bool digits = std::any_of(word.begin(), word.end(), is_digit);
    return digits ? "a number or a date" : "a missing value";  // "1-2", "1,000"; "?", "."
  }
  return "";
}

}  // namespace recollect
