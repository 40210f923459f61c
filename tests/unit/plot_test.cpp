#include "harness/plot/plot.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "harness/plot/files.hpp"
#include "harness/plot/numbers.hpp"
#include "harness/plot/pictures.hpp"
#include "harness/plot/process.hpp"
#include "harness/plot/study.hpp"
#include "harness/plot/svg.hpp"
#include "harness/plot/text_width.hpp"
#include "harness/results/result_set.hpp"
#include "harness/stats/order_statistics.hpp"
#include "harness/stats/survival.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tiny_archive.hpp"

namespace recollect::plot {
namespace {

bool finds_gnuplot() {
  static const bool kHas = has_gnuplot();
  if (!kHas) MESSAGE("skipped: gnuplot is not installed");
  return kHas;
}

/// One score of one cell, in the table of cells that `recollect table` prints.
struct Cell {
  std::string label = "fixed-decay";
  std::string variant = "fixed-decay";
  int seed = 0;
  int length = 64;
  std::string accuracy = "0.5";
  int solved_step = 0;  ///< 0: not solved
  int pairs = 8;
  int state = 4096;
};

CsvTable table_of(const std::vector<Cell>& cells) {
  CsvTable table;
  table.header = {"experiment",   "cell",        "status",       "code_version", "task",
                  "variant",      "label",       "seed",         "data_seed",    "train_order_seed",
                  "steps",        "weights",     "split",        "solved_step",  "eval_length",
                  "accuracy",     "exact_match", "loss",         "examples",     "unseen_levels",
                  "task_pairs",   "task_length", "train_length", "train_steps",  "chance",
                  "unseen_level", "state_floats"};
  for (const Cell& cell : cells) {
    const std::string seed = std::to_string(cell.seed);
    table.rows.push_back({"ex",
                          fmt::format("c{}-{}-{}", cell.label, cell.pairs, seed),
                          "finished",
                          "abc1234",
                          "mqar",
                          cell.variant,
                          cell.label,
                          seed,
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
                          "clamp",
                          std::to_string(cell.pairs),
                          "64",
                          "64",
                          "6000",
                          "0.125",
                          cell.length > 64 ? "1" : "0",
                          std::to_string(cell.state)});
  }
  return table;
}

/// Pictures of a table, in a folder of their own.
class Pictures {
 public:
  explicit Pictures(const std::vector<Cell>& cells, std::vector<std::string> what = {}) {
    const std::filesystem::path table = folder_.path() / "cells.csv";
    write_file_atomically(table, to_csv(table_of(cells)));
    report_ = make_pictures({table, std::move(what), {}, folder_.path() / "out"});
  }

  [[nodiscard]] std::string read(const std::string& file) const {
    return read_file(folder_.path() / "out" / file);
  }
  [[nodiscard]] bool has(const std::string& file) const {
    return std::filesystem::exists(folder_.path() / "out" / file);
  }
  [[nodiscard]] const PlotReport& report() const { return report_; }

 private:
  TemporaryFolder folder_;
  PlotReport report_;
};

void check_well_formed(const std::string& svg) {
  std::istringstream stream(svg);
  boost::property_tree::ptree tree;
  CHECK_NOTHROW(boost::property_tree::read_xml(stream, tree));
  CHECK(tree.count("svg") == 1);
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

/// The line of an IoError.
template <class Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const IoError& error) {
    return error.what();
  }
  return "no error";
}

std::vector<Cell> three_seeds() {
  return {{"fixed-decay", "fixed-decay", 0, 64, "0.9", 0, 8},
          {"fixed-decay", "fixed-decay", 1, 64, "0.995", 3000, 8},
          {"fixed-decay", "fixed-decay", 2, 64, "0.125", 0, 8}};
}

/// Sets PATH for as long as it lives.
class Path {
 public:
  explicit Path(const std::string& value) : old_(std::getenv("PATH")) {
    ::setenv("PATH", value.c_str(), 1);
  }
  ~Path() { ::setenv("PATH", old_.c_str(), 1); }
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;

 private:
  std::string old_;
};

}  // namespace

TEST_CASE("plot: the interval of the median covers it as often as the binomial says") {
  CHECK(!median_interval(0));
  CHECK(!median_interval(5));  // not even the range: 1 - 2 / 32
  for (std::size_t n = 6; n <= 40; ++n) {
    const MedianInterval interval = median_interval(n).value();
    CHECK(interval.low + interval.high == n - 1);
    // The number of values below the median is binomial; it must be above low and at most high.
    const auto coverage = [&](std::size_t low) {
      double sum = 0.0;
      double ways = 1.0;  // n over k
      for (std::size_t k = 0; k <= n; ++k) {
        if (k > low && k < n - low) sum += ways;
        ways *= static_cast<double>(n - k) / static_cast<double>(k + 1);
      }
      return sum / std::exp2(static_cast<double>(n));
    };
    CHECK(interval.coverage == doctest::Approx(coverage(interval.low)));
    CHECK(interval.coverage >= 0.95);
    CHECK(coverage(interval.low + 1) < 0.95);  // no narrower one would do
  }
  CHECK(median_interval(10)->low == 1);  // 2nd to 9th
  CHECK(median_interval(20)->low == 5);  // 6th to 15th
}

