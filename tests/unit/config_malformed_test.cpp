#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "harness/config/declarations.hpp"
#include "harness/config/load.hpp"
#include "harness/config/model_options.hpp"
#include "models/registry.hpp"
#include "tasks/registry.hpp"
#include "tests/support/config_errors.hpp"
#include "tests/support/generated_tasks.hpp"
#include "tests/support/places.hpp"
#include "tests/support/round_trip.hpp"
#include "tests/support/test_model.hpp"

using namespace recollect;

namespace {

// One option as it stands in a file: `text(value)` is a configuration that gives it on line 3.
struct Option {
  std::string section;
  std::string task;  // the task whose section it is, or the one that the others go with
  Field field;

  [[nodiscard]] std::string key() const { return section + "." + field.name; }
  [[nodiscard]] std::string text(const std::string& name, const std::string& value) const {
    if (section == "task") return fmt::format("task:\n  name: {}\n  {}: {}\n", task, name, value);
    return fmt::format("task: {{name: {}}}\n{}:\n  {}: {}\n", task, section, name, value);
  }
  [[nodiscard]] std::string text(const std::string& value) const { return text(field.name, value); }
};

// Everything that is declared, with the objects that the declarations are bound to.
class Declared {
 public:
  Declared() {
    for (const TaskEntry& entry : generated_tasks()) {
      settings_.push_back(entry.settings());
      add("task", std::string(entry.name), settings_.back()->fields());
      add("task", std::string(entry.name), {data_seed_field(data_seed_)});
    }
    add("model", "mqar", model_.fields());
    add("train", "mqar", train_.fields());
    add("eval", "mqar", eval_.fields());
  }
  [[nodiscard]] const std::vector<Option>& options() const { return options_; }

 private:
  void add(const std::string& section, const std::string& task, const Fields& fields) {
    for (const Field& field : fields) {
      if (field.type() == "string") continue;  // any text is the name of a file
      options_.push_back({section, task, field});
    }
  }

  std::vector<std::unique_ptr<TaskSettings>> settings_;
  std::optional<std::int64_t> data_seed_;
  TestModel model_;
  TrainSettings train_;
  EvalSettings eval_;
  std::vector<Option> options_;
};

bool is_list(const Field& field) { return field.type().starts_with("list of "); }
bool is_choice(const Field& field) { return std::holds_alternative<ChoiceRef>(field.value); }
bool is_real(const Field& field) { return contains(field.type(), "real"); }

std::vector<std::string> wrong_types(const Field& field) {
  if (is_list(field)) {
    return {"1",      "word",    "[]",     "[word]", "[[1]]", "[{a: 1}]",
            "[null]", "[\"1\"]", "{a: 1}", "null",   "~"};
  }
  std::vector<std::string> all = {"word", "[1]",   "[]",  "{a: 1}", "{}",    "null",
                                  "~",    "",      "1x",  "0x10",   "1_000", "1 2",
                                  "true", "\"1\"", "'1'", "--1",    "1,5"};
  if (is_choice(field)) return all;
  if (std::holds_alternative<bool*>(field.value)) {
    std::erase(all, "true");
    return all;
  }
  if (!is_real(field)) {
    for (const char* text : {"1.5", "1e3", "1.0", "007", "99999999999999999999", ".inf"}) {
      all.emplace_back(text);
    }
  }
  for (const char* text : {".nan", "nan", "inf", "-inf", "-.inf", "1e999", "1e"}) {
    all.emplace_back(text);
  }
  return all;
}

std::vector<std::string> too_low(const Field& field) {
  if (!field.bounded()) return {};
  if (!is_real(field)) {
    const auto low = static_cast<std::int64_t>(field.low);
    return {std::to_string(low - 1), "-9223372036854775808"};
  }
  const double outside = std::nextafter(field.low, -INFINITY);
  std::vector<std::string> all = {shortest(outside), "-1e300"};
  if (field.low == 0) all[0] = "-1e-300";  // the nearest double is too small to be read
  if (field.low_open) all.push_back(shortest(field.low));
  return all;
}

std::vector<std::string> too_high(const Field& field) {
  if (!field.bounded()) return {};
  if (!is_real(field)) {
    const auto high = static_cast<std::int64_t>(field.high);
    return {std::to_string(high + 1), "9223372036854775807"};
  }
  std::vector<std::string> all = {shortest(std::nextafter(field.high, INFINITY)), "1e300"};
  if (field.high_open) all.push_back(shortest(field.high));
  return all;
}

std::string as_value(const Field& field, const std::string& number) {
  if (!is_list(field)) return number;
  return field.exact_size == 2 ? fmt::format("[{}, {}]", number, number)
                               : fmt::format("[{}]", number);
}

}  // namespace

