// `pattern`: which mixer stands in which layer, with which options, and what is said where it does
// not fit.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <utility>
#include <vector>

#include "harness/config/load.hpp"
#include "harness/config/model_options.hpp"
#include "harness/train/cell_model.hpp"
#include "models/registry.hpp"
#include "tests/support/config_errors.hpp"
#include "tests/support/round_trip.hpp"

namespace recollect {
namespace {

const std::string kTask = "task: {name: mqar}\n";

Experiment parse(const std::string& text) { return parse_experiment(kTask + text, "x.yaml"); }

/// "gated-linear chunk=32 gate=none | ...": the mixers of a cell's layers and what of their options
/// is not at its default.
std::string layers_text(const Cell& cell) {
  std::vector<std::string> layers;
  for (const auto& layer : cell.variant.layers) {
    std::string& text = layers.emplace_back(layer->name());
    const auto own = layer->clone();
    const auto usual = mixer_settings(layer->name());
    const Fields fields = own->fields();
    const Fields defaults = usual->fields();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].text() != defaults[i].text()) {
        text += fmt::format(" {}={}", fields[i].name, fields[i].text());
      }
    }
  }
  return fmt::format("{}", fmt::join(layers, " | "));
}

std::string line_of(const std::string& text, const std::string& key) {
  const std::size_t at = text.find(key + ":");
  return at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
}

std::string pattern_line(const Cell& cell) { return line_of(cell.identity(), "model.pattern"); }

TEST_CASE("pattern: is repeated over the layers") {
  const Experiment experiment = parse(
      "model: {layers: 5, pattern: [full-quadratic, variant]}\n"
      "variants: [fixed-decay, {name: gated-linear, layers: 3}]");
  CHECK(layers_text(experiment.cells[0]) ==
        "full-quadratic | fixed-decay | full-quadratic | fixed-decay | full-quadratic");
  CHECK(layers_text(experiment.cells[1]) == "full-quadratic | gated-linear | full-quadratic");
  CHECK(layers_text(parse("variants: [gated-linear]").cells[0]) == "gated-linear | gated-linear");
  const SequenceModel<float> model = empty_model(experiment.cells[0]);
  CHECK(model.layout().find("layers.1.level_scale") != nullptr);
  CHECK(model.layout().find("layers.2.level_scale") == nullptr);
  CHECK(experiment.cells[0].variant.has_levels());
  CHECK_FALSE(experiment.cells[1].variant.has_levels());
}

TEST_CASE("pattern: an entry's own map goes first, then what its name sets, then the model") {
  const std::string model =
      "model:\n  chunk: 32\n  qkv_conv: 2\n  gate: none\n  pattern:\n"
      "    - {name: gated-deltanet, gate: input, output: rms}\n    - linear-decay\n"
      "    - variant\n  layers: 3\n";
  // The variant's map is for the variant.
  const Cell cell =
      parse(model + "variants: [{name: gated-linear, chunk: 16, skip: true}]").cells[0];
  CHECK(layers_text(cell) ==
        "gated-deltanet chunk=32 output=rms | linear-decay gate=none chunk=32 qkv_conv=2 | "
        "gated-linear gate=none chunk=16 qkv_conv=2 skip=true");
  CHECK(pattern_line(cell) ==
        "model.pattern: [{name: gated-deltanet, chunk: 32, output: rms}, {name: linear-decay, "
        "gate: none, chunk: 32, qkv_conv: 2}, variant]");
  CHECK(round_trip_failure(parse(model + "variants: [gated-linear, full-quadratic]")) == "");
  // A pattern of the variant's own goes before the model's.
  const Cell own =
      parse(model + "variants: [{name: gated-linear, pattern: [variant, full-quadratic]}]")
          .cells[0];
  CHECK(own.variant.layers[1]->name() == "full-quadratic");
  CHECK(own.variant.layers[2]->name() == "gated-linear");
}

TEST_CASE("pattern: a cell's own file says what `model:` would give an entry otherwise") {
  // `model:` of the file has the variant's gate, which is not the entry's.
  const Experiment experiment = parse(
      "model: {pattern: [linear-decay, variant]}\nvariants: [{name: gated-linear, gate: none}]");
  const Cell& cell = experiment.cells[0];
  CHECK(pattern_line(cell) == "model.pattern: [linear-decay, variant]");
  CHECK(line_of(cell.yaml("x"), "  pattern") ==
        "  pattern: [{name: linear-decay, gate: input}, variant]");
  CHECK(round_trip_failure(experiment) == "");
}

