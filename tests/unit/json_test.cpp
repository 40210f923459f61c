#include "harness/render/json.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "harness/compare/compare.hpp"
#include "harness/compare/comparison_text.hpp"
#include "harness/results/group_result.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/store/csv.hpp"
#include "tests/support/places.hpp"

namespace recollect {
namespace {

std::filesystem::path kept(const std::string& name) {
  return source_folder() / "tests/data/kept" / name;
}

/// What a value of a table's JSON would be in its CSV.
std::string as_csv(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_boolean()) return value.get<bool>() ? "1" : "0";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return csv_text(value.get<double>());
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const Json& item : value) {
    if (!text.empty()) text += ' ';
    if (item.is_object()) {
      text += (item["solved"].get<bool>() ? "" : ">") + item["step"].dump();
    } else {
      text += as_csv(item);
    }
  }
  return text;
}

/// Every row of a table has in JSON what it has in CSV.
void check_same(const DataTable& data) {
  const CsvTable table = to_table(data);
  const Json rows = Json::parse(json_text(json_of(data)));
  REQUIRE(rows.size() == table.rows.size());
  REQUIRE_FALSE(table.rows.empty());
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    REQUIRE(rows[i].size() == table.header.size());
    std::size_t column = 0;
    for (const auto& item : rows[i].items()) {
      const std::string& name = item.key();  // clang 14 captures no structured binding
      const Json& value = item.value();
      CAPTURE(name);
      CHECK(name == table.header[column]);
      const std::string& text = table.rows[i][column++];
      // Options stand as YAML writes them: [0.9, 0.999], 1.0e-08.
      if (std::holds_alternative<OptionText>(data.rows[i][column - 1])) {
        CHECK(value == (text.empty()         ? Json()
                        : Json::accept(text) ? Json::parse(text)
                                             : Json(text)));
      } else {
        CHECK(as_csv(value) == text);
      }
    }
  }
}

TEST_CASE("json: numbers are numbers, absent values null, others words") {
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(json_of(Value()).is_null());
  CHECK(json_of(Value(true)) == Json(true));
  CHECK(json_of(Value(std::int64_t{1} << 53)).dump() == "9007199254740992");
  CHECK(json_of(Value(0.1)).dump() == "0.1");
  CHECK(json_of(Value(inf)) == Json("inf"));
  CHECK(json_of(Value(-inf)) == Json("-inf"));
  CHECK(json_of(Value(std::numeric_limits<double>::quiet_NaN())) == Json("nan"));
  CHECK(json_of(std::optional<double>()).is_null());
  CHECK(json_of(Value(std::string("12"))) == Json("12"));
  CHECK(json_of(Value(OptionText{"12", false})) == Json(12));
  CHECK(json_of(Value(OptionText{"1.0e-08", false})) == Json(1e-8));
  CHECK(json_of(Value(OptionText{"[0.9, 0.999]", false})) == Json({0.9, 0.999}));
  CHECK(json_of(Value(OptionText{"true", false})) == Json(true));
  CHECK(json_of(Value(OptionText{"packed", true})) == Json("packed"));
  CHECK(json_of(Value(OptionText{})).is_null());
  CHECK(json_of(Value(Series{0.5, inf})) == Json({0.5, "inf"}));
  CHECK(json_of(Value(SolveSteps{{100, true}, {200, false}})).dump() ==
        R"([{"step":100,"solved":true},{"step":200,"solved":false}])");
  CHECK(json_text(Json("\xff")) == "\"\xef\xbf\xbd\"\n");
}

TEST_CASE("json: tables of cells and groups hold what their CSV holds") {
  const std::vector<CellResult> cells = archived_cells(read_archive(kept("archives/kept")));
  check_same(cell_table(cells));
  check_same(group_table(group_cells(cells)));
  const Json first = json_of(cell_table(cells))[0];
  CHECK(first["task_pairs"] == Json(2));
  CHECK(first["task_layout"] == Json("packed"));
  CHECK(first["train_stop_at"].is_null());
  CHECK(first["accuracy"].is_number());
  CHECK(first["unseen_level"].is_boolean());
}

TEST_CASE("json: a comparison says what its text says") {
  const ResultSet base = read_result_set(kept("archives/kept"));
  ResultSet now = base;
  for (CellResult& row : now.cells) {
    if (row.variant == "full-quadratic") row.score->accuracy -= 0.5;
  }
  const CompareRules rules;
  const ResultComparison comparison = compare(base, now, rules);
  const Json json = Json::parse(comparison_json(comparison, base, now, rules));
  CHECK(json["base"]["code_version"] == Json("72c6422"));
  CHECK(json["tolerance"] == Json(0.01));
  CHECK(json["metric"] == Json("accuracy"));
  CHECK(json["mismatches"].empty());
  CHECK(json["verdicts"]["undecided"] == Json(1));  // two seeds decide nothing
  CHECK(json["verdicts"]["equal"] == Json(comparison.groups.size() - 1));
  REQUIRE(json["groups"].size() == comparison.groups.size());
  const Json& last = json["groups"].back();
  CHECK(last["verdict"] == Json("undecided"));
  CHECK(last["beyond_tolerance"] == Json(true));
  CHECK(last["changed"] == Json(2));
  CHECK(last["difference"].get<double>() == doctest::Approx(-0.5));
  CHECK(last["p_examples"].is_null());
  CHECK(last["others"].size() > 10);
  ResultSet fewer = base;
  std::erase_if(fewer.cells, [](const CellResult& row) { return row.seed == 1; });
  fewer.exact.resize(fewer.cells.size());
  const Json partial =
      Json::parse(comparison_json(compare(base, fewer, rules), base, fewer, rules));
  CHECK(partial["mismatches"][0] ==
        Json({{"where", "mqar, adaptive-decay"}, {"key", "seeds"}, {"base", "0 1"}, {"new", "0"}}));
}

}  // namespace
}  // namespace recollect
