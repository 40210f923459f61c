#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "harness/config/load.hpp"
#include "harness/config/model_options.hpp"
#include "models/registry.hpp"
#include "tasks/registry.hpp"
#include "tests/support/built_in.hpp"
#include "tests/support/places.hpp"
#include "tests/support/round_trip.hpp"

using namespace recollect;

namespace {

const std::filesystem::path kSource = source_folder();

Experiment parse(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse_experiment(text, "test.yaml", overrides);
}

std::vector<std::string> hashes(const Experiment& experiment) {
  std::vector<std::string> all;
  for (const Cell& cell : experiment.cells) all.push_back(cell.hash());
  return all;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<std::filesystem::path> shipped() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kSource / "configs")) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  return files;
}

// The one cell of a configuration with a single variant.
Cell one_cell(const std::string& rest, const std::string& variant = "adaptive-decay") {
  const bool has_task = rest.find("task:") != std::string::npos;
  const Experiment experiment =
      parse((has_task ? "" : "task: {name: mqar}\n") + rest + "\nvariants: [" + variant + "]\n");
  REQUIRE(experiment.cells.size() == 1);
  return experiment.cells.front();
}

void check_round_trips(const Experiment& experiment) {
  CAPTURE(experiment.file);
  CHECK(round_trip_failure(experiment) == "");
}

}  // namespace

TEST_CASE("config: tables list what model: says, also where the variant has no use for it") {
  const Experiment experiment = parse_experiment(
      "task: {name: mqar}\nmodel: {lambda_hidden: 8, chunk: 16}\n"
      "variants: [adaptive-decay, full-quadratic]\n",
      "x.yaml");
  for (const Cell& cell : experiment.cells) {
    CAPTURE(cell.variant.name);
    const auto texts = option_texts(cell.variant);
    const auto text_of = [&](const std::string& name) {
      for (const auto& [key, text] : texts) {
        if (key == name) return text;
      }
      return std::string("missing");
    };
    CHECK(text_of("lambda_hidden") == "8");
    CHECK(text_of("chunk") == "16");
    CHECK(text_of("gate") == "input");
    CHECK(texts.size() == 12);
  }
}

TEST_CASE("config: a bare task takes every default") {
  const Experiment experiment = parse_experiment("task: {name: mqar}\n", "some/folder/bare.yaml");
  CHECK(experiment.name == "bare");
  REQUIRE(experiment.cells.size() == mixers().names().size());
  for (std::size_t i = 0; i < experiment.cells.size(); ++i) {
    const Cell& cell = experiment.cells[i];
    CHECK(cell.variant.name == mixers().names()[i]);
    CHECK(cell.variant.label == mixers().names()[i]);
    CHECK(cell.seed == 0);
    CHECK(cell.data_seed == 0);
    CHECK(cell.order_seed == 0);
    CHECK(cell.task->length == 128);
    CHECK(cell.levels == 8);
    CHECK(cell.variant.model.width == 64);
    CHECK(cell.train.steps == 5000);
    CHECK(cell.train.learning_rate == 1e-3);
    CHECK(cell.train.betas == std::vector<double>{0.9, 0.999});
    CHECK(cell.train.epsilon == 1e-8);
    CHECK(cell.train.weight_decay == 0.0);
    CHECK(cell.train.clip == 1.0);
    CHECK(cell.train.examples == 10000);
    CHECK(cell.train.validation_examples == 1000);
    CHECK(cell.train.batch == 64);
    CHECK(cell.train.eval_every == 100);
    CHECK_FALSE(cell.train.stop_at.has_value());
    CHECK(cell.train.select_length == 128);
    CHECK(cell.eval.lengths == std::vector<std::int64_t>{128});
    CHECK(cell.eval.examples == 1000);
    CHECK(cell.eval.unseen_levels == UnseenLevels::kClamp);
  }
  CHECK(experiment.warnings.empty());
}