TEST_CASE("malformed: every key misspelt names the right one") {
  const Declared declared;
  REQUIRE(declared.options().size() > 30);
  for (const Option& option : declared.options()) {
    const std::string& name = option.field.name;
    std::string doubled = name;
    doubled.insert(1, 1, name[0]);
    for (const std::string& wrong : {name.substr(0, name.size() - 1), name + "x", doubled}) {
      CAPTURE(option.key());
      CAPTURE(wrong);
      const std::string message = error_of(option.text(wrong, "1"));
      CHECK(
          message.starts_with(fmt::format("x.yaml:3: unknown key '{}.{}'", option.section, wrong)));
      CHECK(contains(message, fmt::format("did you mean '{}'?", name)));
    }
  }
}

TEST_CASE("malformed: every key with a value of the wrong type names place, key and type") {
  const Declared declared;
  for (const Option& option : declared.options()) {
    for (const std::string& value : wrong_types(option.field)) {
      CAPTURE(option.key());
      CAPTURE(value);
      const std::string message = error_of(option.text(value));
      // What is in the maps of a list is read as a section is.
      if (contains(message, "unknown key '" + option.key() + "[0].a'")) continue;
      CHECK(message.starts_with(fmt::format("x.yaml:3: {}", option.key())));
      const bool octal = value == "007";
      CHECK(contains(message, octal ? "octal" : "must be "));
    }
  }
}

TEST_CASE("malformed: every number beyond its bounds names them and the way back") {
  const Declared declared;
  for (const Option& option : declared.options()) {
    const auto check = [&](const std::string& number, const std::string& remedy) {
      CAPTURE(option.key());
      CAPTURE(number);
      const std::string value = as_value(option.field, number);
      const std::string element = is_list(option.field) ? "[0]" : "";
      const std::string start = fmt::format("{}{} = {}: must be ", option.key(), element, number);
      const std::string end = fmt::format(", {}", option.field.bounds_text());

      const std::string message = error_of(option.text(value));
      CHECK(message.starts_with("x.yaml:3: " + start));
      CHECK(contains(message, end));
      CHECK(message.ends_with(remedy));

      const std::string set = fmt::format("{}={}", option.key(), value);
      const std::string bare = fmt::format("task: {{name: {}}}\n", option.task);
      CHECK(error_of(bare, {set}).starts_with(fmt::format("--set {}: {}", set, start)));

      if (is_list(option.field) || option.section == "eval") return;
      const std::string grid = fmt::format("{}grid:\n  {}: [{}]\n", bare, option.key(), value);
      CHECK(error_of(grid).starts_with("x.yaml:3: grid." + start));
    };
    for (const std::string& number : too_low(option.field)) check(number, "; raise it");
    for (const std::string& number : too_high(option.field)) check(number, "; lower it");
  }
}