TEST_CASE("plot: shares of solved runs are Kaplan and Meier's") {
  const std::vector<Waiting> plain = {{100, false}, {300, false}, {500, true}, {500, true}};
  const std::vector<EventShare> shares = event_shares(plain);
  REQUIRE(shares.size() == 2);
  CHECK(shares[1].time == 300.0);
  CHECK(shares[1].share == doctest::Approx(0.5));
  CHECK(shares[1].left == 2);
  CHECK(shares[1].interval.low == doctest::Approx(wilson_interval(2, 4).low));
  // Leukaemia remissions under 6-MP (Freireich and others, Blood 21, 1963).
  std::vector<Waiting> treated;
  for (const double time : {6, 6, 6, 7, 10, 13, 16, 22, 23}) treated.push_back({time, false});
  for (const double time : {6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35}) {
    treated.push_back({time, true});
  }
  const EventShare last = event_shares(treated).back();
  CHECK(1.0 - last.share == doctest::Approx(0.448).epsilon(1e-3));
  CHECK(1.0 - last.interval.high == doctest::Approx(0.188).epsilon(2e-3));
  CHECK(1.0 - last.interval.low == doctest::Approx(0.680).epsilon(2e-3));
}

TEST_CASE("plot: numbers and text") {
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1234567) == "1,234,567");
  CHECK(with_commas(-1000) == "-1,000");
  CHECK(short_count(1500) == "1.5k");
  CHECK(percent(0.03125, 1) == "3.1 %");
  CHECK(step_or_later(std::nullopt, 6000) == ">6,000");
  CHECK(xml_text("a<b>&\"c\x01\xff") == "a&lt;b&gt;&amp;&quot;c\xEF\xBF\xBD\xEF\xBF\xBD");
  // 'a', 'b' and a blank are 556, 556 and 278 thousandths wide.
  CHECK(text_width("a b", 10.0) == doctest::Approx(13.9));
  CHECK(shortened("abcdef", 20.0, 10.0) == "ab…");
  CHECK(wrapped_lines("aa bb aaaaaa", 30.0, 10.0) ==
        std::vector<std::string>{"aa bb", "aaaaa", "a"});
}

TEST_CASE("plot: the CSV beside a picture has the numbers that are drawn") {
  if (!finds_gnuplot()) return;
  const Pictures pictures(three_seeds(), {"seeds"});
  const CsvTable table = parse_csv(pictures.read("seeds-ex.csv"), "seeds");
  REQUIRE(table.rows.size() == 3);
  const auto at = [&](std::size_t row, const char* column) {
    return table.rows[row][table.index(column)];
  };
  // Lowest first.
  CHECK(at(0, "seed") == "2");
  CHECK(at(0, "accuracy") == "0.125");
  CHECK(at(0, "rank") == "1");
  CHECK(at(2, "seed") == "1");
  CHECK(at(2, "solved") == "1");
  CHECK(at(1, "solved") == "0");
  CHECK(at(0, "solved_runs") == "1");
  CHECK(at(0, "runs") == "3");
  CHECK(std::stod(at(0, "share_low")) == doctest::Approx(wilson_interval(1, 3).low));
  CHECK(at(0, "median_step").empty());  // half are not through
  const std::string svg = pictures.read("seeds-ex.svg");
  CHECK(count_of(svg, ">1/3<") == 1);
  CHECK(count_of(svg, "&gt;6,000") == 1);
  CHECK(count_of(svg, "ex at abc1234") == 1);
  CHECK(count_of(svg, "a10") == 0);  // circles are small
  CHECK(svg.find("gnuplot") == std::string::npos);
}

