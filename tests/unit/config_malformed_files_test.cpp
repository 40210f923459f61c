// Overrides, whole files that are no configuration, and what other programs put into one.
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
#include "tests/support/places.hpp"
#include "tests/support/round_trip.hpp"
#include "tests/support/test_model.hpp"

using namespace recollect;

TEST_CASE("malformed: overrides stand in their messages in place of file and line") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"nonsense", "--set nonsense: must be key=value; write e.g. --set task.pairs=16"},
      {"=3", "--set =3: must be key=value; write e.g. --set task.pairs=16"},
      {"seeds=", "--set seeds=: seeds has no value; write e.g. --set task.pairs=16"},
      {"pairs=8", "--set pairs=8: unknown key 'pairs'; did you mean 'task.pairs'?"},
      {"tsk.pairs=8", "--set tsk.pairs=8: unknown key 'tsk.pairs'; did you mean 'task.pairs'?"},
      {"eval.lenghts=[8]",
       "--set eval.lenghts=[8]: unknown key 'eval.lenghts'; did you mean 'lengths'? known: "
       "lengths, "
       "examples, unseen_levels, cells"},
      {"seeds=[0,1", "--set seeds=[0,1: not valid YAML: end of sequence flow not found"},
      {"train.batch=0",
       "--set train.batch=0: train.batch = 0: must be a whole number, 1..65536; raise it"},
      {"task.pairs=40",
       "--set task.pairs=40: task.pairs = 40 needs 4*40 + offset 0 = 160 tokens with layout "
       "packed, "
       "but length is 128; lower it to 32 or raise length to 160 (grid: model.width = 16)"},
      {"model.width=32",
       "--set model.width=32: the grid crosses model.width already and would win; replace its "
       "values "
       "with --set grid.model.width=[...]"},
  };
  for (const auto& [set, message] : cases) {
    CHECK(error_of("task: {name: mqar}\ngrid: {model.width: [16]}", {set}) == message);
  }
}

TEST_CASE("malformed: an override that a later one replaces is named in a warning") {
  const auto warnings = [](const std::vector<std::string>& overrides) {
    return parse_experiment("task: {name: mqar}", "x.yaml", overrides).warnings;
  };
  using Lines = std::vector<std::string>;
  CHECK(warnings({"task.pairs=2", "task.vocab=32"}).empty());
  CHECK(warnings({"task={name: mqar}", "task.pairs=2"}).empty());
  CHECK(warnings({"task.pairs=2", "task.pairs=3"}) ==
        Lines{"--set task.pairs=2 has no effect: --set task.pairs=3 comes after it"});
  CHECK(warnings({"task.pairs=2", "task={name: mqar}"}) ==
        Lines{"--set task.pairs=2 has no effect: --set task={name: mqar} comes after it"});
  CHECK(warnings({"seeds=[0]", "seed=3"}) ==
        Lines{"--set seeds=[0] has no effect: --set seed=3 comes after it"});
  CHECK(warnings({"seed=1", "seed=2", "seed=3"}).size() == 2);
  CHECK(warnings({"grid.task.pairs=[1, 2]", "grid={model.width: [8]}"}).size() == 1);
}

