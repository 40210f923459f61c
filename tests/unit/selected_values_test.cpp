// `recollect table --select`: a value chosen by validation, and what is said of the choice.
#include "harness/results/selected_values.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "harness/compare/effects.hpp"
#include "harness/render/summary_table.hpp"

namespace recollect {
namespace {

/// Best weights of one cell at one learning rate.
struct Made {
  std::string rate;
  std::int64_t seed;
  std::optional<double> validation, test;  ///< none: the cell failed
  double loss = 0.5;
};

std::vector<CellResult> cells_of(const std::vector<Made>& all, const std::string& metric = "",
                                 const std::string& label = "mamba-2") {
  std::vector<CellResult> cells;
  for (const Made& made : all) {
    CellResult cell;
    cell.experiment = "made";
    cell.task = "mqar";
    cell.variant = cell.label = label;
    cell.settings = {{"task_pairs", {"8"}},
                     {"train_learning_rate", {made.rate}},
                     {"train_order_seed", {std::to_string(made.seed)}}};
    if (!metric.empty()) cell.settings.push_back({"train_metric", {metric}});
    cell.seed = made.seed;
    cell.data_seed = made.seed;
    cell.train_length = 64;
    if (!made.validation) {
      cells.push_back(cell);
      continue;
    }
    for (const Split split : {Split::kValidation, Split::kTest}) {
      for (const std::int64_t length : {64, 256}) {
        ScoreRow row;
        row.key = {Weights::kBest, split, length, 100, "", {}};
        row.accuracy = split == Split::kTest ? *made.test : *made.validation;
        if (length == 256) row.accuracy = 1.0 - row.accuracy;  // must not count
        row.loss = made.loss;
        row.scored = 800;
        cell.score = row;
        cells.push_back(cell);
      }
    }
  }
  return cells;
}

/// The one choice among the groups of a request; all rows say the same.
ChosenValue choice(const std::vector<CellResult>& cells, const std::string& keys) {
  const std::vector<GroupResult> groups = select_groups(cells, parse_select(keys));
  REQUIRE_FALSE(groups.empty());
  for (const GroupResult& group : groups) {
    REQUIRE(group.chosen);
    CHECK(group.chosen->text == groups.front().chosen->text);
    CHECK(group.chosen->by_test == groups.front().chosen->by_test);
    CHECK("train.learning_rate " + setting_of(group.settings, "train_learning_rate").text ==
          group.chosen->text);
  }
  return *groups.front().chosen;
}

/// 0.01 is lucky on test; 0.003 is best on validation.
const std::vector<Made> kLucky = {{"0.001", 0, 0.70, 0.71}, {"0.001", 1, 0.72, 0.70},
                                  {"0.003", 0, 0.90, 0.88}, {"0.003", 1, 0.88, 0.87},
                                  {"0.01", 0, 0.85, 0.99},  {"0.01", 1, 0.86, 0.98}};

}  // namespace

TEST_CASE("select: validation decides, not luck on test, by test it is flagged in every row") {
  const std::vector<CellResult> cells = cells_of(kLucky);
  const ChosenValue chosen = choice(cells, "train.learning_rate");
  CHECK(chosen.text == "train.learning_rate 0.003");
  CHECK(chosen.of == 3);
  CHECK_FALSE(chosen.edge);
  CHECK_FALSE(chosen.by_test);
  CHECK(chosen.failed.empty());
  const ChosenValue lucky = choice(cells, "train.learning_rate@test");
  CHECK(lucky.text == "train.learning_rate 0.01");
  CHECK(lucky.edge);
  CHECK(lucky.by_test);
  // The test scores are those of the chosen value.
  for (const GroupResult& group : select_groups(cells, parse_select("train.learning_rate"))) {
    if (group.key->split == Split::kTest && group.key->eval_length == 64) {
      CHECK(group.accuracy.values == Series{0.88, 0.87});
    }
  }
  const DataTable table =
      group_table(select_groups(cells, parse_select("train.learning_rate@test")));
  const auto column = std::find(table.header.begin(), table.header.end(), "chosen_by");
  REQUIRE(column != table.header.end());
  for (const auto& row : table.rows) {
    CHECK(csv_text(row[static_cast<std::size_t>(column - table.header.begin())]) == "test");
  }
}

TEST_CASE("select: over the seeds that every value has, failed cells are named") {
  std::vector<Made> made = kLucky;
  made.push_back({"0.001", 2, 0.999, 0.5});  // a seed that others lack may not help
  made.push_back({"0.003", 2, {}, {}});
  made.push_back({"0.1", 0, {}, {}});
  made.push_back({"0.1", 1, {}, {}});
  const ChosenValue chosen = choice(cells_of(made), "train.learning_rate");
  CHECK(chosen.text == "train.learning_rate 0.003");
  CHECK(chosen.of == 4);
  CHECK_FALSE(chosen.edge);  // 0.1 was tried beyond 0.01
  CHECK(chosen.failed == "train.learning_rate 0.003 seed 2; train.learning_rate 0.1 seed 0 1");
  const std::vector<Made> apart = {{"0.001", 0, 0.5, 0.5}, {"0.01", 1, 0.6, 0.6}};
  CHECK_THROWS_AS((void)select_groups(cells_of(apart), parse_select("train.learning_rate")),
                  FieldError);
}

TEST_CASE("select: of equals the smaller value, as numbers, a grid of one is an edge") {
  const std::vector<Made> equal = {
      {"1.0e-02", 0, 0.5, 0.5}, {"0.003", 0, 0.5, 0.9}, {"0.1", 0, 0.5, 0.5}};
  CHECK(choice(cells_of(equal), "train.learning_rate").text == "train.learning_rate 0.003");
  const ChosenValue one = choice(cells_of({{"0.01", 0, 0.5, 0.5}}), "train.learning_rate");
  CHECK(one.of == 1);
  CHECK(one.edge);
}

TEST_CASE("select: where train.metric is loss, the smallest loss") {
  const std::vector<Made> made = {
      {"0.001", 0, 0.9, 0.9, 0.4}, {"0.003", 0, 0.5, 0.5, 0.2}, {"0.01", 0, 0.6, 0.6, 0.3}};
  CHECK(choice(cells_of(made, "loss"), "train.learning_rate").text == "train.learning_rate 0.003");
  CHECK(choice(cells_of(made), "train.learning_rate").text == "train.learning_rate 0.001");
}

TEST_CASE("select: each variant has a choice of its own") {
  std::vector<CellResult> cells = cells_of(kLucky);
  const std::vector<Made> others = {{"0.001", 0, 0.9, 0.9}, {"0.003", 0, 0.5, 0.5}};
  for (const CellResult& cell : cells_of(others, "", "gla")) cells.push_back(cell);
  for (const GroupResult& group : select_groups(cells, parse_select("train.learning_rate"))) {
    CHECK(group.chosen->text ==
          (group.label == "gla" ? "train.learning_rate 0.001" : "train.learning_rate 0.003"));
  }
}

TEST_CASE("select: a variant all of whose values failed stands there without scores") {
  std::vector<CellResult> cells = cells_of(kLucky);
  const std::vector<Made> others = {{"0.001", 0, {}, {}}, {"0.003", 0, {}, {}}};
  for (const CellResult& cell : cells_of(others, "", "gla")) cells.push_back(cell);
  bool seen = false;
  for (const GroupResult& group : select_groups(cells, parse_select("train.learning_rate"))) {
    if (group.label != "gla") continue;
    seen = true;
    CHECK(group.n() == 0);
    CHECK(group.chosen->text == "none");
    CHECK(group.chosen->of == 2);
    CHECK(group.chosen->failed ==
          "train.learning_rate 0.001 seed 0; train.learning_rate 0.003 seed 0");
  }
  CHECK(seen);
}

TEST_CASE("select: the cells of the chosen values alone share what is left of their settings") {
  std::vector<CellResult> cells = cells_of(kLucky);
  const std::vector<Made> others = {{"0.001", 0, 0.9, 0.9}, {"0.003", 0, 0.5, 0.5}};
  for (const CellResult& cell : cells_of(others, "", "gla")) cells.push_back(cell);
  for (CellResult cell : cells_of(others, "", "gla")) {
    cell.settings[0].value = {"16"};
    cells.push_back(cell);
  }
  const std::vector<SelectedValue> values =
      keep_selected(cells, parse_select("train.learning_rate"));
  REQUIRE(values.size() == 3);
  CHECK(values[0].label == "mamba-2");
  CHECK(values[0].setting.empty());
  CHECK(values[0].chosen.text == "train.learning_rate 0.003");
  CHECK(values[1].label == "gla");
  CHECK(values[1].setting == "task_pairs 8");
  CHECK(values[2].setting == "task_pairs 16");
  CHECK(values[2].chosen.text == "train.learning_rate 0.001");
  std::map<std::string, double> best_on_test;
  for (const CellResult& cell : cells) {
    CHECK(setting_of(cell.settings, "train_learning_rate").text.empty());
    CHECK_FALSE(setting_of(cell.settings, "task_pairs").text.empty());
    if (cell.score->key.split == Split::kTest && cell.score->key.eval_length == 64) {
      best_on_test[cell.label] = cell.score->accuracy;
    }
  }
  CHECK(best_on_test.at("gla") == 0.9);
}

TEST_CASE("select: texts for people say what was chosen") {
  std::vector<CellResult> cells = cells_of(kLucky);
  const std::vector<Made> others = {{"0.001", 0, 0.9, 0.9}, {"0.003", 0, 0.5, 0.5}};
  for (const CellResult& cell : cells_of(others, "", "gla")) cells.push_back(cell);
  const std::string summary =
      summary_text(select_groups(cells, parse_select("train.learning_rate")));
  CHECK(summary.find("chosen for gla: train.learning_rate 0.001 of 2, at the edge\n") !=
        std::string::npos);
  ResultSet set;
  set.name = "made";
  set.cells = cells;
  std::vector<SelectedValue> selected =
      keep_selected(set.cells, parse_select("train.learning_rate@test"));
  set.exact.resize(set.cells.size());
  Effects effects = effects_of(set, {.by = "variant", .against = "", .score = {}});
  effects.selected = std::move(selected);
  const std::string text = effects_text(effects, set);
  CHECK(text.find("Each at the value that its test scores prefer:\n") != std::string::npos);
  CHECK(text.find("  gla: train.learning_rate 0.001 of 2, at the edge, by the test") !=
        std::string::npos);
  CHECK(text.find("gla against mamba-2 (1 seed)") != std::string::npos);
}

TEST_CASE("select: keys that are none") {
  for (const char* keys : {"", "learning_rate", "train.learning_rate,", "train.a@test,train.b"}) {
    CAPTURE(keys);
    CHECK_THROWS_AS((void)parse_select(keys), FieldError);
  }
  try {
    (void)select_groups(cells_of(kLucky), parse_select("train.lerning_rate"));
    FAIL("no error");
  } catch (const FieldError& error) {
    CHECK(std::string(error.detail()).find("train.learning_rate") != std::string::npos);
  }
}

}  // namespace recollect