TEST_CASE("plot: medians against length, with their intervals, or of two parts") {
  if (!finds_gnuplot()) return;
  std::vector<Cell> cells;
  for (int seed = 0; seed < 10; ++seed) {
    for (const int length : {64, 128}) {
      Cell cell{"fixed-decay", "fixed-decay", seed, length, "", 0, 8};
      cell.accuracy = fmt::format("{}", (length == 64 ? 0.80 : 0.40) + 0.01 * seed);
      cells.push_back(cell);
      cell.label = cell.variant = "linear-decay";
      cell.accuracy = fmt::format("{}", seed < 4 ? 0.1 : 0.9);
      cells.push_back(cell);
    }
  }
  const Pictures pictures(cells, {"length"});
  const CsvTable table = parse_csv(pictures.read("length-ex.csv"), "length");
  std::vector<std::vector<std::string>> medians;
  for (const auto& row : table.rows) {
    if (row[table.index("what")] != "seed") medians.push_back(row);
  }
  REQUIRE(medians.size() == 6);
  const auto number = [&](std::size_t row, const char* column) {
    return std::stod(medians[row][table.index(column)]);
  };
  CHECK(number(1, "eval_length") == 128.0);
  CHECK(number(1, "accuracy") == doctest::Approx(0.445));
  CHECK(number(1, "low") == doctest::Approx(0.41));   // the 2nd of ten
  CHECK(number(1, "high") == doctest::Approx(0.48));  // the 9th
  CHECK(number(2, "accuracy") == doctest::Approx(0.9));
  CHECK(number(2, "seeds") == 6.0);
  CHECK(number(4, "accuracy") == doctest::Approx(0.1));
  CHECK(number(4, "seeds") == 4.0);
  CHECK(count_of(pictures.read("length-ex.svg"), "6 + 4 seeds") == 1);
}

TEST_CASE("plot: panels leave room for the names of their rows") {
  if (!finds_gnuplot()) return;
  std::vector<Cell> cells;
  for (const char* variant : {"log-linear-deltanet", "adaptive-deltanet", "log-linear-mamba-2",
                              "adaptive-mamba-2", "gated-convolution", "gated-deltanet"}) {
    for (const int length : {64, 128}) {
      cells.push_back({variant, variant, 0, length, "0.5", 0, 8});
    }
  }
  const Pictures pictures(cells, {"length"});
  const std::string svg = pictures.read("length-ex.svg");
  for (const Cell& cell : cells) CHECK(count_of(svg, cell.label + "</text>") > 0);
}

/// Where a text of a figure begins and ends.
std::pair<double, double> span_of(const Text& text) {
  const double width = text_width(text.text, text.size, text.bold);
  const double left = text.anchor == Anchor::kStart ? text.x
                      : text.anchor == Anchor::kEnd ? text.x - width
                                                    : text.x - 0.5 * width;
  return {left, left + width};
}

TEST_CASE("plot: what a panel says does not touch a long name") {
  for (const std::string prefix : {"", "log-linear-"}) {
    std::vector<CellResult> cells;
    for (const char* name : {"mamba-2", "deltanet", "gated-deltanet"}) {
      const CsvTable row = table_of({{prefix + name, "mamba-2", 0, 64, "0.5", 1900}});
      cells.push_back(cells_of_table(row, "table").front());
    }
    const std::vector<GroupResult> groups = group_cells(cells);
    std::vector<Named> named;
    for (const GroupResult& group : groups) named.push_back({"mamba-2", group.label});
    const Styles styles(named);
    const Figure figure = draw_solved(make_study({"ex"}, groups, styles)).figure.value();
    int says = 0;
    for (const Text& text : figure.texts) {
      if (text.text == "1/1, median 1,900") ++says;
      for (const Text& other : figure.texts) {
        if (&text == &other || std::abs(text.y - other.y) > 10.0) continue;
        CAPTURE(text.text);
        CAPTURE(other.text);
        const auto [left, right] = span_of(text);
        const auto [other_left, other_right] = span_of(other);
        CHECK((right <= other_left || other_right <= left));
      }
    }
    CHECK(says == 3);
  }
}

TEST_CASE("plot: runs scored at several settings of eval.cells are shown once where they trained") {
  std::vector<CellResult> cells;
  for (const int seed : {0, 1, 2}) {
    for (const char* pairs : {"8", "16"}) {
      const CsvTable row =
          table_of({{"a", "fixed-decay", seed, 64, "0.5", seed == 2 ? 0 : 1000 + seed}});
      CellResult result = cells_of_table(row, "table").front();
      result.score->key.settings = {{"pairs", pairs}};
      cells.push_back(result);
    }
  }
  const std::vector<GroupResult> groups = group_cells(cells);
  REQUIRE(groups.size() == 2);
  const Styles styles(std::vector<Named>{{"fixed-decay", "a"}});
  const Study study = make_study({"ex"}, groups, styles);
  REQUIRE(study.sections.size() == 2);
  CHECK(study.sections[1].title == "16 pairs");
  REQUIRE(study.by_training().sections.size() == 1);
  CHECK(study.by_training().sections.front().title.empty());
  CHECK(study.by_training().rows() == 1);

  // Steps 0, 1000, 1001 and the last: two events, once.
  CHECK(draw_solved(study).figure.value().data.rows.size() == 4);
  CHECK(draw_solved_map(study).why_not == "it has one setting");
  Histories histories;
  for (const std::string& cell : groups.front().cells) histories[cell].resize(5);
  for (auto& [cell, rows] : histories) rows.back().step = 6000;
  CHECK(draw_curves(study, histories).figure.value().data.rows.size() == 15);
  CHECK(draw_seeds(study).figure.value().data.rows.size() == 6);  // of the scores: each
}

