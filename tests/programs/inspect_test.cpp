// `recollect inspect` from the command line: cells, files of weights, and what is wrong with them.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "harness/plot/process.hpp"
#include "harness/render/json.hpp"
#include "harness/store/csv.hpp"
#include "harness/store/safetensors.hpp"
#include "tests/support/places.hpp"
#include "tests/support/recollect_program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

/// Two variants and two seeds, trained in a moment, and their archive with weights.
class TrainedCells {
 public:
  TrainedCells() {
    write_file_atomically(config(), R"(experiment: seen
task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8, layers: 2, chunk: 8}
variants: [adaptive-decay, full-quadratic]
train: {examples: 40, validation_examples: 20, batch: 4, steps: 20, eval_every: 10}
eval: {lengths: [16], examples: 20}
seeds: [0, 1]
)");
    REQUIRE(recollect_program(fmt::format("run {} --out {}", quoted(config()), quoted(runs())))
                .status == 0);
    REQUIRE(recollect_program(fmt::format("archive {} --out {} --weights", quoted(runs()),
                                          quoted(folder_ / "archives")))
                .status == 0);
  }
  [[nodiscard]] std::filesystem::path config() const { return folder_ / "seen.yaml"; }
  [[nodiscard]] std::filesystem::path runs() const { return folder_ / "runs"; }
  [[nodiscard]] std::filesystem::path archive() const { return folder_ / "archives" / "seen"; }
  [[nodiscard]] std::filesystem::path file(const std::string& variant) const {
    return archive() / "weights" / (variant + ".safetensors");
  }
  /// The folder of the cell of seed 0 of a variant.
  [[nodiscard]] std::filesystem::path cell(const std::string& variant) const {
    const Metadata metadata = read_safetensors(file(variant)).metadata;
    return runs() / "cells" / metadata.at("cell");
  }
  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
};

void expect_error(const std::string& arguments, int status, const std::string& message) {
  const ProgramResult result = recollect_program("inspect " + arguments);
  CAPTURE(arguments);
  CAPTURE(result.err);
  CHECK(result.status == status);
  CHECK(result.out.empty());
  CHECK(line_count(result.err) == 1);
  CHECK(holds(result.err, message));
}

TEST_CASE("inspect: a cell's folder and its archived weights show the same") {
  const TrainedCells cells;
  const ProgramResult of_folder =
      recollect_program("inspect " + quoted(cells.cell("adaptive-decay")) + " --format csv");
  REQUIRE(of_folder.status == 0);
  const std::string of_file_arguments =
      quoted(cells.file("adaptive-decay")) + " " + quoted(cells.config());
  const ProgramResult of_file = recollect_program("inspect " + of_file_arguments + " --format csv");
  CHECK(of_file.err.empty());
  CHECK(of_file.out == of_folder.out);
  // The archive's own configuration will do as well.
  CHECK(recollect_program("inspect " + quoted(cells.file("adaptive-decay")) + " " +
                          quoted(cells.archive() / "config.yaml") + " --format csv")
            .out == of_folder.out);
  CHECK(recollect_program("inspect " + quoted(cells.cell("adaptive-decay")) +
                          " --weights final --format csv")
            .status == 0);
  const ProgramResult text = recollect_program("inspect " + of_file_arguments, "COLUMNS=80 ");
  CHECK(text.status == 0);
  CHECK(holds(text.out, "input-dependence"));
  const Json json = Json::parse(recollect_program("inspect " + of_file_arguments +
                                                  " --example 3 --examples 5 --query 4,15 "
                                                  "--split validation --format json")
                                    .out);
  CHECK(json["example"] == 3);
  CHECK(json["examples"] == 5);
  CHECK(json["split"] == "validation");
  CHECK(json["queries"][1]["position"] == 15);
  CHECK(json["layers"][1]["heads"][0]["attention"][0]["weights"].size() == 5);
}

TEST_CASE("inspect: a cell's folder by the name that tables give it") {
  const TrainedCells cells;
  const std::filesystem::path folder = cells.cell("adaptive-decay");
  const std::filesystem::path named = folder.parent_path() / ("c" + folder.filename().string());
  CHECK(recollect_program("inspect " + quoted(named) + " --format csv").out ==
        recollect_program("inspect " + quoted(folder) + " --format csv").out);
}

TEST_CASE("inspect: a picture with its numbers beside it, and none without levels") {
  if (!plot::run_process({"gnuplot", "--version"}, "").found) return;
  const TrainedCells cells;
  const std::filesystem::path out = cells.folder() / "out";
  const ProgramResult drawn = recollect_program("inspect " + quoted(cells.cell("adaptive-decay")) +
                                                " --out " + quoted(out));
  CHECK(drawn.status == 0);
  CHECK(file_exists(out / "lambda-adaptive-decay.svg"));
  const CsvTable table = parse_csv(read_file(out / "lambda-adaptive-decay.csv"), "csv");
  CHECK(!table.rows.empty());
  const ProgramResult plain = recollect_program("inspect " + quoted(cells.cell("full-quadratic")) +
                                                " --out " + quoted(cells.folder() / "none"));
  CHECK(plain.status == 0);
  CHECK(plain.err == "no picture: full-quadratic has no levels, so there is no lambda to draw\n");
  CHECK_FALSE(file_exists(cells.folder() / "none"));
  CHECK(holds(plain.out, "no levels: there is no lambda"));
}

