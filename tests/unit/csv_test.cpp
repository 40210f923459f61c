#include "harness/store/csv.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "base/error.hpp"
#include "base/fields.hpp"
#include "harness/store/record.hpp"
#include "math/rng.hpp"

namespace recollect {
namespace {

template <class Row>
std::string header_of(const std::vector<Column<Row>>& columns) {
  return to_csv(to_table(columns, std::vector<Row>{}));
}

TEST_CASE("csv: the columns of a cell's files are the documented ones") {
  CHECK(header_of(history_columns()) ==
        "step,loss,gradient_norm,learning_rate,validation_accuracy,validation_exact_match\n");
  CHECK(header_of(score_columns()) ==
        "weights,best_step,split,eval_length,accuracy,exact_match,loss,scored,chance,"
        "ceiling_first,ceiling_recent,unseen_level,examples,unseen_levels,foreign_selection\n");
  CHECK(header_of(slice_columns()) ==
        "weights,split,eval_length,slice,value,scored,accuracy,examples,unseen_levels\n");
}

TEST_CASE("csv: cells are quoted only where they must be") {
  const CsvTable table{{"a", "b,c"}, {{"plain text", "x"}, {"say \"hi\"", "two\nlines"}, {"", ""}}};
  CHECK(to_csv(table) == "a,\"b,c\"\nplain text,x\n\"say \"\"hi\"\"\",\"two\nlines\"\n,\n");
}

TEST_CASE("csv: a first cell that begins with a byte order mark keeps it") {
  const CsvTable table{{"\xEF\xBB\xBF"
                        "a",
                        "b"},
                       {{"\xEF\xBB\xBF", "x"}}};
  const CsvTable back = parse_csv(to_csv(table), "x.csv");
  CHECK(back.header == table.header);
  CHECK(back.rows == table.rows);
}

TEST_CASE("csv: any text comes back as it went out") {
  const std::string alphabet = "ab,\"\n\r ;'\t\xc3\xa9";
  for (std::uint64_t trial = 0; trial < 500; ++trial) {
    Rng rng(7, Stream::kTest, trial);
    const auto columns = static_cast<std::size_t>(rng.below(4)) + 1;
    const auto text = [&] {
      std::string cell;
      for (std::uint32_t left = rng.below(6); left > 0; --left) {
        cell += alphabet[rng.below(static_cast<std::uint32_t>(alphabet.size()))];
      }
      return cell;
    };
    CsvTable table;
    for (std::size_t i = 0; i < columns; ++i) table.header.push_back(text());
    for (std::uint32_t rows = rng.below(5); rows > 0; --rows) {
      std::vector<std::string>& row = table.rows.emplace_back();
      for (std::size_t i = 0; i < columns; ++i) row.push_back(text());
    }
    const CsvTable back = parse_csv(to_csv(table), "x.csv");
    CAPTURE(trial);
    REQUIRE(back.header == table.header);
    REQUIRE(back.rows == table.rows);
  }
}

TEST_CASE("csv: files of other programs are read, and broken ones named by line") {
  const CsvTable table = parse_csv("a,b\r\n1,\"2\"\r\n", "x.csv");
  CHECK(table.header == std::vector<std::string>{"a", "b"});
  CHECK(table.rows == std::vector<std::vector<std::string>>{{"1", "2"}});
  CHECK(parse_csv("a,b\n1,2", "x.csv").rows.size() == 1);
  CHECK_THROWS_WITH_AS((void)parse_csv("", "x.csv"), doctest::Contains("x.csv"), IoError);
  CHECK_THROWS_WITH_AS((void)parse_csv("a,b\n1\n", "x.csv"),
                       "x.csv:2: 1 cells, but the header has 2", IoError);
  CHECK_THROWS_WITH_AS((void)parse_csv("a,b\n1,\"2\n", "x.csv"),
                       doctest::Contains("a quoted cell is not closed"), IoError);
  CHECK_THROWS_WITH_AS((void)parse_csv("a,b\n1,\"2\"3\n", "x.csv"), doctest::Contains("x.csv:2"),
                       IoError);
  CHECK_THROWS_WITH_AS((void)parse_csv("a,b\n1,2\"3\n", "x.csv"), doctest::Contains("x.csv:2"),
                       IoError);
}

TEST_CASE("csv: a row that does not fit its header is refused in every build") {
  const CsvTable ragged{{"a", "b"}, {{"1"}}};
  CHECK_THROWS_AS((void)to_csv(ragged), std::logic_error);
  CHECK_THROWS_AS((void)ragged.index("c"), std::logic_error);
}

TEST_CASE("csv: rows come back bit for bit") {
  ScoreRow row;
  row.key = {Weights::kBest, Split::kTest, 256, 1000, "as-is"};
  row.best_step = 300;
  row.accuracy = 1.0 / 3.0;
  row.loss = std::nextafter(0.1, 1.0);
  row.exact_match = 1e-300;
  row.unseen_level = true;
  const CsvTable table = to_table(score_columns(), std::vector{row});
  const std::vector<ScoreRow> back =
      from_table(score_columns(), parse_csv(to_csv(table), "scores.csv"), "scores.csv");
  REQUIRE(back.size() == 1);
  CHECK(back[0].key == row.key);
  CHECK(back[0].accuracy == row.accuracy);
  CHECK(back[0].loss == row.loss);
  CHECK(back[0].exact_match == row.exact_match);
  CHECK(back[0].unseen_level);
  CHECK_FALSE(back[0].foreign_selection);
  CHECK_THROWS_AS((void)from_table(history_columns(), table, "history.csv"), IoError);
}

TEST_CASE("csv: a reader may set the bound on the number of cells") {
  CHECK(parse_csv("a,b\n1,2\n", "table", 4).rows.size() == 1);
  CHECK_THROWS_WITH_AS((void)parse_csv("a,b\n1,2\n", "table", 3), "table:2: more than 3 cells",
                       IoError);
}

}  // namespace
}  // namespace recollect