TEST_CASE("malformed: messages about single options, word for word") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"task: {name: mqar}\ntrain: {batch: 0}",
       "x.yaml:2: train.batch = 0: must be a whole number, 1..65536; raise it"},
      {"task: {name: mqar}\ntrain: {batch: many}",
       "x.yaml:2: train.batch = many: must be a whole number, 1..65536; write e.g. 64"},
      {"task: {name: mqar}\ntrain: {batch: 1e3}",
       "x.yaml:2: train.batch = 1e3: must be a whole number, 1..65536; write it without fraction "
       "or "
       "exponent"},
      {"task: {name: mqar}\ntrain: {batch: '64'}",
       "x.yaml:2: train.batch = 64: must be a whole number, 1..65536; in quotes it is a text, so "
       "write it without"},
      {"task: {name: mqar}\ntrain: {batch: 064}",
       "x.yaml:2: train.batch = 064: a leading zero means octal to some readers; write it without"},
      {"task: {name: mqar}\ntrain: {batch: [32, 64]}",
       "x.yaml:2: train.batch = [32, 64]: must be a whole number, 1..65536, not a list; to cross "
       "values, give train.batch in the grid section"},
      {"task: {name: mqar}\ntrain:\n  batch:\n\n  steps: 5",
       "x.yaml:3: train.batch has no value: must be a whole number, 1..65536; write one or leave "
       "the "
       "key out"},
      {"task: {name: mqar}\ntrain: {steps: 99999999999999999999}",
       "x.yaml:2: train.steps = 99999999999999999999: must be a whole number, 1..1000000000; it "
       "does "
       "not fit 64 bits"},
      {"task: {name: mqar}\ntrain: {learning_rate: .nan}",
       "x.yaml:2: train.learning_rate = .nan: must be a number, > 0 and <= 10, and finite"},
      {"task: {name: mqar}\ntrain: {examples: offline}",
       "x.yaml:2: train.examples = offline: must be a whole number, 1..16777216, or the word "
       "online; write e.g. 10000"},
      {"task: {name: mqar}\ntrain: {betas: [0.9]}",
       "x.yaml:2: train.betas = [0.9]: must be a list of 2 numbers, >= 0 and < 1; it holds 1"},
      {"task: {name: mqar}\ntrain: {betas: [0.9, 1]}",
       "x.yaml:2: train.betas[1] = 1: must be a list of 2 numbers, >= 0 and < 1; lower it"},
      {"task: {name: mqar}\neval: {lengths: 128}",
       "x.yaml:2: eval.lengths = 128: must be a list of whole numbers, 1..16777216; write e.g. "
       "[1]"},
      {"task: {name: mqar}\neval: {lengths: []}",
       "x.yaml:2: eval.lengths = []: must be a list of whole numbers, 1..16777216; it holds 0"},
      {"task: {name: mqar}\nmodel: {norm: poste}",
       "x.yaml:2: model.norm = poste: must be one of post, pre; did you mean 'post'?"},
      {"task: {name: mqar, length: -5}",
       "x.yaml:1: task.length = -5: must be a whole number, 1..16777216; raise it"},
      {"task: {name: mqar, layout: \"" + std::string(100, 'a') + "\"}",
       "x.yaml:1: task.layout = " + std::string(60, 'a') +
           "...: must be one of packed, power-law, level"},
      {"task: {name: mqar}\ntrain: {examples: 16777217}",
       "x.yaml:2: train.examples = 16777217: must be a whole number, 1..16777216, or the word "
       "online; lower it"},
      {"task: {name: mqar}\ntrain: {validation_examples: 16777217}",
       "x.yaml:2: train.validation_examples = 16777217: must be a whole number, 1..16777216; lower "
       "it"},
      {"task: {name: mqar}\neval: {examples: 16777217}",
       "x.yaml:2: eval.examples = 16777217: must be a whole number, 1..16777216; lower it"},
  };
  for (const auto& [text, message] : cases) CHECK(error_of(text) == message);
}