TEST_CASE("plot: what a run did while it trained is shown without other programs' models") {
  std::vector<CellResult> cells;
  for (const char* label : {"fixed-decay", "theirs"}) {
    for (const int seed : {0, 1}) {
      const bool ours = std::string(label) == "fixed-decay";
      const CsvTable row = table_of(
          {{label, ours ? "fixed-decay" : "outside", seed, 64, "0.5", ours ? 1000 + seed : 0}});
      cells.push_back(cells_of_table(row, "table").front());
    }
  }
  const std::vector<GroupResult> groups = group_cells(cells);
  const Styles styles(std::vector<Named>{{"fixed-decay", "fixed-decay"}, {"outside", "theirs"}});
  const Study study = make_study({"ex"}, groups, styles);
  CHECK(study.rows() == 2);
  CHECK(study.by_training().rows() == 1);
  const Figure figure = draw_solved(study).figure.value();
  CHECK(figure.summary.find("theirs") == std::string::npos);
  CHECK(draw_seeds(study).figure.value().summary.find("theirs: another program's model") !=
        std::string::npos);

  const std::vector<GroupResult> outside = {groups[1]};
  const Study theirs = make_study({"ex"}, outside, styles);
  CHECK(theirs.rows() == 1);
  CHECK(theirs.by_training().rows() == 0);
  CHECK_FALSE(draw_solved(theirs).figure.has_value());
  CHECK_FALSE(draw_curves(theirs, {}).figure.has_value());
}

TEST_CASE("plot: by lag, positions are counted in octaves or parts of one, by level one by one") {
  std::vector<CellResult> cells;
  Slices slices;
  const auto add = [&](const std::string& label, int seed, const std::string& tag,
                       const std::vector<std::array<std::int64_t, 3>>& values) {
    const std::string cell = fmt::format("{}-{}", label, seed);
    if (!slices.contains(cell)) {
      const CsvTable row = table_of({{label, "fixed-decay", seed, 64, "0.5"}});
      CellResult result = cells_of_table(row, "table").front();
      result.cell = cell;
      cells.push_back(result);
    }
    for (const auto& [value, scored, correct] : values) {
      SliceRow slice{cells.back().score->key, tag, value, scored,
                     static_cast<double>(correct) / static_cast<double>(scored)};
      slices[cell].push_back(slice);
      // Another split, which the picture is not of.
      slice.key.split = Split::kValidation;
      slice.scored *= 7;
      slices[cell].push_back(slice);
    }
  };
  for (const int seed : {1, 2}) {
    add("a", seed, "lag",
        {{1, 10, 10},
         {2, 10, 5},
         {3, 30, 0},
         {4, 8, 8},
         {7, 8, 0},
         {8, 4, 1},
         {16, 5, 5},
         {31, 5, 0}});
    add("a", seed, "level", {{1, 10, 10}, {2, 40, 5}, {3, 16, 8}});
  }
  const std::vector<GroupResult> groups = group_cells(cells);
  const Styles styles(std::vector<Named>{{"fixed-decay", "a"}});
  const Study study = make_study({"ex"}, groups, styles);

  const Drawn lag = draw_by_tag(study, slices, "lag");
  REQUIRE(lag.figure);
  // Octaves are five bins here, which is enough: 1, 2-3, 4-7, 8-15, 16-31; each of two seeds.
  const auto& rows = lag.figure->data.rows;
  REQUIRE(rows.size() == 10);
  const std::vector<std::string> second = {"",  "a",  "fixed-decay", "64",    "1",    "2",
                                           "4", "40", "5",           "0.125", "0.125"};
  CHECK(rows[1] == second);
  CHECK(rows[4] == std::vector<std::string>{"", "a", "fixed-decay", "64", "1", "16", "32", "10",
                                            "5", "0.5", "0.125"});

  const Drawn level = draw_by_tag(study, slices, "level");
  REQUIRE(level.figure);
  CHECK(level.figure->data.rows.size() == 6);
  CHECK(level.figure->data.rows[2][9] == "0.5");

  // Scores at one value each, as eval.cells asks for them, are one row, too.
  std::vector<CellResult> asked;
  Slices one_by_one;
  for (const CellResult& cell : cells) {
    for (const int value : {5, 6, 7}) {
      asked.push_back(cell);
      ScoreKey& key = asked.back().score->key;
      key.settings = {{"pairs", std::to_string(value)}};
      one_by_one[cell.cell].push_back({key, "pairs", value, 8, value == 6 ? 0.25 : 1.0});
    }
  }
  const std::vector<GroupResult> asked_groups = group_cells(asked);
  const Study one_by_one_study = make_study({"ex"}, asked_groups, styles);
  CHECK(one_by_one_study.sections.size() == 3);
  const Drawn together = draw_by_tag(one_by_one_study, one_by_one, "pairs");
  REQUIRE(together.figure);
  CHECK(together.figure->panels.size() == 1);
  CHECK(together.figure->data.rows.size() == 6);
  CHECK(together.figure->data.rows[1][9] == "0.25");

  CHECK(draw_by_tag(study, slices, "depth").why_not == "its task has no tag 'depth'");
  for (auto& [cell, rows_of_cell] : slices) {
    std::erase_if(rows_of_cell, [](const SliceRow& row) { return row.value > 2; });
  }
  CHECK(draw_by_tag(study, slices, "level").why_not == "all its answers lie in one level, or two");
  CHECK(draw_by_tag(study, {}, "lag").why_not ==
        "a table has no slices; give the runs or their archive");
}

