#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "harness/results/history_table.hpp"
#include "harness/results/result_set.hpp"
#include "harness/store/csv.hpp"
#include "tests/support/recollect_program.hpp"

namespace recollect {
namespace {

/// The histories of the cells' folders, by cell.
std::map<std::string, CsvTable> own_histories(const std::filesystem::path& runs) {
  std::map<std::string, CsvTable> all;
  for (const auto& cell : std::filesystem::directory_iterator(runs / "cells")) {
    all["c" + cell.path().filename().string()] =
        parse_csv(read_file(cell.path() / "history.csv"), "history.csv");
  }
  return all;
}

TEST_CASE("history table: every line of every history.csv, with the cell's settings") {
  const TemporaryFolder folder;
  const std::string runs = quoted(folder / "runs");
  REQUIRE(recollect_program("run " + tiny_config(folder) + " --quiet --out " + runs +
                            " --set 'seeds=[0, 1]' --set task.pairs=2")
              .status == 0);
  const ProgramResult printed = recollect_program("table --rows history " + runs);
  REQUIRE(printed.status == 0);
  CHECK(printed.err.empty());
  const CsvTable table = parse_csv(printed.out, "table");
  const auto histories = own_histories(folder / "runs");
  REQUIRE(histories.size() == 4);
  std::map<std::string, std::size_t> rows;
  for (const auto& row : table.rows) {
    const std::string& cell = row[table.index("cell")];
    const CsvTable& own = histories.at(cell);
    for (const std::string& column : own.header) {
      CHECK(row[table.index(column)] == own.rows.at(rows[cell])[own.index(column)]);
    }
    ++rows[cell];
    CHECK(row[table.index("task_pairs")] == "2");
    CHECK(row[table.index("model_width")] == "8");
    CHECK(row[table.index("steps")] == "20");
  }
  for (const auto& [cell, own] : histories) CHECK(rows[cell] == own.rows.size());
  CHECK(table.rows.front()[table.index("label")] == "fixed-decay");
  CHECK(table.rows.back()[table.index("label")] == "full-quadratic");
  CHECK(table.header.back() == "numerics_version");
  CHECK_FALSE(table.find("eval_length").has_value());
  CHECK_FALSE(table.find("validation_loss").has_value());

  SUBCASE("an archive gives the same bytes") {
    const std::string archives = quoted(folder / "archives");
    REQUIRE(recollect_program("archive " + runs + " --out " + archives).status == 0);
    CHECK(recollect_program("table --rows history " + archives).out == printed.out);
  }
  SUBCASE("JSON has the same rows") {
    const auto json =
        nlohmann::json::parse(recollect_program("table --rows history --format json " + runs).out);
    REQUIRE(json.size() == table.rows.size());
    CHECK(json.at(0).size() == table.header.size());
    CHECK(json.at(1).at("step") == 20);
    CHECK(json.at(1).at("validation_accuracy").is_number());
  }
  SUBCASE("for people") {
    const ProgramResult text = recollect_program("table --rows history --format markdown " + runs);
    CHECK(text.status == 0);
    CHECK(holds(text.out, "| fixed-decay    |    1 |   20 |"));
  }
  SUBCASE("a damaged history is left out, and named") {
    const std::filesystem::path cell =
        folder / "runs" / "cells" / histories.begin()->first.substr(1) / "history.csv";
    write_file_atomically(cell, "step,loss\n");
    const ProgramResult rest = recollect_program("table --rows history " + runs);
    CHECK(rest.status == 0);
    CHECK(holds(rest.err, "warning: 1 finished cell without a history that can be read: "));
    CHECK(holds(rest.err, histories.begin()->first.substr(1)));
    CHECK(parse_csv(rest.out, "rest").rows.size() == table.rows.size() - 2);
  }
}

TEST_CASE("history table: made in parts, it is the same as whole") {
  const TemporaryFolder folder;
  const std::string runs = quoted(folder / "runs");
  std::string seeds = "0";
  for (int seed = 1; seed <= 60; ++seed) seeds += "," + std::to_string(seed);
  REQUIRE(recollect_program("run " + tiny_config(folder) + " --quiet --out " + runs +
                            " --set train.steps=2 --set train.eval_every=1 --set 'seeds=[" + seeds +
                            "]'")
              .status == 0);
  std::vector<std::string> warnings;
  const std::vector<CellHistory> cells =
      read_histories(folder / "runs", read_result_set(folder / "runs").cells, warnings);
  CHECK(warnings.empty());
  REQUIRE(cells.size() == 122);
  const DataTable whole = HistoryTable(cells).part(0, cells.size());
  CHECK(recollect_program("table --rows history " + runs).out == to_csv(to_table(whole)));
  const auto json =
      nlohmann::json::parse(recollect_program("table --rows history --format json " + runs).out);
  CHECK(json.size() == 244);
}

TEST_CASE("history table: one line where there is none") {
  const TemporaryFolder folder;
  const std::string runs = quoted(folder / "runs");
  const std::string table = quoted(folder / "cells.csv");
  REQUIRE(recollect_program("run " + tiny_config(folder) + " --quiet --out " + runs).status == 0);
  REQUIRE(recollect_program("table --rows cells " + runs + " > " + table).status == 0);
  const std::string out = quoted(folder / "events");
  for (const std::string& how :
       {std::string("--rows history "), "--format tensorboard --out " + out + " "}) {
    const ProgramResult result = recollect_program("table " + how + table);
    CHECK(result.status == 5);
    CHECK(result.out.empty());
    CHECK(line_count(result.err) == 1);
    CHECK(holds(result.err, "is a table, which holds no histories"));
  }
  CHECK_FALSE(std::filesystem::exists(folder / "events"));
  expect_usage_error("table --rows history --select train.steps " + runs,
                     "leave out --rows history");
  expect_usage_error("table --format tensorboard " + runs, "--out DIR");
  expect_usage_error("table --format tensorboard --rows cells --out x " + runs,
                     "leave out --rows cells");
  expect_usage_error("table --format csv --out x " + runs, "--out goes with --format tensorboard");
}

}  // namespace
}  // namespace recollect