TEST_CASE("malformed: messages about keys and sections, word for word") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"task:\n  name: mqar\n  pair: 8",
       "x.yaml:3: unknown key 'task.pair'; did you mean 'pairs'? known: name, length, layout, "
       "filler, pairs, vocab, offset, level, rebind, repeat, data_seed"},
      {"task: {name: mqar, tokens: 8}",
       "x.yaml:1: unknown key 'task.tokens'; it is an option of another task; known: name, length, "
       "layout, filler, pairs, vocab, offset, level, rebind, repeat, data_seed"},
      {"task: {name: mqar}\neval: {batch: 8}",
       "x.yaml:2: unknown key 'eval.batch'; it belongs to another section, as 'train.batch'; "
       "known: "
       "lengths, examples, unseen_levels, cells"},
      {"task: {name: mqar}\nsteps: 8",
       "x.yaml:2: unknown key 'steps'; did you mean 'train.steps'?"},
      {"task: {name: mqar}\nvariant: [fixed-decay]",
       "x.yaml:2: unknown key 'variant'; did you mean 'variants'?"},
      {"task: {name: mqar}\noptimizer: adam",
       "x.yaml:2: unknown key 'optimizer'; known: experiment, task, model, variants, train, eval, "
       "seeds, seed, grid"},
      {"model: {width: 8}",
       "x.yaml:1: no task; add task: {name: ...} with one of mqar, selective-copying, "
       "group-words, compositional-recall, in-context-recall, fuzzy-recall, memorisation, "
       "induction-heads, examples"},
      {"task: {length: 8}",
       "x.yaml:1: task has no name; add name: and one of mqar, selective-copying, "
       "group-words, compositional-recall, in-context-recall, fuzzy-recall, memorisation, "
       "induction-heads, examples"},
      {"task: {name: mkar}",
       "x.yaml:1: task.name = mkar is unknown; did you mean 'mqar'? known: mqar, "
       "selective-copying, group-words, compositional-recall, in-context-recall, fuzzy-recall, "
       "memorisation, induction-heads, examples"},
      {"task: mqar", "x.yaml:1: task = mqar: must be a map of keys; write e.g. task: {name: mqar}"},
      {"task: {name: mqar}\nmodel:",
       "x.yaml:2: model = null: must be a map of keys; write e.g. model: {key: value}"},
      {"task: {name: mqar}\ntask: {name: mqar}",
       "x.yaml:2: key 'task' is given twice, first at x.yaml:1; keep one"},
      {"task:\n  name: mqar\n  pairs: 8\n  pairs: 9",
       "x.yaml:4: key 'pairs' is given twice, first at x.yaml:3; keep one"},
      {"task: {name: mqar}\nexperiment: 'a,b'",
       "x.yaml:2: experiment = a,b: must be a text of 1..100 bytes without comma, quotes and line "
       "breaks; it stands in tables"},
      {"task: {name: mqar}\nexperiment: a/b",
       "x.yaml:2: experiment = a/b: must not hold '/' or begin with '.'; it names a file"},
      {"task: {name: mqar}\nexperiment: .a",
       "x.yaml:2: experiment = .a: must not hold '/' or begin with '.'; it names a file"},
  };
  for (const auto& [text, message] : cases) CHECK(error_of(text) == message);
}