TEST_CASE("plot: accuracy against the state's size, where there are two sizes") {
  if (!finds_gnuplot()) return;
  const std::vector<Cell> cells = {{"a", "fixed-decay", 1, 64, "0.5", 0, 8, 4096},
                                   {"a", "fixed-decay", 2, 64, "0.995", 900, 8, 4096},
                                   {"b", "gated-linear", 1, 64, "0.25", 0, 8, 1024}};
  const Pictures pictures(cells, {"state"});
  check_well_formed(pictures.read("state-ex.svg"));
  CHECK(pictures.read("state-ex.csv") ==
        "setting,label,variant,state_floats,seed,accuracy,solved,chance\n"
        ",a,fixed-decay,4096,1,0.5,0,0.125\n"
        ",a,fixed-decay,4096,2,0.995,1,0.125\n"
        ",b,gated-linear,1024,1,0.25,0,0.125\n");
  CHECK(error_of([&] {
          (void)Pictures({cells[0], cells[1]}, {"state"});
        }).find("all its states have one size") != std::string::npos);
}

TEST_CASE("plot: on a page a picture's colours follow the page, and reach no other picture") {
  Figure figure;
  figure.texts.push_back({0.0, 0.0, "x", 12.0, {"#111111", "#EEEEEE"}});
  const std::string svg = "<svg><style>@media{[fill]{}}</style>\n<g/></svg>";
  const std::string on_page = for_page(figure, svg, ".map");
  CHECK(on_page.find("@media") == std::string::npos);
  CHECK(on_page.find(".map [fill=\"#111111\"]{fill:light-dark(#111111,#EEEEEE)}") !=
        std::string::npos);
  CHECK(on_page.find("\n[fill") == std::string::npos);
}

TEST_CASE("plot: an experiment of two tasks says which is which, without options of the other") {
  std::vector<CellResult> cells = cells_of_table(
      table_of({{"a", "fixed-decay", 1, 64, "0.5"}, {"a", "fixed-decay", 2, 64, "0.5"}}), "table");
  cells[1].task = "selective-copying";
  for (Setting& setting : cells[1].settings) {
    if (setting.name == "task_pairs") setting.name = "task_tokens";
  }
  const std::vector<GroupResult> groups = group_cells(cells);
  const Styles styles(std::vector<Named>{{"fixed-decay", "a"}});
  const Study study = make_study({"ex"}, groups, styles);
  CHECK(study.setting == "64 tokens, 6,000 steps");
  REQUIRE(study.sections.size() == 2);
  CHECK(study.sections[0].title.starts_with("MQAR, 8 pairs"));
  CHECK(study.sections[1].title.starts_with("Selective copying, 8 to copy"));
  CHECK(study.sections[0].title.find("to copy") == std::string::npos);
  CHECK(study.sections[1].title.find("pairs") == std::string::npos);
}

TEST_CASE("plot: --dark gives a picture that is dark without a scheme") {
  const std::string svg =
      "<style>@media(prefers-color-scheme:dark){\n[fill=\"#FFFFFF\"]{fill:#14181D}\n}</style><g/>";
  CHECK(in_dark(svg) == "<style>\n[fill=\"#FFFFFF\"]{fill:#14181D}\n</style><g/>");
}