TEST_CASE(
    "pattern: cells without one keep their identity, and one that places the variant alone is "
    "none") {
  const Cell plain = parse("variants: [fixed-decay]").cells[0];
  CHECK(plain.identity() == "model.first_layer: ids\nseed: 0\ntask: mqar\nvariant: fixed-decay\n");
  CHECK(plain.yaml("x").find("pattern") == std::string::npos);
  for (const char* same :
       {"[variant]", "[variant, variant]", "[variant, fixed-decay]",
        "[{name: fixed-decay}, variant]", "[variant, variant, full-quadratic]"}) {
    CAPTURE(same);
    const Cell cell =
        parse(fmt::format("model: {{pattern: {}}}\nvariants: [fixed-decay]", same)).cells[0];
    CHECK(cell.identity() == plain.identity());
    CHECK(cell.yaml("x") == plain.yaml("x"));
  }
}

TEST_CASE("pattern: the identity has the shortest list that gives the layers") {
  const auto line = [](const std::string& pattern, int layers) {
    return pattern_line(parse(fmt::format("model: {{layers: {}, pattern: {}}}\n"
                                          "variants: [fixed-decay]",
                                          layers, pattern))
                            .cells[0]);
  };
  CHECK(line("[full-quadratic, variant, full-quadratic, variant]", 4) ==
        "model.pattern: [full-quadratic, variant]");
  CHECK(line("[full-quadratic, variant, gated-linear]", 2) ==
        "model.pattern: [full-quadratic, variant]");
  CHECK(line("[full-quadratic, variant, full-quadratic]", 3) ==
        "model.pattern: [full-quadratic, variant]");
  CHECK(line("[full-quadratic, variant, variant]", 3) ==
        "model.pattern: [full-quadratic, variant, variant]");
  CHECK(line("[{name: full-quadratic}, {name: fixed-decay, gate: none}, variant]", 3) ==
        "model.pattern: [full-quadratic, {name: fixed-decay, gate: none}, variant]");
  CHECK(line("[variant, {name: gated-linear, chunk: 64}]", 2) ==
        "model.pattern: [variant, gated-linear]");
}

TEST_CASE("pattern: how the first layer is computed is a word of the identity, as its mixer says") {
  const auto path = [](const std::string& rest) {
    return line_of(parse("model: {width: 128" + rest).cells[0].identity(), "model.first_layer");
  };
  CHECK(path("}\nvariants: [fixed-decay]") == "model.first_layer: ids");
  CHECK(path(", pattern: [full-quadratic, variant]}\nvariants: [fixed-decay]") == "");
  CHECK(path(", pattern: [gated-linear, variant]}\nvariants: [full-quadratic]") ==
        "model.first_layer: ids");
  CHECK(path(", pattern: [{name: gated-linear, first_layer: rows}, variant]}\n"
             "variants: [full-quadratic]") == "");
  const Experiment by_rows = parse(
      "model: {width: 128, first_layer: rows, pattern: [gated-linear, variant]}\n"
      "variants: [full-quadratic, fixed-decay]");
  CHECK(round_trip_failure(by_rows) == "");
  CHECK(by_rows.cells[1].variant.layers[0]->first_layer_path(by_rows.cells[1].variant.model, 128) ==
        "");
}

TEST_CASE("pattern: levels belong to any layer that weighs them") {
  const Experiment levels = parse(
      "model: {pattern: [linear-decay, variant]}\nvariants: [full-quadratic, gated-linear]\n"
      "eval: {lengths: [256], unseen_levels: as-is}");
  REQUIRE(levels.warnings.size() == 1);
  CHECK(contains(levels.warnings[0], "(full-quadratic, gated-linear)"));
  CHECK(contains(levels.cells[0].identity(), "levels: 9\n"));
  CHECK(contains(error_of(kTask + "model: {pattern: [linear-decay, variant]}\n"
                                  "variants: [full-quadratic]\n"
                                  "eval: {lengths: [256], unseen_levels: error}"),
                 "needs 9 levels of full-quadratic"));
}

TEST_CASE("pattern: is an option that a grid crosses") {
  const Experiment experiment = parse(
      "variants: [fixed-decay, {name: gated-linear, pattern: [full-quadratic, variant]}]\n"
      "grid:\n  model.pattern: [[variant], [{name: gated-linear, gate: none}, variant]]\n"
      "  model.width: [16, 32]");
  CHECK(experiment.cells.size() == 2 * 2 + 2);
  CHECK(layers_text(experiment.cells[0]) == "fixed-decay | fixed-decay");
  CHECK(layers_text(experiment.cells[4]) == "gated-linear gate=none | fixed-decay");
  REQUIRE(experiment.warnings.size() == 1);
  CHECK(experiment.warnings[0] ==
        "x.yaml:4: grid key 'model.pattern' has no effect on some variants, which get one cell for "
        "all its values (gated-linear)");
  CHECK(round_trip_failure(experiment) == "");
  const Experiment set = parse_experiment(kTask + "variants: [fixed-decay]", "x.yaml",
                                          {"model.pattern=[full-quadratic, variant]"});
  CHECK(layers_text(set.cells[0]) == "full-quadratic | fixed-decay");
}