TEST_CASE("malformed: files that are no configuration are one clear line") {
  const std::string deep(900000, '[');
  std::string bomb = "a: &a0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    bomb += fmt::format("b{}: &a{} [*a{},*a{},*a{},*a{},*a{},*a{}]\n", i, i, i - 1, i - 1, i - 1,
                        i - 1, i - 1, i - 1);
  }
  std::string stairs;
  for (int i = 0; i < 5000; ++i) stairs += "- ";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "x.yaml:1: is empty; a configuration needs at least a task, e.g. task: {name: mqar}"},
      {"# comment\n\n",
       "x.yaml:1: is empty; a configuration needs at least a task, e.g. task: {name: mqar}"},
      {"...\n",
       "x.yaml:1: is empty; a configuration needs at least a task, e.g. task: {name: mqar}"},
      {"---\n",
       "x.yaml:1: is empty; a configuration needs at least a task, e.g. task: {name: mqar}"},
      {"[1, 2]",
       "x.yaml:1: [1, 2] is not a configuration; it must be a map of experiment, task, model, "
       "variants, train, eval, seeds, seed, grid"},
      {"just a line",
       "x.yaml:1: just a line is not a configuration; it must be a map of experiment, task, model, "
       "variants, train, eval, seeds, seed, grid"},
      {"task: {name: mqar}\n---\ntask: {name: mqar}\n",
       "x.yaml:2: a second YAML document starts here; a configuration is one document, so split "
       "the "
       "file"},
      {"task:\n\tname: mqar\n",
       "x.yaml:2: the line is indented with a tab; YAML takes spaces alone"},
      {"task:\n  name: \"\\N\"\n",
       "x.yaml:2: the escapes \\N and \\_ are not supported; write \\x85 or \\xA0"},
      {"task: {name: mqar\n", "x.yaml:1: not valid YAML: end of map flow not found"},
      {"task: \"mqar\n", "x.yaml:1: not valid YAML: a quote is never closed"},
      {"model: *x\n", "x.yaml:1: not valid YAML: the referenced anchor is not defined"},
      {"a: &a [*a]\n", "x.yaml:1: an alias stands inside its own anchor; write the value out"},
      {"task: &t {name: mqar}\nmodel: {<<: *t}\n",
       "x.yaml:2: merge keys (<<) are not supported; write the keys out"},
      {"task: !!map {name: mqar}\n",
       "x.yaml:1: tag 'tag:yaml.org,2002:map' is not supported; write the value without it"},
      {"? [a]\n: b\n", "x.yaml:1: [a] stands where a key belongs; write `key: value`"},
      {"~: 1\n", "x.yaml:1: null stands where a key belongs; write `key: value`"},
      {deep, "x.yaml:1: nested more than 16 deep; no configuration is"},
      {stairs, "x.yaml:1: nested more than 16 deep; no configuration is"},
      {bomb, "x.yaml:7: the document holds more than 262144 values"},
      {std::string(1048577, '#'), "x.yaml:1: 1048577 bytes, more than 1048576"},
      {"task: {name: mqar}\nmodel: \xFF\n",
       "x.yaml:2: byte 0xFF is not text; a configuration is a UTF-8 file"},
      {std::string("task\0: 1", 8),
       "x.yaml:1: byte 0x00 is not text; a configuration is a UTF-8 file"},
      {"task: {name: \"a\\e[31m\"}\n",
       "x.yaml:1: task.name = a\\x1B[31m is unknown; known: mqar, selective-copying, "
       "group-words, compositional-recall, in-context-recall, fuzzy-recall, memorisation, "
       "induction-heads, examples"},
  };
  for (const auto& [text, message] : cases) CHECK(error_of(text) == message);
}

TEST_CASE(
    "malformed: every shipped configuration cut short, or with a byte changed, never crashes") {
  const std::filesystem::path file = source_folder() / "configs" / "demo.yaml";
  std::ifstream stream(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(stream)),
                         std::istreambuf_iterator<char>());
  REQUIRE(text.size() > 200);
  for (std::size_t i = 0; i < text.size(); i += 3) {
    (void)error_of(text.substr(0, i));
    for (const char byte :
         {'\0', '\t', '\n', '{', ']', ':', '#', '"', '&', '*', '!', '?', '-', '\x80'}) {
      std::string changed = text;
      changed[i] = byte;
      (void)error_of(changed);
    }
  }
}