TEST_CASE("malformed: messages about variants and seeds, word for word") {
  const std::string task = "task: {name: mqar}\n";
  const std::string known = fmt::format("{}", fmt::join(mixers().names(), ", "));
  // Options that a private variant brings stand behind the twelve of the program's own.
  ModelOptions options;
  const Fields declared = options.fields();
  std::string more;
  for (std::size_t i = 12; i < declared.size(); ++i) more += ", " + declared[i].name;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"variants: [fixed-deca]",
       "x.yaml:2: variants[0] = fixed-deca is unknown; did you mean 'fixed-decay'? known: " +
           known},
      {"variants: fixed-decay",
       "x.yaml:2: variants = fixed-decay: must be a list of at least one; write e.g. [fixed-decay, "
       "adaptive-decay]"},
      {"variants: []",
       "x.yaml:2: variants = []: must be a list of at least one; write e.g. [fixed-decay, "
       "adaptive-decay]"},
      {"variants: [{short_conv: 4}]",
       "x.yaml:2: variants[0] = {short_conv: 4}: has no name; add name: and one of " + known},
      {"variants:\n  - fixed-decay\n  - {name: full-quadratic, shortconv: 4}",
       "x.yaml:4: unknown key 'variants[1].shortconv'; did you mean 'short_conv'? known: name, "
       "label, layers, width, heads, norm, position, gate, short_conv, mlp, lambda_hidden, chunk, "
       "init, first_layer" +
           more},
      {"variants: [fixed-decay, fixed-decay]",
       "x.yaml:2: variants[1] has the label 'fixed-decay' of another variant (x.yaml:2); give it a "
       "label of its own, {name: fixed-decay, label: ...}"},
      {"variants: [{name: fixed-decay, label: ''}]",
       "x.yaml:2: variants[0].label = : must be a text of 1..100 bytes without comma, quotes and "
       "line "
       "breaks; it stands in tables"},
      {"variants: [{name: fixed-decay, label: \"a\\nb\"}]",
       "x.yaml:2: variants[0].label = a\\x0Ab: must be a text of 1..100 bytes without comma, "
       "quotes "
       "and line breaks; it stands in tables"},
      {"variants: [{name: gated-linear, lambda_hidden: 8}]",
       "x.yaml:2: variants[0].lambda_hidden = 8: gated-linear has no use for it; leave it out"},
      {"variants: [{name: gated-linear, window: 8}]",
       "x.yaml:2: variants[0].window = 8: gated-linear has no use for it; it belongs to "
       "full-quadratic, sliding-window; leave it out"},
      {"variants: [{name: full-quadratic, update: delta}]",
       "x.yaml:2: variants[0].update = delta: full-quadratic has no use for it; it belongs to "
       "fixed-decay, linear-decay, adaptive-decay and others; leave it out"},
      {"variants: [{name: gla, gate: none}]",
       "x.yaml:2: variants[0].gate = none: gla has no use for it; leave it out"},
      {"variants: [{name: sliding-window, window: 0}]",
       "x.yaml:2: variants[0].window = 0: sliding-window needs a window of 1 or more; "
       "full-quadratic sees all keys"},
      {"model: {window: 8}\nvariants: [gated-linear]",
       "x.yaml:2: model.window = 8: none of the variants listed has a use for it; it belongs to "
       "full-quadratic, sliding-window; leave it out"},
      {"model: {window: 8}\nvariants: [sliding-window]",
       "x.yaml:2: model.window = 8: the name sliding-window sets it; give it to the variant: "
       "{name: "
       "sliding-window, window: 8}"},
      {"variants: [{name: gla, heads: 3, key_width: 4}]",
       "x.yaml:2: variants[0].heads = 3 does not divide width = 64; choose a divisor of the width, "
       "or give key_width and value_width"},
      {"variants: [{name: full-quadratic, heads: 3}]",
       "x.yaml:2: variants[0].heads = 3 does not divide width = 64; choose a divisor of the width"},
      {"variants: [{name: full-quadratic, init: identity}]",
       "x.yaml:2: variants[0].init = identity is not defined for full-quadratic; in the list of "
       "variants, give it to those alone whose lambda is fixed or made by an MLP with softplus, as "
       "fixed-decay and adaptive-decay"},
      {"model: {init: identity}\nvariants: [fixed-decay, linear-decay]",
       "x.yaml:2: model.init = identity is not defined for linear-decay; in the list of variants, "
       "give it to those alone whose lambda is fixed or made by an MLP with softplus, as "
       "fixed-decay and adaptive-decay"},
      {"variants: [{name: gated-linear, beta_max: 2}]",
       "x.yaml:2: variants[0].beta_max is above 1, which belongs to update: delta; leave it out, "
       "or "
       "give it to variants with that update alone"},
      {"variants: [{name: gated-linear, value_scale: dt, gate: none}]",
       "x.yaml:2: variants[0].value_scale = dt multiplies the values by the gate's step size, but "
       "gate is none; set gate to input or constant, or value_scale to none"},
      {"train: {init: ''}",
       "x.yaml:2: train.init names no file; name a file of weights, or leave it out"},

      {"model: {mlp_kind: swiglu}\nvariants: [fixed-decay]",
       "x.yaml:2: model.mlp_kind = swiglu needs an MLP block; give mlp, e.g. 2, or leave it out"},
      {"model: {embedding_dropout: 1}\nvariants: [fixed-decay]",
       "x.yaml:2: model.embedding_dropout = 1: must be a number, >= 0 and < 1; lower it"},
      {"variants: [{name: gated-linear, gate: none, A_init: [1, 16]}]",
       "x.yaml:2: variants[0].A_init = [1, 16] starts a gate, and gate is none; leave it out, or "
       "take gate: input or constant"},
      {"model: {gate: none, dt_range: [0.01, 0.1]}\nvariants: [adaptive-decay]",
       "x.yaml:2: model.dt_range = [0.01, 0.1] starts a gate, and gate is none; leave it out, or "
       "take gate: input or constant"},
      {"model: {A_init: [1, 16]}\nvariants: [deltanet, full-quadratic]",
       "x.yaml:2: model.A_init = [1, 16]: none of the variants listed has a use for it; it belongs "
       "to fixed-decay, linear-decay, adaptive-decay and others; leave it out"},
      {"model: {A_init: [16, 1]}\nvariants: [mamba-2]",
       "x.yaml:2: model.A_init = [16, 1] begins above its end; write [1, 16]"},
      {"model: {dt_range: [0.1, 0.01]}\nvariants: [mamba-2]",
       "x.yaml:2: model.dt_range = [0.1, 0.01] begins above its end; write [0.01, 0.1]"},
      {"model: {A_init: [0, 16]}\nvariants: [mamba-2]",
       "x.yaml:2: model.A_init[0] = 0: must be a list of 2 numbers, > 0 and <= 1000000, or the "
       "word heads; raise it"},
      {"model: {A_init: 16}\nvariants: [mamba-2]",
       "x.yaml:2: model.A_init = 16: must be a list of 2 numbers, > 0 and <= 1000000, or the word "
       "heads; write e.g. heads"},
      {"grid: {model.dt_range: [[0.01, 0.1]]}\nvariants: [mamba-2]",
       "x.yaml:2: grid key 'model.dt_range' takes a list, and a grid crosses single values; use a "
       "configuration for each list"},
      {"variants: [fixed-decay, {name: fixed-decay, label: again}]",
       "x.yaml:2: two cells are the same: [fixed-decay, seed 0] and [again, seed 0]; what tells "
       "them "
       "apart has no effect on training; remove one"},
      {"variants: [gated-linear, full-quadratic]\nmodel:\n  width: 32\n  lambda_hidden: 8",
       "x.yaml:5: model.lambda_hidden = 8: none of the variants listed has a use for it; leave it "
       "out"},
      {"seeds: [0, 1, 0]", "x.yaml:2: seeds = [0, 1, 0] holds 0 twice; keep one"},
      {"seeds: 3", "x.yaml:2: seeds = 3: must be a list of at least one; write e.g. [0, 1, 2]"},
      {"seeds: [-1]",
       "x.yaml:2: seeds[0] = -1: must be a whole number, 0..9007199254740992; raise it"},
      {"seed: 9007199254740993",
       "x.yaml:2: seed = 9007199254740993: must be a whole number, 0..9007199254740992; lower it"},
      {"seed: [3, 4]", "x.yaml:2: seed = [3, 4]: must be a whole number; write seeds: [3, 4]"},
      {"seeds: [1]\nseed: 1", "x.yaml:3: seed and seeds are both given; keep one"},
  };
  for (const auto& [text, message] : cases) CHECK(error_of(task + text) == message);
}