TEST_CASE("config: a default that changes must raise numerics_version") {
  // Hashes name cells by their differences from the defaults. When this fails, raise
  // kNumericsVersion and pin the new value.
  const auto defaults_of = [](const std::string& task) {
    const std::string text = "task: {name: " + task + "}\nvariants: [adaptive-decay]";
    return parse(text).cells.front().yaml("defaults");
  };
  CHECK(kNumericsVersion == 3);
  CHECK(hex(hash_text(defaults_of("mqar") + defaults_of("selective-copying"))) ==
        "6fb36811ac480b5a");
  CHECK(hex(hash_text(defaults_of("group-words"))) == "4e07d9b53b9e72ab");
  std::string later;
  for (const char* task : {"compositional-recall", "in-context-recall", "fuzzy-recall",
                           "memorisation", "induction-heads"}) {
    later += defaults_of(task);
  }
  CHECK(hex(hash_text(later)) == "74647644d24354df");
}

TEST_CASE("config: identity holds what differs from the defaults, and nothing else") {
  CHECK(one_cell("").identity() ==
        "model.first_layer: ids\nseed: 0\ntask: mqar\nvariant: adaptive-decay\n");
  CHECK(one_cell("model: {width: 32, layers: 2}\ntrain: {stop_at: 0.99, examples: online}\n"
                 "task: {name: mqar, pairs: 16, data_seed: 4}\nseed: 3")
            .identity() ==
        "data_seed: 4\nmodel.first_layer: ids\nmodel.width: 32\nseed: 3\ntask.pairs: 16\ntask: "
        "mqar\ntrain.examples: "
        "online\ntrain.stop_at: 0.99\nvariant: adaptive-decay\n");
  // How the first layer is computed tells cells apart where there is a choice.
  CHECK(one_cell("model: {first_layer: rows}").identity() ==
        "seed: 0\ntask: mqar\nvariant: adaptive-decay\n");
  for (const std::string other : {"position: rope", "position: learned", "short_conv: 4",
                                  "layers: 1", "heads: 4", "width: 16"}) {
    CAPTURE(other);
    const std::string text = "eval: {lengths: [128]}\nmodel: {" + other;
    CHECK(one_cell(text + "}").hash() == one_cell(text + ", first_layer: rows}").hash());
    CHECK(one_cell(text + "}").identity().find("first_layer") == std::string::npos);
  }
  // Defaults written out, and derived values written out, are the same cell.
  CHECK(one_cell("model: {norm_kind: layer, mlp_kind: gelu, tied_head: false, embedding_dropout: "
                 "0, A_init: heads, dt_range: [1e-3, 1e-1]}")
            .hash() == one_cell("").hash());
  CHECK(one_cell("model: {width: 64, gate: input}\ntrain: {select_length: 128, order_seed: 0}\n"
                 "task: {name: mqar, length: 128, data_seed: 0}")
            .hash() == one_cell("").hash());
}

TEST_CASE("config: scoring options, labels and the experiment's name do not change a cell") {
  const std::string hash = one_cell("").hash();
  CHECK(one_cell("experiment: other").hash() == hash);
  CHECK(one_cell("eval: {examples: 7, lengths: [64, 128, 256]}").hash() == hash);
  CHECK(one_cell("eval: {unseen_levels: as-is, lengths: [64, 128]}").hash() == hash);
  CHECK(one_cell("", "{name: adaptive-decay, label: mine}").hash() == hash);
}

TEST_CASE("config: everything that affects weights, history or selection changes the cell") {
  const std::string hash = one_cell("").hash();
  for (const char* change : {"seed: 1",
                             "task: {name: mqar, data_seed: 1}",
                             "task: {name: mqar, filler: clean}",
                             "task: {name: selective-copying, length: 128}",
                             "model: {chunk: 32}",
                             "model: {heads: 2}",
                             "model: {gate: none}",
                             "model: {lambda_hidden: 8}",
                             "model: {init: identity}",
                             "model: {init: uniform}",
                             "model: {norm_kind: rms}",
                             "model: {tied_head: true}",
                             "model: {embedding_dropout: 0.1}",
                             "model: {A_init: [1, 1]}",
                             "model: {dt_range: [0.001, 0.2]}",
                             "train: {order_seed: 1}",
                             "train: {stop_at: 0.5}",
                             "train: {validation_examples: 10}",
                             "train: {eval_every: 10}",
                             "train: {select_length: 64}",
                             "train: {betas: [0.9, 0.99]}",
                             "train: {schedule: cosine}",
                             "train: {schedule: cosine, min_learning_rate: 1e-6}",
                             "train: {weight_decay: 0.1, decay_all: true}",
                             "train: {loss: next-token}",
                             "task: {name: mqar, repeat: 2}",
                             "train: {examples: 128}",
                             "train: {examples: online}",
                             "eval: {unseen_levels: as-is, lengths: [256]}"}) {
    CAPTURE(change);
    CHECK(one_cell(change).hash() != hash);
  }
}

