// A figure that is not finite: what it means in training, in scoring, and in files.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/config/load.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/gathered_archive.hpp"
#include "harness/store/record.hpp"
#include "harness/store/safetensors.hpp"
#include "harness/sweep/runner.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/trainer.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr const char* kTiny = R"(experiment: tiny
task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8, layers: 1}
variants: [full-quadratic]
train: {examples: 40, validation_examples: 20, batch: 4, steps: 4, eval_every: 2}
eval: {lengths: [16], examples: 20}
)";

/// The third update, the last one, leaves weights that are not finite behind a finite loss.
constexpr const char* kNanAtTheEnd = R"(experiment: not a number
task: {name: mqar, length: 64, pairs: 4, vocab: 32}
model: {width: 16}
variants: [adaptive-decay]
train: {examples: 200, validation_examples: 50, batch: 16, steps: 3, eval_every: 3, learning_rate: 10, weight_decay: 10}
eval: {examples: 50}
)";

Experiment tiny(const std::vector<std::string>& overrides = {}) {
  return parse_experiment(kTiny, "tiny.yaml", overrides);
}

RunSummary run(const Experiment& experiment, const std::filesystem::path& out) {
  RunObserver silent;
  return run_experiment(experiment, out, {.jobs = 1}, silent);
}

/// Writes scores.csv with another text in one column of every row.
void put_in_column(const CellFolder& folder, const std::string& column, const std::string& text) {
  CsvTable table = parse_csv(folder.read_text("scores.csv"), "scores.csv");
  for (auto& row : table.rows) row[table.index(column)] = text;
  folder.write_text("scores.csv", to_csv(table));
}

/// The cell with what its files hold now, as a version before digests would have left it.
void forget_digests(const CellFolder& folder) {
  CellStatus status = folder.read_status().value();
  status.files.clear();
  folder.write_status(status);
}

ScoreRow good_row() {
  ScoreRow row;
  row.key = {Weights::kBest, Split::kTest, 16, 20, ""};
  row.accuracy = 0.325;
  row.exact_match = 0.05;
  row.loss = 2.5;
  row.scored = 40;
  row.best_step = 100;
  return row;
}

}  // namespace

TEST_CASE("finite: a training whose last update leaves no numbers has diverged") {
  TrainObserver silent;
  const Experiment experiment = parse_experiment(kNanAtTheEnd, "nan.yaml");
  const TrainResult result = train(experiment.cells.at(0), 1, silent);
  CHECK(result.diverged == "step 3: validation loss nan at length 64");
  CHECK(result.history.empty());  // of figures, there are none
  const TemporaryFolder out;
  const RunSummary summary = run(experiment, out.path());
  CHECK(summary.finished == 0);
  const CellFolder folder(out.path(), experiment.cells.at(0).hash());
  CHECK(folder.read_status()->ending == Ending::kDiverged);
  CHECK_FALSE(file_exists(folder.path() / "scores.csv"));
  CHECK_FALSE(file_exists(folder.weights_path(Weights::kBest)));
  const std::vector<CellResult> rows = read_cells(out.path()).rows;
  REQUIRE(rows.size() == 1);
  CHECK_FALSE(rows[0].score.has_value());
}

TEST_CASE("finite: what can be no score names its column and why") {
  CHECK(fault_of(good_row()) == "");
  const auto fault = [](auto&& change) {
    ScoreRow row = good_row();
    change(row);
    return fault_of(row);
  };
  CHECK(fault([](auto& row) { row.accuracy = kNan; }) == "accuracy = nan is not in 0..1");
  CHECK(fault([](auto& row) { row.accuracy = 1.025; }) == "accuracy = 1.025 is not in 0..1");
  CHECK(fault([](auto& row) { row.accuracy = -0.025; }) == "accuracy = -0.025 is not in 0..1");
  CHECK(fault([](auto& row) { row.accuracy = 0.326; }) ==
        "accuracy = 0.326 is no whole number of 40");
  CHECK(fault([](auto& row) { row.exact_match = 0.06; }) ==
        "exact_match = 0.06 is no whole number of 20");
  CHECK(fault([](auto& row) { row.loss = kInfinity; }) == "loss = inf is not finite");
  CHECK(fault([](auto& row) { row.loss = kNan; }) == "loss = nan is not finite");
  // Ids that another program predicted, which no step of ours made, have no loss.
  CHECK(fault([](auto& row) {
          row.loss = kNan;
          row.best_step = 0;
        }) == "");
}

