#include "harness/store/csv.hpp"

#include <string>
#include <vector>

#include "harness/results/published.hpp"
#include "harness/store/record.hpp"
#include "tests/fuzz/memory_file.hpp"
#include "tests/fuzz/properties.hpp"
#include "tests/fuzz/refusal.hpp"

namespace recollect {
namespace {

bool same(const CsvTable& a, const CsvTable& b) { return a.header == b.header && a.rows == b.rows; }

/// The rows as `columns` mean them, under the right header: no fuzzer guesses that.
template <class Row>
std::string failure_of_rows(const std::vector<Column<Row>>& columns, CsvTable table) {
  if (table.header.size() != columns.size()) return "";
  table.header = to_table(columns, std::vector<Row>{}).header;
  std::vector<Row> rows;
  const Outcome outcome = outcome_of([&] { rows = from_table(columns, table, "input.csv"); });
  if (!outcome.accepted) return outcome.failure;
  const std::string text = to_csv(to_table(columns, rows));
  const std::vector<Row> again = from_table(columns, parse_csv(text, "again.csv"), "again.csv");
  // As text, since not even a number that is none equals itself.
  return to_csv(to_table(columns, again)) == text ? "" : "the rows changed:\n" + text;
}

}  // namespace

Outcome check_table(std::string_view bytes) {
  CsvTable table;
  Outcome outcome = outcome_of([&] { table = parse_csv(bytes, "input.csv"); });
  if (!outcome.accepted) return outcome;
  const std::string text = to_csv(table);
  if (!same(parse_csv(text, "again.csv"), table)) {
    return {true, "the table changed:\n" + text};
  }
  for (const std::string& failure :
       {failure_of_rows(history_columns(), table), failure_of_rows(score_columns(), table),
        failure_of_rows(slice_columns(), table)}) {
    if (!failure.empty()) return {true, failure};
  }
  static const MemoryFile file;
  file.write(bytes);
  outcome.failure = outcome_of([&] { (void)read_published(file.path()); }).failure;
  return outcome;
}

}  // namespace recollect
