// `recollect show` from the command line, and the pages that quote it.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "harness/render/json.hpp"
#include "tests/support/page_quote.hpp"
#include "tests/support/places.hpp"
#include "tests/support/recollect_program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

constexpr const char* kPiped = "env -u COLUMNS ";

/// Two tasks, each with two variants and three seeds.
std::string crossed_config(const TemporaryFolder& folder) {
  const std::filesystem::path path = folder / "crossed.yaml";
  write_file_atomically(path, R"(experiment: crossed
model: {width: 8, layers: 1, chunk: 8}
variants: [fixed-decay, full-quadratic]
train: {examples: 40, validation_examples: 20, batch: 4, steps: 20, eval_every: 10}
eval: {lengths: [32, 64], examples: 10}
seeds: [4, 5, 6]
grid:
  task:
    - {name: mqar, length: 32, pairs: 2, vocab: 16}
    - {name: mqar, length: 32, pairs: 4, vocab: 16}
)");
  return quoted(path);
}

Json shown(const std::string& arguments) {
  const ProgramResult result = recollect_program("show " + arguments + " --format json");
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  return Json::parse(result.out);
}

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) longest = std::max(longest, line.size());
  return longest;
}

TEST_CASE("show: split, example, length, cell and seed choose what is shown") {
  const TemporaryFolder folder;
  const std::string config = crossed_config(folder);
  const Json plain = shown(config);
  CHECK(plain["split"] == "train");
  CHECK(plain["example"] == 0);
  CHECK(plain["cell"]["number"] == 1);
  CHECK(plain["data_seed"] == 4);
  CHECK(plain["length"] == 32);
  CHECK(plain["examples"] == 40);
  const Json other = shown(config + " --split test --example 9 --length 64 --cell 12");
  CHECK(other["split"] == "test");
  CHECK(other["example"] == 9);
  CHECK(other["ids"].size() == 64);
  CHECK(other["trained_length"] == 32);
  CHECK(other["task"]["pairs"] == 4);
  CHECK(other["cell"]["variant"] == "full-quadratic");
  CHECK(other["data_seed"] == 6);
  CHECK(shown(config + " --seed 5")["cell"]["number"] == 2);
  CHECK(shown(config + " --seed 5")["ids"] != plain["ids"]);
  CHECK(shown(config + " --set task.data_seed=9 --seed 5")["data_seed"] == 9);
  // Without the trained length among those that are scored, the shortest of these.
  CHECK(shown(config + " --split test --set 'eval.lengths=[64, 128]'")["length"] == 64);
}

TEST_CASE("show: of several tasks it says which one is shown, and how to choose") {
  const TemporaryFolder folder;
  const std::string config = crossed_config(folder);
  const std::string note =
      "note: 2 tasks are crossed here; shown is that of cell 1; choose with --cell N: "
      "1 (pairs 2), 7 (pairs 4)\n";
  CHECK(recollect_program("show " + config).err == note);
  CHECK(recollect_program("show " + config + " --cell 1").err.empty());
  CHECK(recollect_program("show " + tiny_config(folder)).err.empty());
  const std::string demo = quoted(source_folder() / "configs/demo.yaml");
  CHECK(holds(recollect_program("show " + demo).err,
              "choose with --cell N: 1 (mqar), 8 (selective-copying)\n"));
}

TEST_CASE("show: lines fit the terminal, and 100 columns where there is none") {
  const TemporaryFolder folder;
  const std::string config = crossed_config(folder);
  for (const std::size_t width : {40, 60, 120}) {
    const ProgramResult result =
        recollect_program("show " + config, fmt::format("COLUMNS={} ", width));
    CAPTURE(width);
    CHECK(result.status == 0);
    CHECK(longest_line(result.out) <= width);
    CHECK(longest_line(result.out) > (width > 100 ? 100 : width / 2));
  }
  const std::string wide = " --set task.vocab=20000 --set 'grid.task=[{name: mqar, length: 512}]'";
  const ProgramResult piped = recollect_program("show " + config + wide + " --cell 1", kPiped);
  CHECK(longest_line(piped.out) <= 100);
  CHECK(longest_line(piped.out) > 80);
  CHECK_FALSE(holds(piped.out, "\x1b"));
}

TEST_CASE("show: what is wrong is one line with a way out") {
  const TemporaryFolder folder;
  const std::string config = crossed_config(folder);
  const std::string show = "show " + config + " ";
  expect_usage_error(show + "--example 40",
                     "--example 40 is not in 0..39, the train examples; choose one of these, or "
                     "raise train.examples;");
  expect_usage_error(show + "--example 80 --set train.examples=online",
                     "--example 80 is not in 0..79, the train examples; choose one of these, or "
                     "raise train.steps;");
  expect_usage_error(show + "--split validation --example 20", "raise train.validation_examples;");
  expect_usage_error(show + "--split test --example 10", "raise eval.examples;");
  expect_usage_error(show + "--example -1", "--example -1 is not in 0..39");
  expect_usage_error(show + "--example one", "--example");
  expect_usage_error(show + "--split tets",
                     "--split 'tets' is unknown; choose one of train, validation, test; did you "
                     "mean 'test'?");
  expect_usage_error(show + "--cell 13",
                     "--cell 13 is not in 1..12, the cells of this configuration");
  expect_usage_error(show + "--cell 0", "--cell 0 is not in 1..12");
  expect_usage_error(show + "--seed 7",
                     "--seed 7 is none of the seeds of this configuration (4, 5, 6); choose one of "
                     "them, or add it to `seeds`;");
  expect_usage_error(show + "--seed 4 --cell 1", "--cell");
  expect_usage_error(show + "--split test --length 48",
                     "--length 48 has no test examples, which are of length 32, 64; choose one of "
                     "these, or add it to eval.lengths;");
  expect_usage_error(show + "--length 64",
                     "--length 64 has no train examples, which are of length 32; choose that, or "
                     "another --split;");
  expect_usage_error(show + "--format yaml", "--format");
  expect_usage_error("show ''", "CONFIG is empty; give the path of a configuration file");
}

TEST_CASE("show: configuration errors are those of check") {
  const TemporaryFolder folder;
  const std::string config = tiny_config(folder);
  for (const std::string& given : {config + " --set task.pairs=40", config + " --set task.lenght=8",
                                   quoted(folder / "none")}) {
    const ProgramResult show = recollect_program("show " + given);
    const ProgramResult check = recollect_program("check " + given);
    CAPTURE(given);
    CHECK(show.status != 0);
    CHECK(show.status == check.status);
    CHECK(show.err == check.err);
    CHECK(show.out.empty());
  }
}

TEST_CASE("show: docs/command_line.md quotes what the program prints") {
  const PageQuote quote = page_quote("docs/command_line.md", "./recollect show");
  REQUIRE(!quote.arguments.empty());
  const ProgramResult result = recollect_program(
      "show " + quote.arguments, fmt::format("cd {} && env -u COLUMNS ", quoted(source_folder())));
  CHECK(result.err.empty());
  CHECK(result.out == quote.text);
}

}  // namespace
}  // namespace recollect
