#pragma once

#include <string>
#include <string_view>

namespace recollect {

/// What programs that read tables take a word for in place of a text: "a missing value", "a truth
/// value", "a number", "a formula" or "a date"; "" where they keep it. In any case of letters. What
/// pandas.read_csv takes for missing by default, what R and YAML take for a truth value, and what
/// spreadsheets take for a formula or a date.
[[nodiscard]] std::string misread_as(std::string_view word);

}  // namespace recollect
