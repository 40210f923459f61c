// `recollect inspect`: what is averaged, the input-dependence, text, table and picture.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "harness/config/load.hpp"
#include "harness/inspect/inspection.hpp"
#include "harness/inspect/inspection_table.hpp"
#include "harness/inspect/inspection_text.hpp"
#include "harness/plot/files.hpp"
#include "harness/plot/lambda.hpp"
#include "harness/plot/process.hpp"
#include "harness/render/json.hpp"
#include "harness/train/cell_model.hpp"
#include "math/fenwick.hpp"
#include "models/registry.hpp"
#include "tests/support/random_numbers.hpp"
#include "tests/support/toy_tasks.hpp"

namespace recollect {
namespace {

using testing::BytesSettings;
using testing::toy_cell;

constexpr const char* kSmall = R"(task: {{name: mqar, length: 32, pairs: 4, vocab: 32}}
model: {{width: 8, layers: 2, heads: 2{}}}
variants: [{}]
eval: {{examples: 40}}
)";

Experiment small(const std::string& variant, const std::string& model = "") {
  return parse_experiment(fmt::format(kSmall, model, variant), "small.yaml");
}

/// A cell's model with random weights, looked at.
struct Looked {
  Experiment experiment;
  Inspection inspection;
};
Looked looked_at(const std::string& variant, InspectRequest request = {},
                 const std::string& model_options = "") {
  Looked looked{small(variant, model_options), {}};
  const Cell& cell = looked.experiment.cells.at(0);
  SequenceModel<float> model = build_model(cell);
  fill_normal<float>(9, 0.5, model.parameters());
  if (request.length == 0) request.length = cell.task->length;
  request.examples = 10;
  looked.inspection = inspect_cell({cell, 1, 1}, model, request);
  looked.inspection.weights = "random weights";
  return looked;
}

/// One value of lambda, and where it stands.
struct Entry {
  double value;
  std::size_t level, position, kind;
};

/// Sum of squares about the means of groups; `group` numbers them.
template <class Group>
double within(const std::vector<Entry>& entries, const Group& group) {
  double squares = 0.0;
  for (const Entry& entry : entries) {
    double sum = 0.0;
    double count = 0.0;
    for (const Entry& other : entries) {
      if (group(other) != group(entry)) continue;
      sum += other.value;
      count += 1.0;
    }
    squares += (entry.value - sum / count) * (entry.value - sum / count);
  }
  return squares;
}

TEST_CASE("inspect: a level holds tokens where the partition has a block of it") {
  for (const std::int64_t tokens : {1, 2, 17, 40}) {
    const auto needed = static_cast<std::size_t>(level_count(tokens));
    for (std::size_t levels = 1; levels <= needed + 1; ++levels) {
      for (std::int64_t t = 0; t < tokens; ++t) {
        std::vector<bool> expected(levels, false);
        for (std::int64_t s = 0; s <= t; ++s) {
          expected[static_cast<std::size_t>(
              level_column(level(t, s), static_cast<std::ptrdiff_t>(levels)))] = true;
        }
        for (std::size_t l = 0; l < levels; ++l) {
          // A single level reads everything.
          CHECK(holds_tokens(l, levels, t) == expected[l]);
        }
      }
    }
  }
}

TEST_CASE("inspect: shares of the variance are those of the sums written out") {
  constexpr std::size_t kTokens = 11, kLevels = 4, kKinds = 3, kExamples = 5;
  std::vector<double> numbers(kExamples * kTokens * kLevels);
  fill_normal<double>(4, 1.0, numbers);
  LevelVariance variance(kTokens, kLevels, kKinds);
  std::vector<Entry> entries;
  for (std::size_t n = 0; n < kExamples; ++n) {
    std::vector<double> lambda(kTokens * kLevels);
    std::vector<std::int32_t> kinds(kTokens);
    for (std::size_t t = 0; t < kTokens; ++t) {
      kinds[t] = static_cast<std::int32_t>((t * t + n) % kKinds);
      for (std::size_t l = 0; l < kLevels; ++l) {
        const double value = numbers[(n * kTokens + t) * kLevels + l] +
                             0.7 * static_cast<double>(l) + 0.2 * static_cast<double>(t) +
                             0.5 * kinds[t];
        lambda[t * kLevels + l] = value;
        if (holds_tokens(l, kLevels, static_cast<std::int64_t>(t))) {
          entries.push_back({value, l, t, static_cast<std::size_t>(kinds[t])});
        }
      }
    }
    variance.add(lambda, kinds);
  }
  const VarianceShares shares = variance.shares();
  const double total = within(entries, [](const Entry&) { return 0U; });
  const double levels = within(entries, [](const Entry& e) { return e.level; });
  const double places =
      within(entries, [](const Entry& e) { return e.level * kTokens + e.position; });
  const double kinds = within(entries, [](const Entry& e) { return e.level * kKinds + e.kind; });
  CHECK(shares.total == doctest::Approx(total / static_cast<double>(entries.size())));
  CHECK(shares.inputs == doctest::Approx(places / total));
  CHECK(shares.levels == doctest::Approx((total - levels) / total));
  CHECK(shares.positions == doctest::Approx((levels - places) / total));
  CHECK(shares.kinds == doctest::Approx((levels - kinds) / total));
  CHECK(shares.levels + shares.positions + shares.inputs == doctest::Approx(1.0));
  double sum = 0.0;
  double count = 0.0;
  for (const Entry& entry : entries) {
    if (entry.level != 2 || entry.kind != 1) continue;
    sum += entry.value;
    count += 1.0;
  }
  CHECK(variance.mean(2, 1).value() == doctest::Approx(sum / count));
}

TEST_CASE("inspect: an index that is known beforehand") {
  // Level 0 is 3 or 5 with the example, level 1 always 8: means 4 and 8.
  LevelVariance variance(2, 2, 1);
  const std::vector<std::int32_t> kinds = {0, 0};
  variance.add(std::vector<double>{3, 99, 3, 8}, kinds);  // at 0 level 1 holds nothing
  variance.add(std::vector<double>{5, -7, 5, 8}, kinds);
  const VarianceShares shares = variance.shares();
  // Entries 3 3 8 5 5 8: sum of squares about 16/3 is 76/3, within places 4.
  CHECK(shares.total == doctest::Approx(76.0 / 18.0));
  CHECK(shares.inputs == doctest::Approx(12.0 / 76.0));
  CHECK(shares.positions == doctest::Approx(0.0));
  CHECK(std::string(verdict_of(shares)) == "adapts");  // 15.8 %
  CHECK(!LevelVariance(1, 2, 1).mean(1));
  VarianceShares less = shares;
  less.inputs = 0.1499;
  CHECK(std::string(verdict_of(less)) == "hardly adapts");
  less.examples = 1;
  CHECK(std::string(verdict_of(less)) == "is of one example, which tells nothing");

  LevelVariance constant(4, 3, 1);
  for (int n = 0; n < 7; ++n) constant.add(std::vector<double>(12, 0.1), {{0, 0, 0, 0}});
  CHECK(constant.shares().total == 0.0);
  CHECK(constant.shares().inputs == 0.0);
  CHECK(std::string(verdict_of(constant.shares())) == "is constant");
}

TEST_CASE("inspect: the input-dependence of fixed-decay is 0, that of others is not") {
  const Looked fixed = looked_at("fixed-decay");
  for (const InspectedLayer& layer : fixed.inspection.layers) {
    for (const HeadInspection& head : layer.heads) {
      CHECK(head.shares->inputs == 0.0);
      CHECK(head.shares->positions == 0.0);
      CHECK(head.shares->total > 0.0);
      CHECK(std::string(verdict_of(*head.shares)) == "is one constant a level");
    }
  }
  for (const char* variant : {"linear-decay", "adaptive-decay", "softmax-level"}) {
    CHECK(looked_at(variant).inspection.layers[0].heads[1].shares->inputs > 0.001);
  }
}

TEST_CASE("inspect: half-lives are ln 2 / -g, and infinite where nothing decays") {
  CHECK(half_life(-std::log(2.0)) == doctest::Approx(1.0));
  CHECK(half_life(-0.01) == doctest::Approx(69.3147));
  CHECK(std::isinf(half_life(0.0)));
  CHECK(std::isinf(half_life(-0.0)));
  const Looked none = looked_at("adaptive-decay", {}, ", gate: none");
  CHECK_FALSE(none.inspection.layers[0].heads[0].half_life);
  const Looked decays = looked_at("adaptive-decay");
  const HeadInspection& head = decays.inspection.layers[0].heads[0];
  REQUIRE(head.half_life);
  CHECK(head.half_life->low <= head.half_life->median);
  CHECK(head.half_life->median <= head.half_life->high);
}

TEST_CASE("inspect: queries are the first and the last scored one, or those that are asked for") {
  const Looked looked = looked_at("adaptive-decay");
  const Inspection& inspection = looked.inspection;
  const Example& example = inspection.shown.example;
  REQUIRE(inspection.queries.size() == 2);
  CHECK(inspection.queries[0].position == example.positions.front());
  CHECK(inspection.queries[1].position == example.positions.back());
  for (const ShownQuery& query : inspection.queries) {
    REQUIRE(query.answer_at);
    CHECK(example.ids[static_cast<std::size_t>(*query.answer_at)] == query.label);
    CHECK(*query.answer_at < query.position);
  }
  CHECK(inspection.layers[1].heads[0].rows[1].size() ==
        static_cast<std::size_t>(example.positions.back()) + 1);
  InspectRequest request;
  request.queries = {0, 31};
  const Looked asked = looked_at("adaptive-decay", request);
  CHECK(asked.inspection.queries[0].position == 0);
  CHECK_FALSE(asked.inspection.queries[0].label);
  request.queries = {32};
  CHECK_THROWS_WITH_AS((void)looked_at("adaptive-decay", request),
                       "query 32 is not in 0..31, the positions of the example", ConfigError);
}

TEST_CASE("inspect: a longer sequence than trained, and two tokens") {
  InspectRequest request;
  request.length = 128;
  const Looked longer = looked_at("adaptive-decay", request);
  CHECK(longer.inspection.layers[0].levels == 6);  // of 32 tokens
  CHECK(span_of_level(5, 6, 32) == "16 tokens");
  CHECK(span_of_level(5, 6, 128) == "16 or more");
  CHECK(span_of_level(1, 6, 128) == "1 token");
  CHECK(span_of_level(0, 1, 1) == "itself");

  const auto task = std::make_shared<BytesSettings>(2);
  const Cell cell = toy_cell(task, "adaptive-decay", "steps: 1, eval_every: 1, batch: 1");
  SequenceModel<float> model = build_model(cell);
  Inspection inspection = inspect_cell({cell, 1, 1}, model, {Split::kTest, 0, 3, 2, {}});
  inspection.weights = "initial weights";
  CHECK(inspection.layers[0].levels == 2);
  CHECK_FALSE(inspection_text(inspection, 80).empty());
  CHECK(plot::draw_lambda(inspection).figure);
}

TEST_CASE("inspect: where scores are of other pairs, the averages are of the example's kind") {
  const auto averages = [](const std::string& task, const std::string& scored) {
    const Experiment experiment =
        parse_experiment(fmt::format(R"(task: {{name: mqar, length: 32, vocab: 32, {}}}
model: {{width: 8, layers: 2}}
variants: [adaptive-decay]
eval: {{{}}}
)",
                                     task, scored),
                         "made.yaml");
    SequenceModel<float> model = build_model(experiment.cells.at(0));
    fill_normal<float>(9, 0.5, model.parameters());
    const Inspection inspection =
        inspect_cell({experiment.cells.at(0), 1, 1}, model, {Split::kTest, 0, 10, 32, {}});
    return inspection.layers.at(0).heads.at(0).mean_by_kind;
  };
  const auto few = averages("pairs: 2", "examples: 40");
  const auto many = averages("pairs: 6", "examples: 40");
  CHECK(averages("pairs: 2", "cells: [{length: 32, pairs: 6, examples: 40}]") == many);
  CHECK(few != many);
}

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) longest = std::max(longest, line.size());
  return longest;
}