TEST_CASE("plot: the map of what is solved counts seeds in every setting") {
  if (!finds_gnuplot()) return;
  std::vector<Cell> cells = three_seeds();
  for (int seed = 0; seed < 4; ++seed) {
    cells.push_back({"fixed-decay", "fixed-decay", seed, 64, "1", seed < 3 ? 500 : 0, 16});
  }
  const Pictures pictures(cells, {"solved-map", "pairs"});
  const CsvTable table = parse_csv(pictures.read("solved-map-ex.csv"), "map");
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0] == std::vector<std::string>{"8 pairs", "fixed-decay", "fixed-decay", "1", "3",
                                                  csv_text(1.0 / 3.0)});
  CHECK(table.rows[1] ==
        std::vector<std::string>{"16 pairs", "fixed-decay", "fixed-decay", "3", "4", "0.75"});
  CHECK(count_of(pictures.read("solved-map-ex.svg"), ">3/4<") == 1);
  CHECK(parse_csv(pictures.read("pairs-ex.csv"), "pairs").rows.size() == 7);
  CHECK(count_of(pictures.read("pairs-ex.svg"), ">3/4<") == 1);
}

TEST_CASE("plot: ours less published, as compare_published() has it") {
  if (!finds_gnuplot()) return;
  PublishedComparison row;
  row.figure.source = "a <source>";
  row.figure.seeds = 4;
  row.figure.solved = 1;
  row.ours.variant = row.ours.label = "fixed-decay";
  row.ours.solve_steps = {{100, true}, {200, true}, {300, false}, {400, true}};
  row.ours.seeds = {0, 1, 2, 3};
  row.difference = 0.25;
  row.means = Interval{0.125, 0.375};
  row.shares = Interval{-0.25, 0.75};
  row.verdict = PublishedVerdict::kDiffers;
  row.decided_by = DecidedBy::kMeans;
  PublishedComparison other = row;
  other.verdict = PublishedVerdict::kNotComparable;
  const Styles styles(std::vector<Named>{{"fixed-decay", "fixed-decay"}});
  const std::vector<PublishedComparison> rows = {row, other};
  const Figure figure = draw_published(rows, styles).figure.value();
  REQUIRE(figure.data.rows.size() == 1);
  const auto at = [&](const char* column) {
    return figure.data.rows.front()[figure.data.index(column)];
  };
  CHECK(at("difference") == "0.25");
  CHECK(at("difference_high") == "0.375");
  CHECK(at("share_difference") == "0.5");
  CHECK(at("share_low") == "-0.25");
  CHECK(at("verdict") == "differs");
  const std::string svg = svg_of(figure);
  check_well_formed(svg);
  CHECK(svg.find("1 differs; 1 more are not comparable") != std::string::npos);
  CHECK(!draw_published({other}, styles).figure);
}

TEST_CASE("plot: a label looks the same wherever it stands, and no two look alike") {
  const std::vector<Named> labels = {{"fixed-decay", "fixed-decay"},
                                     {"fixed-decay", "fixed+conv"},
                                     {"mine", "mine"},
                                     {"mine-too", "mine-too"},
                                     {"adaptive-decay", "x"}};
  const Styles styles(labels);
  CHECK(styles.of(labels[0]).mark.light == "#376BD0");
  CHECK(styles.of(labels[0]).dash == Dash::kSolid);
  CHECK(styles.of(labels[1]).mark == styles.of(labels[0]).mark);
  CHECK(styles.of(labels[1]).dash == Dash::kDashed);
  CHECK(styles.of(labels[2]).mark.light != styles.of(labels[3]).mark.light);
  CHECK(styles.of(labels[4]).marker == Marker::kDiamond);
  CHECK(styles.rank(labels[0]) < styles.rank(labels[1]));
  CHECK(styles.rank(labels[1]) < styles.rank(labels[4]));
  CHECK(styles.rank(labels[4]) < styles.rank(labels[2]));
}

TEST_CASE("plot: every variant of ours has a look of its own, to be seen on either ground") {
  std::vector<Named> labels;
  for (const char* name : {"fixed-decay", "linear-decay", "adaptive-decay", "softmax-level",
                           "gated-linear", "full-quadratic", "gla", "mamba-2", "log-linear-mamba-2",
                           "adaptive-mamba-2", "deltanet", "gated-deltanet", "log-linear-deltanet",
                           "adaptive-deltanet", "sliding-window", "gated-convolution"}) {
    labels.push_back({name, name});
  }
  const auto luminance = [](const std::string& colour) {
    double sum = 0.0;
    for (const auto& [at, share] : {std::pair{1, 0.2126}, {3, 0.7152}, {5, 0.0722}}) {
      const double channel =
          std::stoi(colour.substr(static_cast<std::size_t>(at), 2), nullptr, 16) / 255.0;
      sum +=
          share * (channel <= 0.03928 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4));
    }
    return sum;
  };
  const auto contrast = [&](const std::string& a, const std::string& b) {
    const auto [low, high] = std::minmax({luminance(a), luminance(b)});
    return (high + 0.05) / (low + 0.05);
  };
  const Styles styles(labels);
  std::map<std::string, std::string> dark_of;
  std::set<std::string> marks;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    CAPTURE(labels[i].variant);
    const VariantStyle& style = styles.of(labels[i]);
    CHECK_FALSE(style.says.empty());
    CHECK(marks.insert(style.mark.light).second);
    if (i > 0) CHECK(styles.rank(labels[i - 1]) < styles.rank(labels[i]));
    for (const Ink& ink : {style.mark, style.text}) {
      CHECK(dark_of.try_emplace(ink.light, ink.dark).first->second == ink.dark);
    }
    CHECK(contrast(style.mark.light, ink::kGround.light) >= 3.0);
    CHECK(contrast(style.mark.dark, ink::kGround.dark) >= 3.0);
    CHECK(contrast(style.text.light, ink::kGround.light) >= 4.5);
    CHECK(contrast(style.text.dark, ink::kGround.dark) >= 4.5);
  }
}

