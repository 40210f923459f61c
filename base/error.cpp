#include "base/error.hpp"

#include <algorithm>
#include <cstddef>
#include <new>

#include "base/text.hpp"

namespace recollect {

namespace {

// Levenshtein distance, one row at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

Error::Error(ExitStatus status, const std::string& message)
    : std::runtime_error(printable(message, kWhole)), status_(status) {}

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

bool is_out_of_memory(const std::exception& error) {
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
         dynamic_cast<const std::length_error*>(&error) != nullptr;
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  // Nobody mistypes a name this long, and the distance costs a product of lengths.
  if (name.size() > 100) return "";
  // At least one letter has to stay, or any two-letter word would match any other.
  std::size_t best = std::min(std::max<std::size_t>(2, name.size() / 3) + 1, name.size());
  std::string nearest;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace recollect