TEST_CASE("config: options without effect on a variant do not change its cells") {
  // An option that no variant listed uses is an error, so that one which does stands first.
  const auto beside_adaptive = [](const std::string& model, const std::string& variant) {
    return parse("task: {name: mqar}\nvariants: [adaptive-decay, " + variant + "]\n" + model)
        .cells.at(1)
        .hash();
  };
  for (const char* variant : {"fixed-decay", "linear-decay", "gated-linear", "full-quadratic"}) {
    CAPTURE(variant);
    CHECK(beside_adaptive("model: {lambda_hidden: 8}", variant) == one_cell("", variant).hash());
  }
  CHECK(beside_adaptive("model: {gate: none, chunk: 32}", "full-quadratic") ==
        one_cell("", "full-quadratic").hash());
  // Without lambda there are no rows to add for longer sequences.
  CHECK(one_cell("eval: {unseen_levels: as-is, lengths: [1024]}", "gated-linear").hash() ==
        one_cell("", "gated-linear").hash());
}

TEST_CASE("config: the number of levels follows task.length, or as-is the longest length scored") {
  CHECK(one_cell("eval: {lengths: [512]}").levels == 8);
  CHECK(one_cell("eval: {lengths: [512], unseen_levels: as-is}").levels == 10);
  CHECK(one_cell("eval: {lengths: [64], unseen_levels: as-is}").levels == 8);
  CHECK(one_cell("train: {select_length: 256}\neval: {unseen_levels: as-is}").levels == 9);
}

TEST_CASE("config: lengths beyond the trained levels are a warning for lambda variants only") {
  const std::string text = "task: {name: mqar}\neval: {lengths: [128, 256]}\n";
  const Experiment all = parse(text + fmt::format("variants: [{}]", fmt::join(kBuiltIn, ", ")));
  REQUIRE(all.warnings.size() == 1);
  CHECK(all.warnings.front() ==
        "test.yaml:2: eval.lengths = 256 needs 9 levels, but task.length = 128 trains 8; "
        "unseen_levels: clamp reads the last trained level's lambda (fixed-decay, linear-decay, "
        "adaptive-decay, softmax-level)");
  CHECK(parse(text + "variants: [gated-linear, full-quadratic]").warnings.empty());
  CHECK(parse("task: {name: mqar}\nvariants: [gated-linear]\n"
              "eval: {lengths: [256], unseen_levels: error}")
            .cells.size() == 1);
  // 100 and 128 use the same levels.
  CHECK(parse("task: {name: mqar, length: 100}\neval: {lengths: [128], unseen_levels: error}")
            .warnings.empty());
  const Experiment selected = parse(
      "task: {name: mqar}\nvariants: [fixed-decay]\n"
      "train: {select_length: 256}\neval: {unseen_levels: as-is}");
  REQUIRE(selected.warnings.size() == 1);
  CHECK(selected.warnings.front() ==
        "test.yaml:3: train.select_length = 256 needs 9 levels, but task.length = 128 trains 8; "
        "unseen_levels: as-is reads untrained rows (fixed-decay)");
}