TEST_CASE("pattern: an option that only a mixer of the pattern uses has an effect") {
  const Experiment chunks = parse(
      "model: {pattern: [gated-linear, variant]}\nvariants: [full-quadratic]\n"
      "grid: {model.chunk: [16, 32]}");
  REQUIRE(chunks.cells.size() == 2);
  CHECK(chunks.warnings.empty());
  CHECK(layers_text(chunks.cells[1]) == "gated-linear chunk=32 | full-quadratic");
  CHECK(round_trip_failure(chunks) == "");
  const Experiment given =
      parse("model: {chunk: 16, pattern: [gated-linear, variant]}\nvariants: [full-quadratic]");
  CHECK(layers_text(given.cells[0]) == "gated-linear chunk=16 | full-quadratic");
  CHECK(round_trip_failure(given) == "");
  // Of a variant's own pattern too; the other variant gets one cell.
  const Experiment own = parse(
      "variants: [full-quadratic, {name: full-quadratic, label: mixed, pattern: [variant, "
      "adaptive-decay]}]\ngrid: {model.lambda_hidden: [8, 16]}");
  CHECK(own.cells.size() == 3);
  REQUIRE(own.warnings.size() == 1);
  CHECK(contains(own.warnings[0], "(full-quadratic)"));
  // Crossed with patterns: where none of a point's mixers takes it, there is one cell.
  const Experiment both = parse(
      "variants: [full-quadratic]\ngrid:\n  model.pattern: [[variant], [gated-linear, variant]]\n"
      "  model.chunk: [16, 32]");
  CHECK(both.cells.size() == 3);
  CHECK(both.warnings.size() == 1);
  CHECK(round_trip_failure(both) == "");
}

TEST_CASE("pattern: tables list it, where there is one") {
  const Experiment experiment = parse(
      "model: {layers: 4, chunk: 16, pattern: [variant, full-quadratic]}\n"
      "variants: [fixed-decay, {name: gated-linear, pattern: [variant]}]");
  const auto column = [](const Cell& cell) {
    for (const auto& [name, text] : option_texts(cell.variant)) {
      if (name == "pattern") return text;
    }
    return std::string("none");
  };
  CHECK(column(experiment.cells[0]) == "[variant, full-quadratic]");
  CHECK(column(experiment.cells[1]) == "none");
  CHECK(options_text(experiment.cells[0].variant) ==
        "layers=4 chunk=16 pattern=[variant, full-quadratic]");
}