TEST_CASE("malformed: texts that name things fit a line of a table, as they are written") {
  const auto label = [](const std::string& text) {
    return error_of(
        fmt::format("task: {{name: mqar}}\nvariants: [{{name: fixed-decay, label: {}}}]", text));
  };
  for (const char* good : {"a", "'1.5 x'", "größe", "\"a b\"", "'~a'", "\"\\xa0\""}) {
    CAPTURE(good);
    CHECK(label(good) == "");
  }
  for (const char* bad :
       {"null", "~", "''", "[a]", "{a: b}", "\"a,b\"", "\"a'b\"", "\"a\\nb\"", "\"a\\rb\"",
        "\"a\\x7fb\"", "\"a\\x85b\"", "\"a\\u2028b\"", "\"a\\u2029b\"", "\"a\\0b\""}) {
    CAPTURE(bad);
    CHECK(contains(label(bad), "it stands in tables"));
  }
  for (const char* bad : {"' '", "' a'", "\"a \""}) {
    CAPTURE(bad);
    CHECK(contains(label(bad), "begins or ends with a blank"));
  }
  CHECK(contains(error_of("task: {name: mqar}\nexperiment: ' x'"), "begins or ends with a blank"));
}

TEST_CASE("malformed: what other programs and systems put into a file") {
  const std::string task = "task: {name: mqar}\n";
  for (const std::string& good :
       {"\xEF\xBB\xBF" + task, task + "...\n", "---\n" + task, "%YAML 1.2\n---\n" + task,
        std::string("{\"task\": {\"name\": \"mqar\"}}"), task + "seed: +3\n",
        std::string("task: {name: mqar}\r\nseed: 1\r\n"), task + "seed: 1\t\n"}) {
    CAPTURE(good);
    CHECK(error_of(good) == "");
  }
  const std::string utf16("\xFF\xFEt\0a\0", 6);
  CHECK(contains(error_of(utf16), "x.yaml:1: byte 0xFF is not text"));
  CHECK(contains(error_of(task + "\xEF\xBB\xBFseed: 1\n"), "x.yaml:2: unknown key"));
  CHECK(contains(error_of("task: {name: mqar}\rseed: 1\r"), "x.yaml:1: not valid YAML"));
  CHECK(contains(error_of("%YAML 9.9\n---\n" + task), "x.yaml:1: not valid YAML"));
  CHECK(contains(error_of(task + "seed: !!int 3\n"), "is not supported"));
  CHECK(contains(error_of(task + "train: {clip: -1e400}\n"), "does not fit a double"));
  CHECK(contains(error_of(task + "train: {clip: 1e-400}\n"), "does not fit a double"));
  CHECK(contains(error_of(task + "train: {clip: 0x1p3}\n"), "must be a number"));
  CHECK(contains(error_of(task + "seeds: [0, -0]\n"), "holds 0 twice"));
}

TEST_CASE("malformed: a negative zero is zero, not another cell") {
  const auto hash = [](const char* value) {
    return parse_experiment(fmt::format("task: {{name: mqar}}\nvariants: [fixed-decay]\n"
                                        "train: {{weight_decay: {}, clip: {}}}",
                                        value, value),
                            "x.yaml")
        .cells.front()
        .hash();
  };
  for (const char* zero : {"-0", "-0.0", "0.0", "+0", "-0e3"}) CHECK(hash(zero) == hash("0"));
  CHECK(contains(error_of("task: {name: mqar}\nvariants: [fixed-decay]\n"
                          "grid: {train.weight_decay: [0, -0.0]}"),
                 "two cells are the same"));
}

TEST_CASE("malformed: files that cannot be read are errors of input, not of configuration") {
  const auto check = [](const std::string& path, const std::string& message) {
    try {
      (void)load_experiment(path);
      FAIL("loaded ", path);
    } catch (const Error& error) {
      CHECK(error.status() == ExitStatus::kInputOutput);
      CHECK(std::string(error.what()) == message);
    }
  };
  const std::string folder = std::filesystem::temp_directory_path().string();
  check(folder, fmt::format("cannot read {}: Is a directory", folder));
  check("/no/such/file.yaml", "cannot read /no/such/file.yaml: No such file or directory");
}