TEST_CASE("config: cells are grid x variants x seeds, in that order") {
  const Experiment experiment = parse(
      "seeds: [5, 2]\ngrid: {task.pairs: [4, 2], model.width: [16, 8]}\n"
      "task: {name: mqar, pairs: 32}\nvariants: [gated-linear, fixed-decay]\n");
  std::string order;
  for (const Cell& cell : experiment.cells) {
    const auto task = cell.task->clone();
    for (const Field& field : task->fields()) {
      if (field.name == "pairs") order += field.text();
    }
    order += fmt::format(" {} {}{}|", cell.variant.model.width, cell.variant.name[0], cell.seed);
  }
  CHECK(order ==
        "4 16 g5|4 16 g2|4 16 f5|4 16 f2|4 8 g5|4 8 g2|4 8 f5|4 8 f2|"
        "2 16 g5|2 16 g2|2 16 f5|2 16 f2|2 8 g5|2 8 g2|2 8 f5|2 8 f2|");
}

TEST_CASE("config: a crossed option without effect on a variant gives it one cell and a warning") {
  const Experiment experiment = parse(
      "task: {name: mqar}\nvariants: [adaptive-decay, full-quadratic, gated-linear]\n"
      "seeds: [0, 1]\ngrid:\n  model.chunk: [16, 32]\n  model.lambda_hidden: [8, 16, 32]\n"
      "  model.gate: [none]\n  task.pairs: [2, 4]\n");
  CHECK(experiment.cells.size() == 2 * 2 * (2 * 3 + 1 + 2));
  REQUIRE(experiment.warnings.size() == 2);
  CHECK(experiment.warnings[0] ==
        "test.yaml:5: grid key 'model.chunk' has no effect on some variants, which get one cell "
        "for all its values (full-quadratic)");
  CHECK(experiment.warnings[1] ==
        "test.yaml:6: grid key 'model.lambda_hidden' has no effect on some variants, which get one "
        "cell for all its values (full-quadratic, gated-linear)");
  check_round_trips(experiment);

  // A variant's own value goes before the grid's.
  const Experiment own = parse(
      "task: {name: mqar}\nvariants: [gated-linear, {name: full-quadratic, heads: 4}]\n"
      "grid: {model.heads: [1, 2]}\n");
  REQUIRE(own.cells.size() == 3);
  CHECK(own.cells[1].variant.model.heads == 4);
  CHECK(own.warnings.size() == 1);
}

TEST_CASE("config: a grid crosses whole tasks, and options within them") {
  const Experiment experiment = parse(
      "variants: [fixed-decay]\ngrid:\n  task.length: [64, 128]\n  task:\n"
      "    - {name: mqar, pairs: 4}\n    - {name: selective-copying, tokens: 3}\n");
  REQUIRE(experiment.cells.size() == 4);
  CHECK(experiment.cells[0].task->name() == "mqar");
  CHECK(experiment.cells[1].task->name() == "selective-copying");
  CHECK(experiment.cells[1].task->length == 64);
  CHECK(experiment.cells[2].task->length == 128);
  // Without a length, each cell is scored at its own.
  CHECK(experiment.cells[2].eval.lengths == std::vector<std::int64_t>{128});
  check_round_trips(experiment);
}

TEST_CASE("config: a variant's own options go before those of the model") {
  const Experiment experiment = parse(
      "task: {name: mqar}\nmodel: {short_conv: 2, heads: 2}\n"
      "variants: [full-quadratic, {name: full-quadratic, short_conv: 4, label: full+conv}]\n");
  REQUIRE(experiment.cells.size() == 2);
  CHECK(experiment.cells[0].variant.model.short_conv == 2);
  CHECK(experiment.cells[1].variant.model.short_conv == 4);
  CHECK(experiment.cells[1].variant.model.heads == 2);
  CHECK(experiment.cells[1].variant.label == "full+conv");
}

TEST_CASE("config: seeds set data and order, unless these are given") {
  const Experiment plain = parse("task: {name: mqar}\nvariants: [fixed-decay]\nseeds: [3, 7]");
  CHECK(plain.cells[1].data_seed == 7);
  CHECK(plain.cells[1].order_seed == 7);
  CHECK(plain.cells[1].train.order_seed == 7);
  const Experiment given = parse(
      "task: {name: mqar, data_seed: 1}\nvariants: [fixed-decay]\nseed: 9007199254740992\n"
      "train: {order_seed: 2}");
  CHECK(given.cells[0].seed == 9007199254740992);
  CHECK(given.cells[0].data_seed == 1);
  CHECK(given.cells[0].order_seed == 2);
}

