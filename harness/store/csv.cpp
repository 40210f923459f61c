#include "harness/store/csv.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "base/error.hpp"
#include "base/text.hpp"

namespace recollect {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // spreadsheets write it before a table

void append_line(std::string& out, const std::vector<std::string>& cells) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += ',';
    const std::string& cell = cells[i];
    // A line that is empty altogether would read as no line at all, a mark at the head of the table
    // as the file's own.
    const bool quote = cell.find_first_of(",\"\r\n") != std::string::npos ||
                       (cell.empty() && cells.size() == 1) || cell.starts_with(kByteOrderMark);
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

// Of a table that is read: a file of commas or empty lines would take a hundred times its size.
constexpr std::size_t kMaxCells = std::size_t{1} << 23;

std::string shown_names(const std::vector<std::string>& names) {
  return printable(fmt::format("{}", fmt::join(names, ",")), 500);
}

template <class Number>
Number to_number(const std::string& text, const char* kind) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) {
    throw IoError(fmt::format("'{}' is not {}", printable(text), kind));
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
  return parse_csv(text, name, kMaxCells);
}

CsvTable parse_csv(std::string_view text, const std::string& name, std::size_t most_cells) {
  CsvTable table;
  std::size_t at = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  std::size_t line = 1;
  std::size_t count = 0;  // of cells
  const auto reject = [&](const std::string& what) {
    throw IoError(fmt::format("{}:{}: {}", name, line, what));
  };
  for (bool is_header = true; at < text.size(); is_header = false) {
    std::vector<std::string>& cells = is_header ? table.header : table.rows.emplace_back();
    const std::size_t first_line = line;
    for (bool more = true; more;) {
      if (++count > most_cells) reject(fmt::format("more than {} cells", most_cells));
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
    if (cells.size() != table.header.size()) {
      line = first_line;
      reject(fmt::format("{} cells, but the header has {}", cells.size(), table.header.size()));
    }
    ++at;
    ++line;
  }
  if (table.header.empty()) {
    throw IoError(fmt::format("{}: the file is empty; a header is due", name));
  }
  return table;
}

void expect_columns(const CsvTable& table, const std::vector<std::string_view>& columns,
                    const std::string& name) {
  for (const std::string_view column : columns) {
    if (!table.find(column)) throw IoError(fmt::format("{}: column '{}' is missing", name, column));
  }
}

void expect_header(const CsvTable& table, const std::vector<std::string>& header,
                   const std::string& name) {
  if (table.header != header) {
    throw IoError(fmt::format("{}: its columns are {}; expected are {}", name,
                              shown_names(table.header), shown_names(header)));
  }
}

CsvTable with_all_columns(CsvTable table, const TableShape& shape, const std::string& name) {
  if (table.header == shape.names) return table;
  std::vector<std::string> always;
  for (std::size_t i = 0; i < shape.names.size(); ++i) {
    if (!shape.optional[i]) always.push_back(shape.names[i]);
  }
  std::size_t at = 0;  // the next column of the table
  std::vector<bool> added;
  for (std::size_t i = 0; i < shape.names.size(); ++i) {
    const bool found = at < table.header.size() && table.header[at] == shape.names[i];
    if (!found && !shape.optional[i]) expect_header(table, always, name);
    added.push_back(!found);
    at += found ? 1 : 0;
  }
  if (at != table.header.size()) expect_header(table, always, name);
  for (std::vector<std::string>& row : table.rows) {
    for (std::size_t i = 0; i < added.size(); ++i) {
      if (added[i]) row.emplace(row.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  table.header = shape.names;
  return table;
}

CsvTable without_empty_columns(CsvTable table, const TableShape& shape) {
  for (std::size_t i = shape.names.size(); i-- > 0;) {
    const auto place = static_cast<std::ptrdiff_t>(i);
    const bool used =
        !shape.optional[i] || std::any_of(table.rows.begin(), table.rows.end(),
                                          [&](const auto& row) { return !row[i].empty(); });
    if (used) continue;
    table.header.erase(table.header.begin() + place);
    for (std::vector<std::string>& row : table.rows) row.erase(row.begin() + place);
  }
  return table;
}

void throw_in_cell(const std::string& name, std::size_t row, const std::string& column,
                   const IoError& error) {
  throw IoError(fmt::format("{}: row {}, column '{}': {}", name, row, column, error.what()));
}

CsvTable to_table(const DataTable& data) {
  CsvTable table{data.header, {}};
  for (const std::vector<Value>& values : data.rows) {
    std::vector<std::string>& cells = table.rows.emplace_back();
    for (const Value& value : values) cells.push_back(csv_text(value));
  }
  return table;
}

double to_real(const std::string& text) { return to_number<double>(text, "a number"); }

std::int64_t to_integer(const std::string& text) {
  return to_number<std::int64_t>(text, "a whole number");
}

}  // namespace recollect