TEST_CASE("inspect: what is wrong is one line with a way out") {
  const TrainedCells cells;
  const std::string cell = quoted(cells.cell("adaptive-decay"));
  const std::string file = quoted(cells.file("adaptive-decay"));
  const std::string config = quoted(cells.config());
  const auto usage = [](const std::string& arguments, const std::string& message) {
    expect_usage_error("inspect " + arguments, message);
  };
  usage("''", "MODEL is empty; give the folder of a cell or a file of weights");
  usage(cell + " --example 20", "--example 20 is not in 0..19, the test examples");
  usage(cell + " --examples 21", "--examples 21 is not in 1..20");
  usage(cell + " --examples 0", "--examples 0 is not in 1..20");
  usage(cell + " --query 3,16", "--query 16 is not in 0..15, the positions of the example");
  usage(cell + " --query -1", "--query -1 is not in 0..15");
  usage(cell + " --query x", "--query");
  usage(cell + " --split tets", "did you mean 'test'?");
  usage(cell + " " + config, "the folder of a cell says what it is");
  usage(file, "CONFIG is missing: a file of weights needs the configuration");
  usage(file + " " + config + " --weights final", "--weights chooses among those of a cell's");
  expect_error(cell + " --length 3", 3, "length");

  expect_error(quoted(cells.folder() / "nowhere") + " " + config, 5, "nowhere is not there; give");
  expect_error(quoted(cells.runs() / "cells" / "c0123456789abcdef"), 5, "is not there; give");
  expect_error(quoted(cells.folder().path()), 5, "holds no config.yaml; give the folder of a cell");
  expect_error(quoted(cells.runs()), 5, "is a folder of runs, not of one cell; give one of its");
  expect_error(quoted(cells.archive()), 5, "is an archive, not a cell; give a file of its weights");
  expect_error(config + " " + config, 5, "seen.yaml");  // no safetensors

  expect_error(quoted(cells.file("full-quadratic")) + " " + config + " --variant adaptive-decay", 3,
               "choose one with --variant LABEL and --seed S");
  expect_error(
      quoted(cells.file("full-quadratic")) + " " + config + " --variant adaptive-decay --seed 0", 5,
      "tensor 'layers.0.A_log' is missing");
  expect_error(file + " " + config + " --variant fixed-decay", 3,
               "none of the 4 cells of " + cells.config().string() + " has variant fixed-decay");
  expect_error(file + " " + config + " --seed 7", 3, "has seed 7");
  expect_error(file + " " + config + " --set train.steps=30", 3, "which is none of the 4 cells");
  expect_error(file + " " + config + " --set model.width=16 --variant adaptive-decay --seed 0", 5,
               "has shape [16, 8], but the model needs [16, 16]");
}

TEST_CASE("inspect: weights of another cell are looked at with a note, where they are asked for") {
  const TrainedCells cells;
  const ProgramResult result = recollect_program(
      "inspect " + quoted(cells.file("adaptive-decay")) + " " + quoted(cells.config()) +
      " --variant adaptive-decay --seed 1 --format json");
  CHECK(result.status == 0);
  CHECK(holds(result.err, "which is not this one"));
  CHECK(line_count(result.err) == 1);
}

TEST_CASE("inspect: cells without weights, half trained or damaged") {
  const TrainedCells cells;
  const std::filesystem::path cell = cells.cell("adaptive-decay");
  WeightsFile weights = read_safetensors(cell / "best.safetensors");
  weights.tensors[2].data[1] = std::numeric_limits<float>::quiet_NaN();
  std::vector<TensorView> views;
  for (const NamedTensor& tensor : weights.tensors) {
    views.push_back({tensor.name, tensor.shape, tensor.data});
  }
  weights.metadata.erase("checksum");
  write_file_atomically(cell / "best.safetensors", encode_safetensors(views, weights.metadata));
  expect_error(
      quoted(cell), 5,
      fmt::format("tensor '{}' holds a number that is not finite", weights.tensors[2].name));
  std::filesystem::remove(cell / "best.safetensors");
  expect_error(quoted(cell), 5, "best.safetensors is not there: the cell has no such weights");
  std::filesystem::remove(cell / "status.yaml");
  expect_error(quoted(cell), 5, "the cell is not trained yet; `recollect run` makes it");

  // A cell that an archive gave.
  const std::filesystem::path restored = cells.folder() / "restored";
  REQUIRE(recollect_program(fmt::format("run {} --out {} --reuse {}", quoted(cells.config()),
                                        quoted(restored), quoted(cells.archive().parent_path())))
              .status == 0);
  expect_error(quoted(restored / "cells" / cell.filename()), 5,
               "comes from an archive, which keeps no weights; train the cell, with");
}

}  // namespace
}  // namespace recollect