TEST_CASE("malformed: rules between options point at the option to change, word for word") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"task:\n  name: mqar\n  length: 128\n  pairs: 40",
       "x.yaml:4: task.pairs = 40 needs 4*40 + offset 0 = 160 tokens with layout packed, but "
       "length "
       "is 128; lower it to 32 or raise length to 160"},
      {"task: {name: mqar}\ntrain: {batch: 64, examples: 32}",
       "x.yaml:2: train.batch = 64 is more than train.examples = 32, and a batch holds no example "
       "twice; lower batch to 32 or raise examples"},
      {"task: {name: mqar}\ntrain:\n  order_seed: 3\n  examples: online",
       "x.yaml:3: train.order_seed = 3 has no effect with train.examples = online, where no "
       "batches are drawn; leave it out or give a number of examples"},
      {"task: {name: mqar}\ntrain: {order_seed: 3}\ngrid: {train.examples: [100, online]}",
       "x.yaml:2: train.order_seed = 3 has no effect with train.examples = online, where no "
       "batches are drawn; leave it out or give a number of examples (grid: train.examples = "
       "online)"},
      {"task: {name: mqar}\ntrain: {warmup: 11, steps: 10}",
       "x.yaml:2: train.warmup = 11 is more than train.steps = 10; lower it to 10 or less"},
      {"task: {name: mqar}\neval: {lengths: [128, 128]}",
       "x.yaml:2: eval.lengths holds 128 twice; keep one"},
      {"task: {name: mqar}\neval: {lengths: [16]}",
       "x.yaml:2: eval.lengths = 16 is not possible for task mqar: task.pairs = 8 needs 4*8 + "
       "offset "
       "0 = 32 tokens with layout packed, but length is 16; lower it to 4 or raise length to 32"},
      {"task: {name: mqar}\ntrain: {select_length: 16}",
       "x.yaml:2: train.select_length = 16 is not possible for task mqar: task.pairs = 8 needs 4*8 "
       "+ "
       "offset 0 = 32 tokens with layout packed, but length is 16; lower it to 4 or raise length "
       "to "
       "32"},
      {"task: {name: mqar}\nmodel: {position: learned}\neval: {lengths: [256]}",
       "x.yaml:3: eval.lengths = 256 is beyond task.length = 128, where learned positions end; use "
       "model.position none or rope, or lower it"},
      {"task: {name: mqar}\nmodel: {position: learned}\ntrain: {select_length: 129}",
       "x.yaml:3: train.select_length = 129 is beyond task.length = 128, where learned positions "
       "end; use model.position none or rope, or lower it"},
      {"task: {name: mqar}\neval: {lengths: [128, 256], unseen_levels: error}",
       "x.yaml:2: eval.lengths = 256 needs 9 levels of fixed-decay, but task.length = 128 trains 8 "
       "and eval.unseen_levels is error; lower it to 128 or choose clamp or as-is"},
      {"task: {name: mqar}\nmodel: {chunk: 48}",
       "x.yaml:2: model.chunk = 48 is not a power of two; use e.g. 64"},
  };
  for (const auto& [text, message] : cases) CHECK(error_of(text) == message);
}

