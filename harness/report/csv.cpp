#include "harness/report/csv.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "core/error.hpp"

namespace recollect {
namespace {

void append_line(std::string& out, const std::vector<std::string>& cells) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += ',';
    const std::string& cell = cells[i];
    // A line that is empty altogether would read as no line at all.
    const bool quote =
        cell.find_first_of(",\"\r\n") != std::string::npos || (cell.empty() && cells.size() == 1);
    if (!quote) {
      out += cell;
      continue;
    }
    out += '"';
    for (const char c : cell) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }
  out += '\n';
}

template <class Number>
Number to_number(const std::string& text, const char* kind) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) {
    throw IoError(fmt::format("'{}' is not {}", text, kind));
  }
  return value;
}

}  // namespace

std::optional<std::size_t> CsvTable::find(std::string_view column) const noexcept {
  const auto found = std::find(header.begin(), header.end(), column);
  if (found == header.end()) return std::nullopt;
  return static_cast<std::size_t>(found - header.begin());
}

std::size_t CsvTable::index(std::string_view column) const {
  const std::optional<std::size_t> found = find(column);
  if (!found) throw std::logic_error(fmt::format("no column '{}'", column));
  return *found;
}

std::string to_csv(const CsvTable& table) {
  std::string out;
  append_line(out, table.header);
  for (const std::vector<std::string>& row : table.rows) {
    if (row.size() != table.header.size()) {
      throw std::logic_error(
          fmt::format("a row of {} cells under {} columns", row.size(), table.header.size()));
    }
    append_line(out, row);
  }
  return out;
}

CsvTable parse_csv(std::string_view text, const std::string& name) {
  std::vector<std::vector<std::string>> lines;
  std::vector<std::size_t> numbers;  // of the line on which each row starts
  std::size_t at = 0;
  std::size_t line = 1;
  const auto reject = [&](const std::string& what) {
    throw IoError(fmt::format("{}:{}: {}", name, line, what));
  };
  while (at < text.size()) {
    std::vector<std::string>& cells = lines.emplace_back();
    numbers.push_back(line);
    for (bool more = true; more;) {
      std::string& cell = cells.emplace_back();
      if (at < text.size() && text[at] == '"') {
        for (++at;; ++at) {
          if (at >= text.size()) reject("a quoted cell is not closed");
          if (text[at] == '\n') ++line;
          if (text[at] == '"') {
            if (at + 1 >= text.size() || text[at + 1] != '"') break;
            ++at;
          }
          cell += text[at];
        }
        ++at;
      } else {
        while (at < text.size() && text[at] != ',' && text[at] != '\n' && text[at] != '\r') {
          if (text[at] == '"') reject("a quote inside a cell that is not quoted");
          cell += text[at++];
        }
      }
      more = at < text.size() && text[at] == ',';
      if (more) ++at;
    }
    if (at < text.size() && text[at] == '\r') ++at;
    if (at < text.size() && text[at] != '\n') reject("text after the end of a cell");
    ++at;
    ++line;
  }
  if (lines.empty()) throw IoError(fmt::format("{}: the file is empty; a header is due", name));
  CsvTable table;
  table.header = std::move(lines.front());
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].size() != table.header.size()) {
      line = numbers[i];
      reject(fmt::format("{} cells, but the header has {}", lines[i].size(), table.header.size()));
    }
    table.rows.push_back(std::move(lines[i]));
  }
  return table;
}

void expect_header(const CsvTable& table, const std::vector<std::string>& header,
                   const std::string& name) {
  if (table.header != header) {
    throw IoError(fmt::format("{}: its columns are {}; expected are {}", name,
                              fmt::join(table.header, ","), fmt::join(header, ",")));
  }
}

double to_real(const std::string& text) { return to_number<double>(text, "a number"); }

std::int64_t to_integer(const std::string& text) {
  return to_number<std::int64_t>(text, "a whole number");
}

}  // namespace recollect