TEST_CASE("inspect: every variant as text, table and JSON, as a picture where it has levels") {
  const bool has_gnuplot = plot::has_gnuplot();
  for (const MixerEntry& entry : mixers()) {
    CAPTURE(entry.name);
    const Looked looked = looked_at(std::string(entry.name));
    const Inspection& inspection = looked.inspection;
    const std::string text = inspection_text(inspection, 80);
    CHECK(longest_line(text) <= 80);
    CHECK(text.find(entry.name) != std::string::npos);
    const CsvTable table = inspection_table(inspection);
    CHECK(parse_csv(to_csv(table), "table").rows == table.rows);
    const Json json = Json::parse(inspection_json(inspection));
    CHECK(json["layers"].size() == 2);
    const plot::Drawn drawn = plot::draw_lambda(inspection);
    CHECK(drawn.figure.has_value() == inspection.has_levels());
    if (!entry.settings()->has_levels()) {
      CHECK(drawn.why_not ==
            fmt::format("{} has no levels, so there is no lambda to draw", entry.name));
      continue;
    }
    CHECK(text.find("input-dependence") != std::string::npos);
    if (!has_gnuplot) continue;
    const std::string svg = plot::svg_of(*drawn.figure);
    CHECK(svg == plot::svg_of(*drawn.figure));
    std::istringstream stream(svg);
    boost::property_tree::ptree tree;
    CHECK_NOTHROW(boost::property_tree::read_xml(stream, tree));
    CHECK(svg.find("Layer 1, head 1") != std::string::npos);
    CHECK(svg.find("input-dependence") != std::string::npos);
  }
}