TEST_CASE("malformed: messages about the grid, word for word") {
  const std::string task = "task: {name: mqar}\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"grid: {task.pairs: [8, 40]}",
       "x.yaml:2: task.pairs = 40 needs 4*40 + offset 0 = 160 tokens with layout packed, but "
       "length "
       "is 128; lower it to 32 or raise length to 160 (grid: task.pairs = 40)"},
      {"grid:\n  task.pairs: [8]\n  train.warmup: [6000]",
       "x.yaml:4: train.warmup = 6000 is more than train.steps = 5000; lower it to 5000 or less "
       "(grid: task.pairs = 8, train.warmup = 6000)"},
      {"grid: {task.pairs: [8, x]}",
       "x.yaml:2: grid.task.pairs = x: must be a whole number, 1..1048575; write e.g. 8"},
      {"grid: {task.pairs: [[8]]}",
       "x.yaml:2: grid.task.pairs = [8]: must be a whole number, 1..1048575, not a list; write "
       "e.g. "
       "8"},
      {"grid: {task.pairs: 8}",
       "x.yaml:2: grid.task.pairs = 8: must be a list of at least one; write e.g. [8, 16]"},
      {"grid: {task.pairs: []}",
       "x.yaml:2: grid.task.pairs = []: must be a list of at least one; write e.g. [8, 16]"},
      {"grid: [8]",
       "x.yaml:2: grid = [8]: must be a map of keys; write e.g. {task.pairs: [8, 16]}"},
      {"grid: {pairs: [8]}", "x.yaml:2: grid key 'pairs' lacks its section; write 'task.pairs'"},
      {"grid: {task.pair: [8]}",
       "x.yaml:2: grid key 'task.pair' is unknown; did you mean 'task.pairs'?"},
      {"grid: {task.tokens: [8]}",
       "x.yaml:2: grid key 'task.tokens' is not an option of this task (grid: task.tokens = 8)"},
      {"grid: {seeds: [8]}",
       "x.yaml:2: grid key 'seeds' is crossed anyway; give the list at the top level"},
      {"grid: {eval.lengths: [[128]]}",
       "x.yaml:2: grid key 'eval.lengths' is a scoring option, which makes no other cells; give "
       "lists in eval (lengths: [64, 128]) or run a second configuration"},
      {"grid: {eval.unseen_levels: [clamp, as-is]}",
       "x.yaml:2: grid key 'eval.unseen_levels' is a scoring option, which makes no other cells; "
       "give lists in eval (lengths: [64, 128]) or run a second configuration"},
      {"grid: {train.betas: [[0.9, 0.99]]}",
       "x.yaml:2: grid key 'train.betas' takes a list, and a grid crosses single values; use a "
       "configuration for each list"},
      {"grid: {task.name: [mqar]}",
       "x.yaml:2: grid key 'task.name' cannot be crossed alone, since tasks differ in their "
       "options; "
       "cross whole tasks: grid: {task: [{name: mqar}, {name: selective-copying}]}"},
      {"grid: {task: [{name: mqar}]}",
       "x.yaml:1: task is given here and crossed by the grid (x.yaml:2); keep one"},
      {"grid: {task.pairs: [8, 16, 8]}\nvariants: [gated-linear]",
       "x.yaml:2: two cells are the same: [gated-linear, seed 0 (grid: task.pairs = 8)] and "
       "[gated-linear, seed 0 (grid: task.pairs = 8)]; what tells them apart has no effect on "
       "training; remove one"},
      {"variants: [gated-linear]\ngrid: {model.lambda_hidden: [8, 16]}",
       "x.yaml:3: grid key 'model.lambda_hidden' has no effect on any of the variants listed; "
       "leave it out"},
      {"variants: [adaptive-decay, gated-linear]\ngrid: {model.lambda_hidden: [8, 8]}",
       "x.yaml:3: two cells are the same: [adaptive-decay, seed 0 (grid: model.lambda_hidden = 8)] "
       "and [adaptive-decay, seed 0 (grid: model.lambda_hidden = 8)]; what tells them apart has no "
       "effect on training; remove one"},
  };
  for (const auto& [text, message] : cases) CHECK(error_of(task + text) == message);
}

