// train.metric and train.solve_at, from the configuration through training, resume and files to
// archives and tables.

#include "harness/config/selection.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/config/load.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/archive_places.hpp"
#include "harness/store/archive_shelf.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/store/csv.hpp"
#include "harness/store/gathered_archive.hpp"
#include "harness/store/record.hpp"
#include "harness/sweep/runner.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/scorer.hpp"
#include "harness/train/trainer.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

Experiment tiny(const std::string& train, const std::string& more = "") {
  return parse_experiment(
      fmt::format("experiment: tiny\ntask: {{name: mqar, length: 16, pairs: 2, vocab: 16}}\n"
                  "model: {{width: 8, layers: 1, chunk: 8}}\nvariants: [adaptive-decay]\n"
                  "train: {{examples: 40, validation_examples: 20, batch: 4, eval_every: 2, "
                  "learning_rate: 0.02, {}}}\neval: {{lengths: [16], examples: 10}}\n{}",
                  train, more),
      "tiny.yaml");
}

Cell tiny_cell(const std::string& train) { return tiny(train).cells.at(0); }

std::string refusal(const std::string& train) {
  try {
    (void)tiny(train);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("selection: accuracy rises and loss falls, and of equals the earlier stays") {
  const Selection by_accuracy;
  CHECK(by_accuracy.value(0.25, 3.0) == 0.25);
  CHECK(by_accuracy.better(0.0, by_accuracy.worst()));
  CHECK(by_accuracy.better(0.5, 0.4));
  CHECK_FALSE(by_accuracy.better(0.5, 0.5));
  CHECK_FALSE(by_accuracy.better(0.4, 0.5));
  CHECK(by_accuracy.reaches(0.5, 0.5));
  CHECK_FALSE(by_accuracy.reaches(0.4, 0.5));

  const Selection by_loss{ValidationMetric::kLoss, 0.99};
  CHECK(by_loss.value(0.25, 3.0) == 3.0);
  CHECK(by_loss.better(1e9, by_loss.worst()));
  CHECK(by_loss.better(0.4, 0.5));
  CHECK_FALSE(by_loss.better(0.5, 0.5));
  CHECK_FALSE(by_loss.better(0.5, 0.4));
  CHECK_FALSE(by_loss.better(std::numeric_limits<double>::quiet_NaN(), 0.4));
  CHECK(by_loss.reaches(0.5, 0.5));
  CHECK_FALSE(by_loss.reaches(0.6, 0.5));
}

TEST_CASE("selection: what is not given is written nowhere, and what is given makes other cells") {
  const Cell plain = tiny_cell("steps: 4");
  const Cell given = tiny_cell("steps: 4, metric: accuracy, solve_at: 0.99");
  CHECK(given.hash() == plain.hash());
  CHECK(given.yaml("tiny") == plain.yaml("tiny"));
  CHECK(tiny("steps: 4, metric: accuracy").resolved == tiny("steps: 4").resolved);
  for (const char* text : {"metric", "solve_at"}) {
    CHECK(plain.yaml("tiny").find(text) == std::string::npos);
    CHECK(tiny("steps: 4").resolved.find(text) == std::string::npos);
  }

  const Cell other = tiny_cell("steps: 4, metric: loss, solve_at: 0.5");
  CHECK(other.identity().find("train.metric: loss\ntrain.solve_at: 0.5\n") != std::string::npos);
  CHECK(other.hash() != plain.hash());
  CHECK(parse_experiment(other.yaml("tiny"), "again.yaml").cells.at(0).hash() == other.hash());
  CHECK(
      parse_experiment(tiny("steps: 4, metric: loss").resolved, "again.yaml").cells.at(0).hash() ==
      tiny_cell("steps: 4, metric: loss").hash());
}

TEST_CASE("selection: the bound of stop_at is the metric's") {
  CHECK(refusal("steps: 4, stop_at: 1") == "");
  CHECK(refusal("steps: 4, stop_at: 1.5, metric: loss") == "");
  CHECK(refusal("steps: 4, stop_at: 1.5") ==
        "tiny.yaml:5: train.stop_at = 1.5 is beyond every accuracy; lower it to 1 or less, or set "
        "train.metric: loss to stop at that validation loss");
  CHECK(refusal("steps: 4, stop_at: 0, metric: loss").find("train.stop_at = 0") !=
        std::string::npos);
  CHECK(refusal("steps: 4, solve_at: 1.5").find("train.solve_at = 1.5") != std::string::npos);
  CHECK(refusal("steps: 4, metric: losses").find("did you mean 'loss'?") != std::string::npos);
}

TEST_CASE("selection: by loss, the weights with the smallest validation loss are the best") {
  TrainObserver silent;
  // A learning rate at which the loss goes up and down.
  const std::string how = "steps: 40, order_seed: 3, learning_rate: 0.3";
  const std::string text =
      "task: {name: mqar, length: 16, pairs: 2, vocab: 16}\n"
      "model: {width: 8, layers: 1, chunk: 8}\nvariants: [adaptive-decay]\n"
      "train: {examples: 40, validation_examples: 20, batch: 4, "
      "eval_every: 2, " +
      how;
  const Cell by_loss = parse_experiment(text + ", metric: loss}\n", "x.yaml").cells.at(0);
  const TrainResult result = train(by_loss, 1, silent);
  const TrainResult plain = train(parse_experiment(text + "}\n", "x.yaml").cells.at(0), 1, silent);
  CHECK(result.final_weights == plain.final_weights);
  REQUIRE(result.history.size() == 20);
  std::size_t best = 0;
  for (std::size_t i = 0; i < result.history.size(); ++i) {
    CHECK(result.history[i].validation_accuracy == plain.history[i].validation_accuracy);
    REQUIRE(result.history[i].validation_loss.has_value());
    CHECK_FALSE(plain.history[i].validation_loss.has_value());
    if (*result.history[i].validation_loss < *result.history[best].validation_loss) best = i;
  }
  CHECK(best + 1 < result.history.size());  // or this would hold for any selection
  CHECK(result.best_step == result.history[best].step);
  CHECK(result.best_step != plain.best_step);
  SequenceModel<float> model = build_model(by_loss);
  std::copy(result.best_weights.begin(), result.best_weights.end(), model.parameters().begin());
  CHECK(score(model, by_loss, Split::kValidation, 16, 20, 2, false).loss ==
        *result.history[best].validation_loss);
}

TEST_CASE("selection: training stops at the first validation loss that is small enough") {
  TrainObserver silent;
  const TrainResult whole = train(tiny_cell("steps: 20, metric: loss"), 1, silent);
  REQUIRE(whole.history.size() == 10);
  const double goal = *whole.history[6].validation_loss;
  const auto first = std::find_if(whole.history.begin(), whole.history.end(),
                                  [&](const auto& row) { return *row.validation_loss <= goal; });
  const TrainResult stopped = train(
      tiny_cell(fmt::format("steps: 20, metric: loss, stop_at: {}", shortest(goal))), 1, silent);
  CHECK(stopped.steps == first->step);
  CHECK(stopped.history.back().step == first->step);
}

TEST_CASE("selection: solve_at decides what counts as solved, by accuracy under either metric") {
  TrainObserver silent;
  for (const char* metric : {"accuracy", "loss"}) {
    const auto how = [&](double solve_at) {
      return fmt::format("steps: 20, metric: {}, solve_at: {}", metric, shortest(solve_at));
    };
    const TrainResult result = train(tiny_cell(how(0.99)), 1, silent);
    CHECK_FALSE(result.solved_step.has_value());
    double highest = 0.0;
    for (const HistoryRow& row : result.history) {
      highest = std::max(highest, row.validation_accuracy);
    }
    REQUIRE(highest > 0.0);
    const auto first =
        std::find_if(result.history.begin(), result.history.end(),
                     [&](const HistoryRow& row) { return row.validation_accuracy >= highest; });
    CHECK(train(tiny_cell(how(highest)), 1, silent).solved_step == first->step);
  }
}

TEST_CASE("selection: at another length, it is that length's loss that selects") {
  TrainObserver silent;
  const Cell cell = tiny_cell("steps: 20, metric: loss, select_length: 24");
  const TrainResult result = train(cell, 1, silent);
  SequenceModel<float> model = build_model(cell);
  const auto loss_of = [&](const std::vector<float>& weights) {
    std::copy(weights.begin(), weights.end(), model.parameters().begin());
    return score(model, cell, Split::kValidation, 24, 20, 1, false).loss;
  };
  CHECK(loss_of(result.best_weights) <= loss_of(result.final_weights));
}

TEST_CASE("selection: history.csv has the loss where it selects, and both forms are read") {
  std::vector<HistoryRow> rows = {{2, 1.5, 0.25, 0.001, 0.5, 0.125},
                                  {4, 1.0 / 3.0, 0.25, 0.001, 0.5, 0.125}};
  const std::string plain = to_csv(to_table(history_columns(), rows));
  CHECK(
      plain.starts_with("step,loss,gradient_norm,learning_rate,validation_accuracy,"
                        "validation_exact_match\n2,1.5,"));
  rows[0].validation_loss = 2.5;
  rows[1].validation_loss = 1.0 / 3.0;
  const std::string by_loss = to_csv(to_table(history_columns(), rows));
  CHECK(
      by_loss.starts_with("step,loss,gradient_norm,learning_rate,validation_accuracy,"
                          "validation_exact_match,validation_loss\n2,1.5,0.25,0.001,0.5,0.125,"
                          "2.5\n"));
  for (const std::string& text : {plain, by_loss}) {
    const auto back = from_table(history_columns(), parse_csv(text, "history.csv"), "history.csv");
    CHECK(to_csv(to_table(history_columns(), back)) == text);
    CHECK(back[1].validation_loss.has_value() == (text == by_loss));
  }
  const auto message = [&](const std::string& text) {
    try {
      (void)from_table(history_columns(), parse_csv(text, "history.csv"), "history.csv");
    } catch (const IoError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(message("step,validation_loss\n") ==
        "history.csv: its columns are step,validation_loss; expected are step,loss,gradient_norm,"
        "learning_rate,validation_accuracy,validation_exact_match");
  CHECK(message("validation_loss," + plain.substr(0, plain.find('\n')) + "\n") != "");
  CHECK(message(plain.substr(0, plain.find('\n')) + ",more\n") != "");
}

TEST_CASE("scores: a task without a rule leaves its column empty") {
  ScoreRow row;
  const std::size_t first =
      to_table(score_columns(), std::vector<ScoreRow>{row}).index("ceiling_first");
  for (const auto& ceilings :
       {std::vector<RuleAccuracy>{}, {{"recent", 0.25}}, {{"first", 1.0}, {"recent", 0.25}}}) {
    row.ceilings = ceilings;
    const CsvTable table = to_table(score_columns(), std::vector<ScoreRow>{row});
    CHECK(table.rows[0][first] == (ceilings.size() == 2 ? "1" : ""));
    CHECK(table.rows[0][first + 1] == (ceilings.empty() ? "" : "0.25"));
    CHECK(from_table(score_columns(), table, "scores.csv").at(0).ceilings == ceilings);
  }
}

TEST_CASE("archive: cells selected by accuracy and by loss stand in one, and come back") {
  const Experiment both = tiny("steps: 4", "grid: {train.metric: [accuracy, loss]}\n");
  REQUIRE(both.cells.size() == 2);
  const TemporaryFolder runs, archives, out;
  RunObserver silent;
  run_experiment(both, runs.path(), {.jobs = 1}, silent);
  std::vector<std::string> notes;
  write_archive(gather_archive(runs.path(), experiment_path(runs.path(), "tiny"),
                               archive_path(archives.path(), "tiny"), notes));
  const std::string archived = read_file(archives / "tiny" / "history.csv");
  CHECK(
      archived.starts_with("cell,step,loss,gradient_norm,learning_rate,validation_accuracy,"
                           "validation_exact_match,validation_loss\n"));
  const ArchiveShelf shelf({archives.path()});
  CHECK(shelf.notes().empty());
  run_experiment(both, out.path(), {.jobs = 1, .reuse = &shelf}, silent);
  for (const Cell& cell : both.cells) {
    for (const char* file : {"history.csv", "scores.csv", "config.yaml"}) {
      CHECK(CellFolder(out.path(), cell.hash()).read_text(file) ==
            CellFolder(runs.path(), cell.hash()).read_text(file));
    }
  }
  // A table has a column of an option only where some cell departs from what files without it mean.
  const CsvTable table = to_table(cell_table(read_cells(runs.path()).rows));
  REQUIRE(table.find("train_metric").has_value());
  CHECK_FALSE(table.find("train_solve_at").has_value());
  CHECK(table.rows.front()[table.index("train_metric")] == "");
  CHECK(table.rows.back()[table.index("train_metric")] == "loss");
}

}  // namespace
}  // namespace recollect