TEST_CASE("finite: every quotient of whole numbers is one again after it was written and read") {
  for (const std::int64_t of : {1, 3, 7, 49, 1000, 12345, 999983, 16777216}) {
    for (std::int64_t i = 0; i <= 50; ++i) {
      ScoreRow row = good_row();
      row.scored = of;
      row.key.examples = of;
      row.accuracy = static_cast<double>(of * i / 50) / static_cast<double>(of);
      row.exact_match = row.accuracy;
      REQUIRE(fault_of(row) == "");
    }
  }
}

TEST_CASE("finite: kept rows that can be no scores are shown nowhere, and made anew") {
  for (const auto& [column, text] :
       {std::pair("loss", "-nan"), std::pair("accuracy", "nan"), std::pair("accuracy", "0.12345"),
        std::pair("exact_match", "inf")}) {
    const TemporaryFolder out;
    const Experiment experiment = tiny();
    run(experiment, out.path());
    const CellFolder folder(out.path(), experiment.cells.at(0).hash());
    const std::string good = folder.read_text("scores.csv");
    put_in_column(folder, column, text);
    forget_digests(folder);
    const bool is_number = std::isfinite(to_real(text));
    if (is_number) {
      CHECK_THROWS_AS((void)read_cells(out.path()), IoError);  // there is no other cell
    } else {
      const std::vector<CellResult> rows = read_cells(out.path()).rows;
      REQUIRE(rows.size() == 1);
      CHECK_FALSE(rows[0].score);
      CHECK(rows[0].status.ending == Ending::kDiverged);
    }
    std::vector<std::string> notes;
    const Archive archive =
        gather_archive(out.path(), experiment_path(out.path(), "tiny"), out / "archive", notes);
    CHECK(archive.cells.empty());
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].find(std::string("scores.csv:2: ") + column) != std::string::npos);
    const RunPlan plan = plan_run(experiment, out.path());
    CHECK(plan.cells.at(0).work == (is_number ? Work::kScore : Work::kTrain));
    CHECK(plan.notes.at(0).find(std::string("scores.csv:2: ") + column) != std::string::npos);
    run(experiment, out.path());
    CHECK(folder.read_text("scores.csv") == good);
  }
}

TEST_CASE("finite: a length at which a finished model gives no number is a problem, not a score") {
  const TemporaryFolder out;
  const Experiment experiment = tiny();
  run(experiment, out.path());
  const Cell& cell = experiment.cells.at(0);
  const CellFolder folder(out.path(), cell.hash());
  const std::string scores = folder.read_text("scores.csv");
  const SequenceModel<float> sizes = model_sizes(cell);
  std::vector<float> weights = load_weights(folder.weights_path(Weights::kBest), sizes.layout());
  for (float& weight : weights) weight *= 1e30F;
  save_weights(folder.weights_path(Weights::kBest), sizes.layout(), weights,
               {{"cell", cell.hash()}});
  CellStatus as_it_is = folder.read_status().value();
  as_it_is.files = folder.digests();
  folder.write_status(as_it_is);
  const RunSummary summary = run(tiny({"eval.lengths=[16, 32]"}), out.path());
  REQUIRE(summary.problems.size() == 1);
  CHECK(summary.problems[0].find(
            "no finite loss from best weights on validation examples at length "
            "32, best weights on test examples at length 32") != std::string::npos);
  CHECK(folder.read_status()->ending == Ending::kFinished);
  CHECK(folder.read_text("scores.csv").find("nan") == std::string::npos);
  CHECK(read_cells(out.path()).warnings.size() == 1);  // length 32 is not scored
  CHECK(run(experiment, out.path()).problems.empty());
  CHECK(folder.read_text("scores.csv").starts_with(scores.substr(0, scores.find('\n'))));
}

}  // namespace recollect