TEST_CASE("plot: the same results give the same bytes") {
  if (!finds_gnuplot()) return;
  const Pictures one(three_seeds());
  const Pictures two(three_seeds());
  for (const char* file : {"seeds-ex.svg", "seeds-ex.csv", "solved-ex.svg", "solved-ex.csv"}) {
    CHECK(one.read(file) == two.read(file));
  }
  if (one.has("seeds-ex.png")) CHECK(one.read("seeds-ex.png") == two.read("seeds-ex.png"));
}

TEST_CASE("plot: labels may hold anything") {
  if (!finds_gnuplot()) return;
  const std::string hostile = "a_b^{2} <script>\"'%s%% \\n $m0 & `x` @é λ ]]>";
  std::vector<Cell> cells;
  for (int seed = 0; seed < 6; ++seed) {
    for (const int length : {64, 128}) {
      cells.push_back({hostile, "of-somebody's", seed, length, "0.995", 100 + seed, 8});
      cells.push_back({hostile + "2", "of-somebody's", seed, length, "0.5", 0, 16});
    }
  }
  const Pictures pictures(cells);
  for (const char* name : {"seeds-ex.svg", "length-ex.svg", "solved-ex.svg", "pairs-ex.svg"}) {
    INFO(name);
    const std::string svg = pictures.read(name);
    check_well_formed(svg);
    CHECK(svg.find("<script>") == std::string::npos);
    CHECK(svg.find("a_b^{2} &lt;script&gt;") != std::string::npos);
  }
  CHECK(parse_csv(pictures.read("seeds-ex.csv"), "").rows.front()[1] == hostile);
}

TEST_CASE("plot: 200 variants give a long picture, or one line where they would give panels") {
  if (!finds_gnuplot()) return;
  std::vector<Cell> cells;
  for (int i = 0; i < 200; ++i) {
    const std::string name = fmt::format("variant-{:03}", i);
    for (int seed = 0; seed < 5; ++seed) {
      cells.push_back({name, name, seed, 64, fmt::format("0.{:03}", i * 3 + seed), 0, 8});
    }
  }
  const Pictures pictures(cells);
  const std::string svg = pictures.read("seeds-ex.svg");
  check_well_formed(svg);
  for (int i = 0; i < 200; ++i) CHECK(count_of(svg, fmt::format(">variant-{:03}<", i)) == 1);
  CHECK(parse_csv(pictures.read("seeds-ex.csv"), "").rows.size() == 1000);
  CHECK(!pictures.has("curves-ex.svg"));
  bool said = false;
  for (const std::string& note : pictures.report().notes) {
    said = said || note == "no picture curves of ex: 200 panels are more than 72";
  }
  CHECK(said);
}

TEST_CASE("plot: one cell is enough, and a score that is no number is left out") {
  if (!finds_gnuplot()) return;
  const Pictures one({{"fixed-decay", "fixed-decay", 0, 64, "0.5", 0, 8}});
  check_well_formed(one.read("seeds-ex.svg"));
  CHECK(count_of(one.read("seeds-ex.svg"), ">0/1<") == 1);
  std::vector<Cell> cells = three_seeds();
  cells[0].accuracy = "nan";
  const Pictures nan(cells);
  check_well_formed(nan.read("seeds-ex.svg"));
  CHECK(nan.read("seeds-ex.svg").find("nan") == std::string::npos);
  CHECK(count_of(nan.read("seeds-ex.svg"), " 0 1 0 ") == 4);  // two circles of two arcs each
}

