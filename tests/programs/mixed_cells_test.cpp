// Cells whose layers have different mixers, from the configuration to tables and what is looked at.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "harness/config/load.hpp"
#include "harness/render/json.hpp"
#include "harness/store/csv.hpp"
#include "harness/sweep/runner.hpp"
#include "tests/support/recollect_program.hpp"
#include "tests/support/result_files.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

constexpr const char* kMixed = R"(experiment: mixed
task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8, layers: 3, chunk: 8, pattern: [full-quadratic, variant]}
variants:
  - adaptive-decay
  - {name: gated-linear, label: delta first, pattern: [{name: gated-deltanet, beta_max: 2}, variant]}
  - {name: mamba-2, label: plain, pattern: [variant]}
train: {examples: 40, validation_examples: 20, batch: 20, steps: 12, eval_every: 5}
eval: {lengths: [16, 32], examples: 20}
)";

TEST_CASE("mixed cells: the same bytes for 1, 2 and 7 threads") {
  const Experiment experiment = parse_experiment(kMixed, "mixed.yaml");
  RunObserver silent;
  const TemporaryFolder one;
  run_experiment(experiment, one.path(), {.jobs = 1, .threads = 1}, silent);
  const auto expected = result_files(one / "cells");
  REQUIRE(expected.size() >= 7 * experiment.cells.size());
  for (const int threads : {2, 7}) {
    CAPTURE(threads);
    const TemporaryFolder other;
    run_experiment(experiment, other.path(), {.jobs = 1, .threads = threads}, silent);
    CHECK(result_files(other / "cells") == expected);
  }
}

TEST_CASE("mixed cells: run, resolved configurations, table, inspect") {
  const TemporaryFolder folder;
  const std::filesystem::path config = folder / "mixed.yaml";
  write_file_atomically(config, kMixed);
  const std::string out = quoted(folder / "runs");
  const ProgramResult dry =
      recollect_program(fmt::format("run {} --out {} --dry-run", quoted(config), out));
  CHECK(dry.status == 0);
  REQUIRE(recollect_program(fmt::format("run {} --out {} --verify", quoted(config), out)).status ==
          0);

  // The file of a cell, and what `check` prints, are configurations of the same cells.
  std::vector<std::filesystem::path> cells;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "runs" / "cells")) {
    if (entry.is_directory()) cells.push_back(entry.path());
  }
  REQUIRE(cells.size() == 3);
  for (const std::filesystem::path& cell : cells) {
    const Experiment again =
        parse_experiment(read_file(cell / "config.yaml"), "config.yaml", {}, AllowedNames::kAny);
    CHECK(again.cells.at(0).hash() == cell.filename());
  }
  const std::filesystem::path resolved = folder / "resolved.yaml";
  write_file_atomically(resolved, recollect_program("check " + quoted(config)).out);
  const ProgramResult rerun =
      recollect_program(fmt::format("run {} --out {}", quoted(resolved), out));
  CHECK(rerun.status == 0);
  CHECK(std::distance(std::filesystem::directory_iterator(folder / "runs" / "cells"),
                      std::filesystem::directory_iterator()) >= 3);

  const CsvTable table =
      parse_csv(recollect_program(fmt::format("table {} --format csv", out)).out, "table");
  std::vector<std::string> patterns;
  for (const auto& row : table.rows) {
    patterns.push_back(row[table.index("label")] + ": " + row[table.index("model_pattern")]);
  }
  const auto has = [&](const std::string& text) {
    return std::find(patterns.begin(), patterns.end(), text) != patterns.end();
  };
  CHECK(has("adaptive-decay: [full-quadratic, variant]"));
  CHECK(has("delta first: [{name: gated-deltanet, chunk: 8, beta_max: 2}, variant]"));
  CHECK(has("plain: "));

  for (const std::filesystem::path& cell : cells) {
    const Experiment one =
        parse_experiment(read_file(cell / "config.yaml"), "config.yaml", {}, AllowedNames::kAny);
    const VariantSettings& variant = one.cells.at(0).variant;
    const ProgramResult text = recollect_program("inspect " + quoted(cell));
    CHECK(text.status == 0);
    const Json json =
        Json::parse(recollect_program("inspect " + quoted(cell) + " --format json").out);
    for (std::size_t l = 0; l < 3; ++l) {
      CHECK(json["layers"][l]["mixer"] == std::string(variant.layers[l]->name()));
    }
    const bool is_mixed = variant.name != "mamba-2";
    CHECK(holds(text.out, fmt::format("\nlayer 0 ({}), head 0\n", variant.layers[0]->name())) ==
          is_mixed);
  }
}

}  // namespace
}  // namespace recollect
