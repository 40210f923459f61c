#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "harness/store/value.hpp"

namespace recollect {

/// A table of text, as CSV files hold it.
struct CsvTable {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  ///< each as long as the header

  /// @throws std::logic_error where no column has that name
  [[nodiscard]] std::size_t index(std::string_view column) const;
  [[nodiscard]] std::optional<std::size_t> find(std::string_view column) const noexcept;
};

/// RFC 4180 with \n at the end of lines: a cell with a comma, a quote or a line end is quoted, and
/// quotes inside are doubled. @throws std::logic_error where a row is not as long as the header
[[nodiscard]] std::string to_csv(const CsvTable& table);

/// Reads what to_csv() writes; also a byte order mark before it, and \r\n line ends. `name` stands
/// for the file in messages.
/// @throws IoError with file and line; also on more than 2^23 cells
[[nodiscard]] CsvTable parse_csv(std::string_view text, const std::string& name);
/// The same with another bound on the number of cells.
[[nodiscard]] CsvTable parse_csv(std::string_view text, const std::string& name,
                                 std::size_t most_cells);

/// One column of a table of `Row`s: its name, its value in a row, and how a row takes it from the
/// text of a file (empty for tables that are never read). Header, rows and reading all come from
/// the one list of these, so they cannot disagree.
template <class Row>
struct Column {
  std::string name;
  std::function<Value(const Row&)> value;
  std::function<void(Row&, const std::string&)> read = {};
  bool optional = false;  ///< left out of a table where no row has a value

  [[nodiscard]] std::string text(const Row& row) const { return csv_text(value(row)); }
};

/// The names of columns, and which of them a file may lack.
struct TableShape {
  std::vector<std::string> names;
  std::vector<bool> optional;
};

template <class Row>
[[nodiscard]] TableShape shape_of(const std::vector<Column<Row>>& columns) {
  TableShape shape;
  for (const Column<Row>& column : columns) {
    shape.names.push_back(column.name);
    shape.optional.push_back(column.optional);
  }
  return shape;
}

/// Adds the optional columns that a table lacks, empty.
/// @throws IoError where its columns are not those of the shape
[[nodiscard]] CsvTable with_all_columns(CsvTable table, const TableShape& shape,
                                        const std::string& name);

/// Takes the optional columns away in which no row has a value: what a file holds.
[[nodiscard]] CsvTable without_empty_columns(CsvTable table, const TableShape& shape);

template <class Row>
[[nodiscard]] DataTable to_data(const std::vector<Column<Row>>& columns,
                                const std::vector<Row>& rows) {
  std::vector<const Column<Row>*> used;
  for (const Column<Row>& column : columns) {
    const bool has_values =
        !column.optional ||
        std::any_of(rows.begin(), rows.end(), [&](auto& row) { return !column.text(row).empty(); });
    if (has_values) used.push_back(&column);
  }
  DataTable table;
  for (const Column<Row>* column : used) table.header.push_back(column->name);
  for (const Row& row : rows) {
    std::vector<Value>& cells = table.rows.emplace_back();
    for (const Column<Row>* column : used) cells.push_back(column->value(row));
  }
  return table;
}

/// The same as text.
[[nodiscard]] CsvTable to_table(const DataTable& data);

template <class Row>
[[nodiscard]] CsvTable to_table(const std::vector<Column<Row>>& columns,
                                const std::vector<Row>& rows) {
  return to_table(to_data(columns, rows));
}

/// Fails on a table that lacks one of these columns. @throws IoError
void expect_columns(const CsvTable& table, const std::vector<std::string_view>& columns,
                    const std::string& name);

/// Fails on a table whose columns are not exactly these. @throws IoError
void expect_header(const CsvTable& table, const std::vector<std::string>& header,
                   const std::string& name);

/// Says which file, row (from 1, below the header) and column `error` is about. @throws IoError
[[noreturn]] void throw_in_cell(const std::string& name, std::size_t row, const std::string& column,
                                const IoError& error);

/// @throws IoError naming file, row and column of a cell that does not hold what its column is for
template <class Row>
[[nodiscard]] std::vector<Row> from_table(const std::vector<Column<Row>>& columns,
                                          const CsvTable& table, const std::string& name) {
  const CsvTable all = with_all_columns(table, shape_of(columns), name);
  std::vector<Row> rows;
  for (const std::vector<std::string>& cells : all.rows) {
    Row& row = rows.emplace_back();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      try {
        columns[i].read(row, cells[i]);
      } catch (const IoError& error) {
        throw_in_cell(name, rows.size(), columns[i].name, error);
      }
    }
  }
  return rows;
}

/// Numbers of a cell. @throws IoError where the text is not one
[[nodiscard]] double to_real(const std::string& text);
[[nodiscard]] std::int64_t to_integer(const std::string& text);

}  // namespace recollect