TEST_CASE("inspect: layers of different mixers are named, each shows what it has") {
  Looked looked = looked_at("{name: adaptive-decay, pattern: [full-quadratic, variant]}");
  Inspection& inspection = looked.inspection;
  REQUIRE(inspection.is_mixed());
  std::string text = inspection_text(inspection, 80);
  CHECK(text.find("\nlayer 0 (full-quadratic), head 0\n") != std::string::npos);
  CHECK(text.find("\nlayer 1 (adaptive-decay), head 1\n") != std::string::npos);
  CHECK(text.find("no levels: there is no lambda") < text.find("layer 1 (adaptive-decay)"));
  const Json json = Json::parse(inspection_json(inspection));
  CHECK(json["layers"][0]["mixer"] == "full-quadratic");
  CHECK(json["layers"][1]["levels"] == 6);
  const auto words = [&] {
    std::string all;
    const plot::Drawn drawn = plot::draw_lambda(inspection);
    for (const plot::Text& one : drawn.figure->texts) all += one.text + "|";
    return all;
  };
  CHECK(words().find("Layer 0, head 0: ") == std::string::npos);
  CHECK(words().find("Layer 1, head 0") != std::string::npos);
  // Where the last layer shows nothing, what a query reads is that of the last layer that does.
  std::swap(inspection.layers[0], inspection.layers[1]);
  inspection.layers[1].heads.clear();
  text = inspection_text(inspection, 80);
  CHECK(text.find("\nlayer 1: full-quadratic reports nothing to look at\n") != std::string::npos);
  CHECK(words().find(": what the query at ") != std::string::npos);
  CHECK_FALSE(looked_at("adaptive-decay").inspection.is_mixed());
}

