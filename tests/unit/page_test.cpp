#include "harness/page/page.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "harness/page/comparisons.hpp"
#include "harness/page/html.hpp"
#include "harness/page/panel.hpp"
#include "harness/plot/numbers.hpp"
#include "harness/render/summary_table.hpp"
#include "tests/support/places.hpp"

namespace recollect::page {
namespace {

/// One score of one cell, in the table of cells that `recollect table` prints.
struct Cell {
  std::string label = "fixed-decay";
  int seed = 0;
  int length = 64;
  std::string accuracy = "0.5";
  int solved_step = 0;  ///< 0: not solved
};

ResultSet set_of(const std::vector<Cell>& cells) {
  CsvTable table;
  table.header = {"experiment",  "cell",
                  "status",      "task",
                  "variant",     "label",
                  "seed",        "data_seed",
                  "steps",       "weights",
                  "split",       "solved_step",
                  "eval_length", "accuracy",
                  "exact_match", "loss",
                  "examples",    "task_pairs",
                  "task_length", "train_length",
                  "train_steps", "train_order_seed"};
  for (const Cell& cell : cells) {
    const std::string seed = std::to_string(cell.seed);
    table.rows.push_back({"ex",
                          fmt::format("{} {}", cell.label, seed),
                          "finished",
                          "mqar",
                          cell.label,
                          cell.label,
                          seed,
                          seed,
                          "6000",
                          "best",
                          "test",
                          cell.solved_step > 0 ? std::to_string(cell.solved_step) : "",
                          std::to_string(cell.length),
                          cell.accuracy,
                          "0",
                          "1",
                          "1000",
                          "8",
                          "64",
                          "64",
                          "6000",
                          seed});
  }
  return result_set_of(table, "cells.csv");
}

/// So many seeds of a label, of which the first `solved` solve the task at 1,000 and later.
void add(std::vector<Cell>& cells, const std::string& label, int seeds, int solved) {
  for (int seed = 0; seed < seeds; ++seed) {
    const bool solves = seed < solved;
    cells.push_back({label, seed, 64, solves ? "0.995" : "0.125", solves ? 1000 + 10 * seed : 0});
  }
}

std::string page_of(const std::vector<Cell>& cells) {
  const plot::Material material(set_of(cells), {});
  return make_page({"cells.csv", "", material, {}, {}, {}, {}});
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("page: text and names of elements are safe, whatever they are made of") {
  CHECK(escaped("<b a=\"1\">&'") == "&lt;b a=&quot;1&quot;&gt;&amp;'");
  Ids ids;
  CHECK(ids.make("x-", "a/b <c>") == "x-a-b-c-");
  CHECK(ids.make("x-", "a b c ") == "x-a-b-c-.2");
  CHECK(ids.make("x-", "a-b-c-") == "x-a-b-c-.3");
  CHECK(data_link("text/csv", "a,\"b\"\n<%") == "data:text/csv;charset=utf-8,a,%22b%22%0A%3C%25");
  CHECK(data_link("text/csv", std::string(26'000, 'a')).empty());
}

TEST_CASE("page: a line keeps what can be seen of it, and its gaps") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(line_path({{0, 0}, {1, 0.1}, {2, 0}, {3, 5}, {4, 10}}, 0.3) == "M0,0 2,0 4,10");
  CHECK(line_path({{0, 0}, {1, 0}, {2, nan}, {3, 0}, {4, 0}}, 0.3) == "M0,0 1,0M3,0 4,0");
  CHECK(line_path({{0, 0}, {1, nan}, {2, 0}}, 0.3).empty());
  CHECK(line_path({}, 0.3).empty());
}

TEST_CASE("page: a ratio over few settings stands beside that of each") {
  const Comparisons pairs(read_result_set(source_folder() / "results/reference", {"mqar-64"}), {});
  const std::vector<Effect> each = pairs.by_setting("fixed-decay", "adaptive-decay");
  REQUIRE(each.size() == 2);
  CHECK(each[0].where() == "task_pairs 8");
  CHECK(each[0].ratio < 0.7);  // eight pairs are solved sooner than with a constant,
  CHECK(each[1].ratio > 1.5);  // sixteen later
  CHECK(pairs.by_setting("adaptive-decay", "fixed-decay")[1].ratio ==
        doctest::Approx(1.0 / each[1].ratio));
  CHECK(pairs.of("fixed-decay", "adaptive-decay")->ratio ==
        doctest::Approx(std::sqrt(each[0].ratio * each[1].ratio)));
}

TEST_CASE("page: verdicts follow from the tests of compare, and need enough seeds") {
  std::vector<Cell> cells;
  add(cells, "a", 20, 2);
  add(cells, "b", 20, 18);
  const Comparisons clear(set_of(cells), {});
  const Effect effect = clear.of("a", "b").value();
  CHECK(effect.solved_a == 2);
  CHECK(effect.solved_b == 18);
  CHECK(clear.more_often(effect) == Outcome::kYes);
  CHECK(clear.sooner(effect) == Outcome::kYes);
  CHECK(clear.more_accurate(effect) == Outcome::kYes);
  const Effect turned = clear.of("b", "a").value();
  CHECK(turned.solved_a == 18);
  CHECK(turned.difference == -effect.difference);
  CHECK(turned.ratio == doctest::Approx(1.0 / effect.ratio));
  CHECK(clear.more_often(turned) == Outcome::kOpposite);
  CHECK(clear.sooner(turned) == Outcome::kOpposite);
  const Effects same = effects_of(set_of(cells), {"variant", "", {}});
  CHECK(same.each.front().p_solved == effect.p_solved);

  // Five that one side alone solves give 2 (1/2)^5 / 2 = 0.031; four cannot be fewer than 0.0625.
  CHECK(clear.least_shown(20).value() == 5);
  CHECK(!clear.least_shown(4));
  std::vector<Cell> few;
  add(few, "a", 4, 0);
  add(few, "b", 4, 4);
  const Comparisons small(set_of(few), {});
  CHECK(small.more_often(small.of("a", "b").value()) == Outcome::kTooFew);
  std::vector<Cell> alike;
  add(alike, "a", 20, 17);
  add(alike, "b", 20, 18);
  const Comparisons even(set_of(alike), {});
  CHECK(even.more_often(even.of("a", "b").value()) == Outcome::kNotShown);
  CHECK(!even.of("a", "c"));
}

TEST_CASE("page: its questions are those that the results can answer") {
  std::vector<Cell> lambda;
  add(lambda, "fixed-decay", 20, 2);
  add(lambda, "adaptive-decay", 20, 18);
  const std::string of_lambda = page_of(lambda);
  CHECK(has(of_lambda, "<h1>Does an input-dependent λ help?</h1>"));
  CHECK(
      has(of_lambda,
          "<b>Yes, adaptive-decay does:</b> 2 of 20 with fixed-decay, 18 with adaptive-decay (p"));

  std::vector<Cell> own;
  add(own, "mine", 20, 20);
  add(own, "theirs", 20, 3);
  add(own, "others", 20, 19);
  const std::string of_own = page_of(own);
  CHECK(has(of_own, "<h1>Which variant solves the task?</h1>"));
  CHECK(has(of_own,
            "<b>mine and others, not told apart:</b> mine 20 of 20, others 19 of 20, "
            "theirs 3 of 20 solved."));

  const std::string of_one = page_of({{"mine", 0, 64, "0.5", 0}});
  CHECK(has(of_one, "<h1>How often does mine solve the task?</h1>"));
  CHECK(has(of_one, "<b>Not enough seeds:</b> mine 0 of 1 solved."));
  CHECK(!has(of_one, "type=\"checkbox\""));  // nothing to choose from
}

TEST_CASE("page: a run counts once, at however many settings of eval.cells it is scored") {
  std::vector<Cell> cells;
  add(cells, "mine", 20, 12);
  add(cells, "theirs", 20, 0);
  ResultSet scored = set_of(cells);
  const std::vector<CellResult> runs = scored.cells;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    scored.cells[i].score->key.settings = {{"pairs", "8"}};
    scored.cells.push_back(runs[i]);
    scored.cells.back().score->key.settings = {{"pairs", "16"}};
  }
  const plot::Material material(scored, {});
  const std::string page = make_page({"cells.csv", "", material, {}, {}, {}, {}});
  CHECK(has(page, "mine 12 of 20"));
  CHECK(!has(page, "24 of 40"));
  CHECK(has(page, ">16 pairs<"));  // the scores have both
  const std::string soonest = "half of the seeds have solved it at step";
  const std::size_t first = page.find(soonest);
  REQUIRE(first != std::string::npos);
  CHECK(page.find(soonest, first + 1) == std::string::npos);  // the training was one
  CHECK(!has(page, "Where each variant solves the task"));
}

TEST_CASE("page: a cell names the settings in which the cells of its experiment differ") {
  ResultSet scored = set_of({{"a", 0}, {"b", 1}, {"c", 2}, {"d", 3}});
  const auto set = [&](std::size_t i, const char* experiment, const char* name, const char* value) {
    scored.cells[i].experiment = experiment;
    for (Setting& setting : scored.cells[i].settings) {
      if (setting.name == name) setting.value = {value, false};
    }
  };
  set(0, "by pairs", "task_pairs", "16");
  set(1, "by pairs", "task_pairs", "32");
  set(2, "by length", "task_length", "128");
  set(3, "by length", "task_length", "256");
  const plot::Material material(scored, {});
  const std::string page = make_page({"cells.csv", "", material, {}, {}, {}, {}});
  for (const char* settings : {"pairs 16", "pairs 32", "length 128", "length 256"}) {
    CHECK(has(page, fmt::format("<td class=\"settings\">{}</td>", settings)));
  }
}

TEST_CASE("page: labels stay text") {
  std::vector<Cell> cells;
  add(cells, "</style><script>x</script>", 5, 3);
  add(cells, "a \"b\" & 'c'", 5, 2);
  const std::string page = page_of(cells);
  CHECK(!has(page, "<script>x"));
  CHECK(!has(page, "\"b\""));
  CHECK(has(page, "&lt;/style&gt;&lt;script&gt;x&lt;/script&gt;"));
}

TEST_CASE("page: of another program's model nobody says whether it solved the task") {
  std::vector<Cell> cells;
  add(cells, "fixed-decay", 3, 2);
  add(cells, "theirs", 3, 0);
  ResultSet set = set_of(cells);
  for (CellResult& cell : set.cells) {
    if (cell.label == "theirs") cell.variant = "outside";
  }
  const plot::Material material(std::move(set), {});
  const std::string page = make_page({"cells.csv", "T", material, {}, {}, {}, {}});
  CHECK(has(page, "theirs: another program"));
  CHECK(has(page, "2 of 3 seeds solved"));
  CHECK_FALSE(has(page, "0 of 3 seeds solved"));
  CHECK_FALSE(has(page, "0 of 3 solved"));
  CHECK_FALSE(has(page, "&gt;6,000</td>"));  // nor when
}

TEST_CASE("page: an experiment that is named twice is there once") {
  std::vector<Cell> cells;
  add(cells, "fixed-decay", 3, 2);
  CHECK(plot::Material(set_of(cells), {"ex", "ex"}).studies.size() == 1);
  CHECK(plot::Material(set_of(cells), {}).studies.size() == 1);
}

TEST_CASE("page: the threshold of a solved task is written as exactly as it is") {
  CHECK(plot::threshold(0.99) == "99 %");
  CHECK(plot::threshold(0.995) == "99.5 %");
  ResultSet set = set_of({{"fixed-decay", 0, 64, "0.5", 0}});
  const auto summary = [&] {
    std::string text = summary_text(group_cells(set.cells));
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  };
  CHECK(has(summary(), "reached 99 % on validation"));
  set.cells[0].settings.push_back({"train_solve_at", {"0.995"}});
  CHECK(has(summary(), "reached 99.5 % on validation"));
  const plot::Material material(std::move(set), {});
  CHECK(has(make_page({"cells.csv", "", material, {}, {}, {}, {}}), "99.5 %"));
}

TEST_CASE("page: a score that is no number has no dot, and its cell stays in the table") {
  std::vector<Cell> cells;
  add(cells, "mine", 6, 3);
  cells[5].accuracy = "nan";
  const std::string page = page_of(cells);
  // Only the data of the pictures say so.
  CHECK(!has(page, "nan %"));
  CHECK(!has(page, "\"nan\""));
  CHECK(!has(page, ">nan"));
  CHECK(has(page, "data-c=\"5\""));
  CHECK(has(page, "seed 5</a> no number"));
  CHECK(page == page_of(cells));
}

TEST_CASE("page: it needs no gnuplot, and holds the maps of lambda that it is given") {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/nonexistent", 1);
  std::vector<Cell> cells;
  add(cells, "fixed-decay", 5, 3);
  add(cells, "adaptive-decay", 5, 3);
  const plot::Material material(set_of(cells), {});
  PageInput input{"cells.csv", "A <title>", material, {}, {}, {}, {}};
  input.lambda_maps.push_back({"adaptive-decay",
                               "adaptive-decay",
                               "Seed 3",
                               "<svg role=\"img\"></svg>",
                               "One & only",
                               {{"layer 1", 0.029}, {"layer 2", 0.095}}});
  const std::string page = make_page(input);
  ::setenv("PATH", path.c_str(), 1);
  CHECK(has(page, "<h1>A &lt;title&gt;</h1>"));
  CHECK(has(page, "<svg aria-hidden=\"true\"></svg>"));  // its figure speaks
  CHECK(has(page, "One &amp; only"));
  CHECK(has(page, "<b>Hardly:</b>"));
  CHECK(has(page, "layer 1 2.9 %, layer 2 9.5 %"));
}

}  // namespace recollect::page