TEST_CASE("plot: a history with gaps is a line with gaps, and a table has no histories") {
  if (!finds_gnuplot()) return;
  const ResultSet results = result_set_of(table_of(three_seeds()), "");
  const std::vector<GroupResult> groups = group_cells(results.cells);
  const Styles styles(std::vector<Named>{{"fixed-decay", "fixed-decay"}});
  const Study study = make_study({"ex"}, groups, styles);
  CHECK(draw_curves(study, {}).why_not ==
        "a table has no histories; give the runs or their archive");
  Histories histories;
  for (const std::string& cell : groups.front().cells) {
    for (int step = 1; step <= 6; ++step) {
      HistoryRow row;
      row.step = step * 1000;
      row.validation_accuracy = step == 3 ? std::numeric_limits<double>::quiet_NaN() : 0.1 * step;
      histories[cell].push_back(row);
    }
  }
  Figure figure = draw_curves(study, histories).figure.value();
  figure.name = "curves";
  const std::string svg = svg_of(figure);
  check_well_formed(svg);
  CHECK(svg.find("nan") == std::string::npos);
  const std::size_t line = svg.find("<title>fixed-decay, seed 0</title>");
  REQUIRE(line != std::string::npos);
  const std::size_t path = svg.rfind(" d=\"", line);
  CHECK(count_of(svg.substr(path, line - path), "M") == 2);
  CHECK(figure.data.rows.size() == 18);
}

TEST_CASE("plot: runs, their archive and an archive of another name give the same curves") {
  if (!finds_gnuplot()) return;
  const TemporaryFolder folder;
  Watch watch;
  run(tiny(), folder.path() / "runs", watch);
  archive(folder.path() / "runs", folder.path() / "archives");
  std::filesystem::create_directory(folder.path() / "moved");
  std::filesystem::copy(folder.path() / "archives" / "tiny", folder.path() / "moved" / "other",
                        std::filesystem::copy_options::recursive);
  const auto curves = [&](const char* from) {
    const std::filesystem::path out = folder.path() / "out" / from;
    (void)make_pictures({folder.path() / from, {"curves"}, {}, out});
    return read_file(out / "curves-tiny.csv") + read_file(out / "curves-tiny.svg");
  };
  const std::string of_runs = curves("runs");
  CHECK(count_of(of_runs, "a/b") > 0);
  CHECK(of_runs == curves("archives"));
  CHECK(of_runs == curves("moved"));
}

TEST_CASE("plot: what cannot be drawn or written is one line") {
  if (!finds_gnuplot()) return;
  const TemporaryFolder folder;
  const std::filesystem::path empty = folder.path() / "empty";
  std::filesystem::create_directory(empty);
  const std::filesystem::path table = folder.path() / "cells.csv";
  write_file_atomically(table, to_csv(table_of(three_seeds())));
  const auto line = [&](const std::filesystem::path& results, const std::filesystem::path& out,
                        const std::vector<std::string>& what = {},
                        const std::vector<std::string>& experiments = {}) {
    return error_of([&] { (void)make_pictures({results, what, experiments, out}); });
  };
  const std::filesystem::path out = folder.path() / "out";
  CHECK(line(empty, out).find("holds no results") != std::string::npos);
  CHECK(line(table, table / "below").find("cells.csv") != std::string::npos);
  CHECK(line("/proc/self", "/proc/1/x") != "no error");
  CHECK(line(table, out, {}, {"exx"}).find("did you mean 'ex'?") != std::string::npos);
  CHECK(line(table, out, {"curves"}).find("a table has no histories") != std::string::npos);
  CHECK(!std::filesystem::exists(out));
  for (const std::string& text : {line(empty, out), line(table, table / "below")}) {
    CHECK(text.find('\n') == std::string::npos);
  }
}

TEST_CASE("plot: two pictures of one name are refused before either is written") {
  const TemporaryFolder folder;
  Figure figure;
  figure.name = "solved-map-x";
  CHECK(error_of([&] {
          (void)write_figures(folder / "out", {figure, figure}, {});
        }) ==
        "two pictures are both called solved-map-x.svg; draw them apart, with --what or "
        "--experiment");
  CHECK_FALSE(std::filesystem::exists(folder / "out"));
}

TEST_CASE("plot: without gnuplot, or where it fails, one line says so") {
  const TemporaryFolder folder;
  const std::filesystem::path table = folder.path() / "cells.csv";
  write_file_atomically(table, to_csv(table_of(three_seeds())));
  const auto draw = [&] { (void)make_pictures({table, {"seeds"}, {}, folder.path() / "out"}); };
  {
    const Path none((folder.path() / "nothing").string());
    CHECK(error_of(draw) ==
          "pictures are drawn by gnuplot, which is not installed; on Debian: apt-get install "
          "gnuplot-nox fonts-liberation librsvg2-bin");
  }
  const std::filesystem::path bin = folder.path() / "bin";
  std::filesystem::create_directory(bin);
  write_file_atomically(bin / "gnuplot",
                        "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\n"
                        "echo '\nset nothing\n    ^\nline 7: unrecognized option' >&2\nexit 1\n");
  std::filesystem::permissions(bin / "gnuplot", std::filesystem::perms::owner_all);
  const Path fake(bin.string());
  CHECK(error_of(draw) == "gnuplot failed on seeds-ex with status 1: line 7: unrecognized option");
}

}  // namespace recollect::plot