TEST_CASE("inspect: boxes stand where their corners say, all of one colour in one path") {
  if (!plot::has_gnuplot()) return;
  plot::Figure figure;
  figure.name = figure.title = "boxes";
  figure.height = 100.0;
  plot::Panel panel{100.0, 10.0, 200.0, 60.0, {0.0, 10.0}, {0.0, 5.0}, {}};
  plot::Mark boxes;
  boxes.kind = plot::MarkKind::kBoxes;
  boxes.points = {{0.0, 0.0}, {5.0, 1.0}, {9.0, 4.0}, {10.0, 5.0}};
  boxes.ink = plot::shade_of(0.6);
  boxes.name = "a<b";
  panel.marks = {boxes};
  figure.panels = {panel};
  const std::string svg = plot::svg_of(figure);
  CHECK(svg.find("d=\"M100,60H150V50H100zM190,20H200V10H190z\"") != std::string::npos);
  CHECK(svg.find("[fill=\"#5FAEB8\"]{fill:#2A7887}") != std::string::npos);  // when dark
  CHECK(svg.find("<title>a&lt;b</title>") != std::string::npos);
  CHECK(plot::ink::on_ramp(0.0) == plot::shade_of(0.2));
  CHECK(plot::ink::on_ramp(1.0) == plot::shade_of(1.0));
  CHECK(plot::ink::on_ramp(0.25) == plot::shade_of(0.4));
}

TEST_CASE("inspect: the table holds lambda where levels hold something, and nowhere else") {
  const Looked looked = looked_at("adaptive-decay");
  const CsvTable table = inspection_table(looked.inspection);
  std::size_t count = 0;
  for (const std::vector<std::string>& row : table.rows) {
    if (row[table.index("part")] != "lambda") continue;
    ++count;
    const auto of = [&](const char* column) { return std::stoul(row[table.index(column)]); };
    CHECK(holds_tokens(of("level"), 6, static_cast<std::int64_t>(of("position"))));
    const HeadInspection& head = looked.inspection.layers[of("layer")].heads[of("head")];
    CHECK(std::stod(row[table.index("value")]) == head.lambda[of("position") * 6 + of("level")]);
  }
  // 32 tokens at level 0, and half of them at each of the others; 2 layers, 2 heads.
  CHECK(count == 4 * (32 + 5 * 16));
}

TEST_CASE("inspect: labels with markup, many heads and long sequences are drawn or said") {
  Looked looked = looked_at("adaptive-decay");
  looked.inspection.label = "<b>\"&\x01";
  if (plot::run_process({"gnuplot", "--version"}, "").found) {
    const std::string svg = plot::svg_of(*plot::draw_lambda(looked.inspection).figure);
    CHECK(svg.find("<b>") == std::string::npos);
    std::istringstream stream(svg);
    boost::property_tree::ptree tree;
    CHECK_NOTHROW(boost::property_tree::read_xml(stream, tree));
  }
  CHECK(inspection_text(looked.inspection, 80).find('\x01') == std::string::npos);
  const InspectedLayer layer = looked.inspection.layers[0];
  looked.inspection.layers.assign(10, layer);
  const plot::Drawn many = plot::draw_lambda(looked.inspection);
  REQUIRE(many.figure);
  std::string caption;
  for (const plot::Text& text : many.figure->texts) caption += text.text + " ";
  CHECK(caption.find("The first 8 of 20 heads") != std::string::npos);
  looked.inspection.shown.length = 4096;
  CHECK(plot::draw_lambda(looked.inspection).why_not ==
        "4,096 positions are more than 2,048; look at a shorter --length");
}

}  // namespace
}  // namespace recollect