TEST_CASE("config: --set replaces any key, lists and the grid included") {
  const std::string text =
      "task: {name: mqar, pairs: 32}\nvariants: [fixed-decay, gated-linear]\nseed: 4\n"
      "grid: {model.width: [16, 32]}\n";
  const auto count = [&](const std::vector<std::string>& overrides) {
    return parse(text, overrides).cells.size();
  };
  CHECK(count({}) == 4);
  CHECK(count({"seeds=[0,1,2]"}) == 12);
  CHECK(count({"seeds=[0,1]", "seed=1"}) == 4);
  CHECK(count({"variants=[fixed-decay]"}) == 2);
  CHECK(count({"variants=[{name: full-quadratic, short_conv: 4, label: x}]"}) == 2);
  CHECK(count({"grid.model.width=[8]"}) == 2);
  CHECK(count({"grid.task.pairs=[8, 16]"}) == 8);
  CHECK(count({"grid={}"}) == 2);
  const Experiment set =
      parse(text, {"task.pairs=8", "train.steps=7", "task.pairs=16", "experiment=named",
                   "train.examples=online", "eval.lengths=[128, 256]", "train.betas=[0.5, 0.6]"});
  CHECK(set.name == "named");
  CHECK(set.cells[0].identity().find("task.pairs: 16\n") != std::string::npos);
  CHECK(set.cells[0].train.steps == 7);
  CHECK_FALSE(set.cells[0].train.examples.has_value());
  CHECK(set.cells[0].eval.lengths.size() == 2);
  CHECK(parse("seed: 0", {"task.name=mqar"}).cells.size() == mixers().names().size());
}

TEST_CASE("config: --set reaches into every task that the grid crosses") {
  const std::string text =
      "variants: [fixed-decay]\n"
      "grid: {task: [{name: mqar, length: 64}, {name: selective-copying, length: 256}]}\n";
  for (const Cell& cell : parse(text, {"task.length=512"}).cells) CHECK(cell.task->length == 512);
}

TEST_CASE("config: resolved experiments and cells give themselves back") {
  const std::vector<std::string> texts = {
      "task: {name: mqar}",
      "task: {name: selective-copying, dialect: mamba}\nvariants: [fixed-decay]",
      "task: {name: selective-copying, dialect: mad, length: 100}",
      "task: {name: selective-copying, length: 64}\ngrid: {task.dialect: [adaptive, mad, mamba]}",
      "task: {name: selective-copying}\ngrid: {task.dialect: [adaptive, mamba]}",
      "task: {name: mqar}\ngrid: {task.length: [128, 200, 512]}",
      ("task: {name: mqar}\ngrid: {task.length: [128, 200]}\neval: {unseen_levels: as-is, lengths: "
       "[300]}"),
      "task: {name: mqar}\ngrid: {train.order_seed: [0, 1], task.data_seed: [5, 6]}\nseeds: [3, 8]",
      "task: {name: mqar}\nvariants: [full-quadratic]",
      "task: {name: mqar}\ntrain: {examples: online}\nseeds: [3, 4]",
      "task: {name: mqar}\ngrid: {train.stop_at: [0.5, 0.99], train.examples: [online, 64]}",
      "task: {name: mqar}\ngrid: {train.learning_rate: [1e-3, 3.0e-4, .01], train.clip: [0, 1.5]}",
      ("task: {name: mqar, layout: power-law, filler: zeros, offset: 1, pairs: 5, data_seed: 12}\n"
       "seeds: [1, 2, 3]\ntrain: {select_length: 256}"),
      ("task: {name: mqar}\nexperiment: 'null: 1'\nvariants: [{name: fixed-decay, init: identity, "
       "label: '1.5 # x'}, {name: fixed-decay, label: 'a: {b} # c'}]"),
      ("task: {name: mqar}\nexperiment: \"größe (2) ~\"\nvariants: [{name: adaptive-decay, "
       "label: '? -x', heads: 2, position: rope}]"),
      ("task: {name: mqar}\nmodel: {position: learned, norm: pre, mlp: 2}\n"
       "train: {examples: online, weight_decay: 0.1, schedule: cosine, warmup: 10, epsilon: "
       "1e-12}\n"
       "eval: {lengths: [64, 128], examples: 3}"),
      ("grid: {task: [{name: mqar, pairs: 2}, {name: mqar, pairs: 3, data_seed: 4}], model.heads: "
       "[1, 2]}\nvariants: [{name: full-quadratic, label: q}]"),
  };
  for (const std::string& text : texts) {
    CAPTURE(text);
    check_round_trips(parse(text));
  }
}