TEST_CASE("malformed: a grid of more cells than anyone can run is refused before it is laid out") {
  std::string list = "[1";
  for (int i = 2; i <= 400; ++i) list += fmt::format(", {}", i);
  list += "]";
  CHECK(contains(error_of(fmt::format("task: {{name: mqar}}\ngrid: {{train.steps: {}, "
                                      "train.eval_every: {}}}",
                                      list, list)),
                 "x.yaml:2: the grid has more than 100000 combinations; shorten it"));
  CHECK(contains(error_of(fmt::format("task: {{name: mqar}}\ngrid: {{train.steps: {}}}\nseeds: {}",
                                      list, list)),
                 "cells are more than 100000"));
}

TEST_CASE("malformed: a configuration that could not be read back is refused") {
  const auto tasks = [](int count) {
    std::string text = "variants: [fixed-decay]\ngrid:\n  task:\n";
    for (int i = 0; i < count; ++i) {
      text += fmt::format("    - {{name: mqar, length: {}}}\n", 32 + i);
    }
    return text;
  };
  CHECK(round_trip_failure(parse_experiment(tasks(500), "x.yaml"), 4) == "");
  CHECK(contains(error_of(tasks(7000)),
                 "bytes with every default written out, more than the 1048576"));
  std::string keys;
  for (int i = 0; i < 1001; ++i) keys += fmt::format("k{}: 1\n", i);
  CHECK(error_of(keys) == "x.yaml:1001: a map of more than 1000 keys");
}