TEST_CASE("pattern: what does not fit is said in one line") {
  const std::string known =
      "known: variant, " + fmt::format("{}", fmt::join(mixers().names(), ", "));
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"variants: [fixed-decay]\nmodel: {pattern: variant}",
       "x.yaml:3: model.pattern = variant: must be a list of names or maps; write e.g. [variant]"},
      {"variants: [fixed-decay]\nmodel: {pattern: []}",
       "x.yaml:3: model.pattern = []: must be a list of names or maps; it holds 0"},
      {"variants: [fixed-decay]\nmodel:\n  pattern:\n    - variant\n    - fixed-deca",
       "x.yaml:6: model.pattern[1] = fixed-deca: must be the entry variant, the name of a mixer, "
       "or "
       "a map of a name and options; did you mean 'fixed-decay'? " +
           known},
      {"variants: [fixed-decay]\nmodel: {pattern: [variant, {gate: none}]}",
       "x.yaml:3: model.pattern[1] = {gate: none}: must be the entry variant, the name of a mixer, "
       "or a map of a name and options; " +
           known},
      {"variants: [{name: fixed-decay, pattern: [{name: variant, gate: none}]}]",
       "x.yaml:2: variants[0].pattern[0] = {name: variant, gate: none}: the entry variant must be "
       "that word alone; give the variant its options in the list of variants, or name a mixer"},
      // A listed variant that its pattern never places.
      {"variants: [fixed-decay]\nmodel:\n  width: 8\n  pattern: [fixed-decay, full-quadratic]",
       "x.yaml:5: model.pattern = [fixed-decay, full-quadratic] never places the variant "
       "fixed-decay; add the entry variant, or leave the variant out of the list"},
      {"variants: [{name: fixed-decay, label: a, pattern: [gated-linear, gated-linear, variant]}]",
       "x.yaml:2: variants[0].pattern = [gated-linear, gated-linear, variant] never places the "
       "variant a within 2 layers; raise layers to 3 or more, or let the entry variant stand "
       "earlier"},
      {"variants: [fixed-decay]\nmodel: {pattern: [gated-linear, variant]}\n"
       "grid: {model.layers: [2, 1]}",
       "x.yaml:3: model.pattern = [gated-linear, variant] never places the variant fixed-decay "
       "within 1 layer; raise layers to 2 or more, or let the entry variant stand earlier (grid: "
       "model.layers = 1)"},
      {"variants: [fixed-decay]\ngrid:\n  model.pattern: [[variant],\n    [gated-linear]]",
       "x.yaml:5: model.pattern = [gated-linear] never places the variant fixed-decay; add the "
       "entry variant, or leave the variant out of the list (grid: model.pattern = "
       "[gated-linear])"},
      // Options of an entry.
      {"variants: [fixed-decay]\nmodel:\n  pattern:\n    - {name: full-quadratic, gate: none}\n"
       "    - variant",
       "x.yaml:5: model.pattern[0].gate = none: full-quadratic has no use for it; leave it out"},
      {"variants: [fixed-decay]\nmodel: {pattern: [{name: gated-linear, gat: none}, variant]}",
       "x.yaml:3: unknown key 'model.pattern[0].gat'; did you mean 'gate'? known: "},
      {"variants: [fixed-decay]\nmodel: {pattern: [{name: gated-linear, width: 8}, variant]}",
       "x.yaml:3: model.pattern[0].width = 8: is the same in all layers; set it in model or in the "
       "map of a variant"},
      {"variants: [fixed-decay]\nmodel: {pattern: [{name: gated-linear, gate: off}, variant]}",
       "x.yaml:3: model.pattern[0].gate = off: must be one of input, constant, none"},
      {"variants: [fixed-decay]\nmodel: {pattern: [{name: gated-linear, chunk: 48}, variant]}",
       "x.yaml:3: model.pattern[0].chunk = 48 is not a power of two; use e.g. 64 "
       "(model.pattern[0]: gated-linear)"},
      {"variants: [{name: full-quadratic, pattern: [gated-linear, variant]}]\nmodel: {chunk: 48}",
       "x.yaml:3: model.chunk = 48 is not a power of two; use e.g. 64 (variants[0].pattern[0]: "
       "gated-linear)"},
      {"variants: [{name: fixed-decay, init: identity}]\nmodel: {pattern: [variant, gated-linear]}",
       "x.yaml:2: variants[0].init = identity is not defined for gated-linear; "},
      // An option that no mixer uses, those of patterns included.
      {"variants: [full-quadratic]\nmodel: {chunk: 16, pattern: [{name: full-quadratic}, variant]}",
       "x.yaml:3: model.chunk = 16: none of the variants listed has a use for it; leave it out"},
      {"variants: [full-quadratic]\nmodel: {pattern: [deltanet, variant]}\n"
       "grid: {model.lambda_hidden: [16, 32]}",
       "x.yaml:4: grid key 'model.lambda_hidden' has no effect on any of the variants listed; "
       "leave it "
       "out"},
      {"variants: [full-quadratic]\nmodel: {pattern: [{name: gated-linear, chunk: 16}, variant]}\n"
       "grid: {model.chunk: [2, 4]}",
       "x.yaml:4: grid key 'model.chunk' has no effect on any of the variants listed; leave it "
       "out"},
      {"variants: [fixed-decay]\ngrid: {model.pattern: [gated-linear, variant]}",
       "x.yaml:3: grid.model.pattern = gated-linear: must be a list of names or maps; write e.g. "
       "[variant]"},
      {"variants: [fixed-decay]\ngrid: {model.pattern: [[variant], [variant, variant]]}",
       "x.yaml:3: two cells are the same: "},
  };
  for (const auto& each : cases) {  // clang lets no macro capture a structured binding
    const std::string text = each.first;
    const std::string message = each.second;
    CAPTURE(text);
    const std::string said = error_of(kTask + text);
    const bool is_start = message.ends_with(": ") || message.ends_with("; ");
    CHECK((is_start ? said.substr(0, message.size()) : said) == message);
  }
}

}  // namespace
}  // namespace recollect