TEST_CASE("config: every shipped configuration is valid and gives itself back") {
  REQUIRE(shipped().size() >= 6);
  for (const auto& path : shipped()) check_round_trips(load_experiment(path.string()));
}

TEST_CASE("config: the demonstration and the published experiments are laid out as stated") {
  const auto load = [](const char* name) {
    return load_experiment((kSource / "configs" / name).string());
  };
  const Experiment demo = load("demo.yaml");
  CHECK(demo.name == "demo");
  CHECK(demo.cells.size() == 2 * 7);
  CHECK(demo.cells[6].variant.label == "full-quadratic+conv");
  CHECK(demo.cells[7].task->name() == "selective-copying");

  const Experiment stress = load("paper/mqar-stress.yaml");
  CHECK(stress.cells.size() == 3 * 2 * 5);
  CHECK(stress.cells.front().train.steps == 20000);
  CHECK(stress.cells.front().train.learning_rate == 3e-4);
  CHECK(stress.cells.front().train.stop_at == 0.99);
  CHECK(load("paper/mqar-sweep.yaml").cells.size() == 8 * 3 * 3);
  CHECK(load("paper/selective-copying.yaml").cells.size() == 2 * 3 * 5);

  const Experiment length = load("paper/length.yaml");
  CHECK(length.cells.size() == 2 * 5);
  CHECK(length.cells.front().train.select_length == 256);
  CHECK(length.cells.front().levels == 9);
  CHECK(length.warnings.size() == 1);
}

TEST_CASE("config: a cell that two experiments list is one cell") {
  const auto cells = hashes(load_experiment((kSource / "configs/demo.yaml").string()));
  const auto small =
      hashes(load_experiment((kSource / "configs/demo.yaml").string(),
                             {"experiment=other", "eval.lengths=[64]", "variants=[gated-linear]"}));
  REQUIRE(small.size() == 2);
  CHECK(small[0] == cells[4]);
  CHECK(small[1] == cells[11]);
}

TEST_CASE("config: aliases, comments, a byte-order mark and carriage returns read as YAML means") {
  const Experiment experiment = parse(
      "\xEF\xBB\xBF# head\r\nmodel: {short_conv: &k 4, mlp: *k}\r\n\t\r\ntask:\r\n  name: mqar  # "
      "why\r\n"
      "train: {learning_rate: +1e-2, steps: +7}\r\n");
  CHECK(experiment.cells.front().variant.model.mlp == 4);
  CHECK(experiment.cells.front().train.learning_rate == 0.01);
  CHECK(experiment.cells.front().train.steps == 7);
}

TEST_CASE("config: docs/configuration.md is what the declarations say") {
  const std::filesystem::path page = kSource / "docs" / "configuration.md";
  const std::string reference = configuration_reference();
  if (std::getenv("RECOLLECT_UPDATE_DOCS") != nullptr) {
    std::ofstream(page, std::ios::binary) << reference;
  }
  bool same = read(page) == reference;
  if (mixers().size() > kBuiltIn.size()) {
    // A private variant adds rows, and options without effect on others: what the page says stands
    // in what would be written, the table of variants up to their options.
    std::istringstream lines(read(page));
    same = true;
    for (std::string line; std::getline(lines, line);) {
      for (const std::string& variant : kBuiltIn) {
        if (line.starts_with("| `" + variant + "` |"))
          line.resize(line.rfind('|', line.size() - 3));
      }
      same = same && reference.find(line) != std::string::npos;
    }
  }
  CHECK_MESSAGE(same,
                "docs/configuration.md is out of date; run the tests once with "
                "RECOLLECT_UPDATE_DOCS=1 to write it, and commit it");
}
