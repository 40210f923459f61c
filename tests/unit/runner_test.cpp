#include "harness/sweep/runner.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/config/load.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/store/experiment_file.hpp"
#include "harness/store/safetensors.hpp"
#include "harness/sweep/jobs.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

constexpr const char* kConfiguration = R"(experiment: tiny
task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8, layers: 1, chunk: 8}
variants: [fixed-decay, adaptive-decay]
train: {examples: 40, validation_examples: 20, batch: 4, steps: 20, eval_every: 10}
eval: {lengths: [16], examples: 20}
seeds: [0, 1]
)";

Experiment tiny(const std::vector<std::string>& overrides = {}) {
  return parse_experiment(kConfiguration, "tiny.yaml", overrides);
}

/// Counts what it is told; may make one cell fail.
class Watch final : public RunObserver {
 public:
  void on_step(const PlannedCell& cell, std::int64_t step) override {
    ++steps;
    if (static_cast<int>(cell.index) == failing_cell && step == 3) {
      throw std::runtime_error("something\nbroke");
    }
  }
  void on_end(const PlannedCell&, const CellOutcome&) override { ++ended; }

  int failing_cell = -1;
  int steps = 0;
  int ended = 0;
};

/// Every file below a folder, and its bytes. Provenance is left out unless asked for.
std::map<std::string, std::string> files_of(const std::filesystem::path& folder,
                                            bool with_provenance = false) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    if (!with_provenance && entry.path().filename() == "provenance.yaml") continue;
    files[std::filesystem::relative(entry.path(), folder).string()] = read_file(entry.path());
  }
  return files;
}

TEST_CASE("runner: a cell leaves all of its files, and its configuration gives it again") {
  const TemporaryFolder out;
  const Experiment experiment = tiny();
  Watch watch;
  const RunSummary summary = run_experiment(experiment, out.path(), {.jobs = 1}, watch);
  CHECK(summary.finished == 4);
  CHECK(summary.problems.empty());
  CHECK(watch.steps == 4 * 20);
  for (const Cell& cell : experiment.cells) {
    const CellFolder folder(out.path(), cell.hash());
    const std::optional<CellStatus> status = folder.read_status();
    REQUIRE(status.has_value());
    CHECK(status->ending == Ending::kFinished);
    CHECK(status->steps == 20);
    CHECK(status->numerics_version == kNumericsVersion);
    CHECK(status->training_flops > 0.0);
    CHECK(status->state_floats_peak >= status->state_floats);
    CHECK(folder.read_scores().size() == 4);
    CHECK_FALSE(folder.read_slices().empty());
    const Experiment again = parse_experiment(folder.read_text("config.yaml"), "config.yaml");
    REQUIRE(again.cells.size() == 1);
    CHECK(again.cells[0].hash() == cell.hash());
    const WeightsFile weights = read_safetensors(folder.weights_path(Weights::kFinal));
    CHECK(weights.metadata.at("cell") == cell.hash());
    CHECK(weights.metadata.at("step") == "20");
    CHECK(weights.metadata.at("numerics_version") == std::to_string(kNumericsVersion));
    CHECK(
        static_cast<std::int64_t>(
            load_weights(folder.weights_path(Weights::kBest), empty_model(cell).layout()).size()) ==
        status->parameters);
  }
}

TEST_CASE("runner: the best weights score on validation what the history says") {
  const TemporaryFolder out;
  const Experiment experiment = tiny();
  Watch watch;
  run_experiment(experiment, out.path(), {.jobs = 2}, watch);
  const CellFolder folder(out.path(), experiment.cells[1].hash());
  const CsvTable history = parse_csv(folder.read_text("history.csv"), "history.csv");
  double best = 0.0;
  for (const auto& row : history.rows) {
    best = std::max(best, to_real(row[history.index("validation_accuracy")]));
  }
  for (const ScoreRow& row : folder.read_scores()) {
    if (row.key.weights == Weights::kBest && row.key.split == Split::kValidation) {
      CHECK(row.accuracy == best);
    }
  }
}

TEST_CASE("runner: finished cells are skipped and no byte of theirs changes") {
  const TemporaryFolder out;
  Watch first, second;
  run_experiment(tiny(), out.path(), {.jobs = 1}, first);
  const auto before = files_of(out.path(), true);
  const auto path = out.path() / "cells" / tiny().cells[0].hash() / "history.csv";
  const auto time = std::filesystem::last_write_time(path);
  const RunSummary summary = run_experiment(tiny(), out.path(), {.jobs = 1}, second);
  CHECK(summary.finished == 4);
  CHECK(second.steps == 0);
  CHECK(second.ended == 0);
  CHECK(files_of(out.path(), true) == before);
  CHECK(std::filesystem::last_write_time(path) == time);
}

TEST_CASE("runner: an unfinished cell is trained again from the start") {
  const TemporaryFolder out;
  Watch first, second;
  run_experiment(tiny(), out.path(), {.jobs = 1}, first);
  const auto before = files_of(out.path());
  const CellFolder folder(out.path(), tiny().cells[2].hash());
  std::filesystem::remove(folder.path() / "status.yaml");
  folder.write_text("history.csv", "half a fi");
  run_experiment(tiny(), out.path(), {.jobs = 1}, second);
  CHECK(second.steps == 20);
  CHECK(files_of(out.path()) == before);
}

TEST_CASE("runner: results are the same bytes for any number of jobs") {
  const TemporaryFolder one, two;
  Watch watch;
  run_experiment(tiny(), one.path(), {.jobs = 1}, watch);
  run_experiment(tiny(), two.path(), {.jobs = 2}, watch);
  const auto files = files_of(one.path());
  CHECK(files.size() == 4 * 9 + 1);
  CHECK(files == files_of(two.path()));
}

TEST_CASE("runner: a length that is missing is scored without training") {
  const TemporaryFolder out, whole;
  Watch first, second, third;
  run_experiment(tiny(), out.path(), {.jobs = 1}, first);
  const CellFolder folder(out.path(), tiny().cells[0].hash());
  const std::string history = folder.read_text("history.csv");
  const auto time = std::filesystem::last_write_time(folder.path() / "history.csv");
  const std::vector<std::string> longer = {"eval.lengths=[16, 24, 40]"};
  run_experiment(tiny(longer), out.path(), {.jobs = 1}, second);
  CHECK(second.steps == 0);
  CHECK(second.ended == 4);
  CHECK(folder.read_text("history.csv") == history);
  CHECK(std::filesystem::last_write_time(folder.path() / "history.csv") == time);
  CHECK(folder.read_scores().size() == 3 * 4);
  // The same rows as if they had been asked for at once.
  run_experiment(tiny(longer), whole.path(), {.jobs = 1}, third);
  const CellFolder at_once(whole.path(), tiny().cells[0].hash());
  CHECK(at_once.read_text("scores.csv") == folder.read_text("scores.csv"));
  CHECK(at_once.read_text("slices.csv") == folder.read_text("slices.csv"));
  CHECK(at_once.read_text("more_slices.csv") == folder.read_text("more_slices.csv"));
  CHECK(at_once.read_text("correct.csv") == folder.read_text("correct.csv"));
  // More test examples are rows of their own; the old ones stay, the table shows the new ones.
  run_experiment(tiny({"eval.examples=30"}), out.path(), {.jobs = 1}, second);
  CHECK(second.steps == 0);
  CHECK(folder.read_scores().size() == 3 * 4 + 2);
  CHECK(read_cells(out.path()).rows.size() == 4 * 4);
}

TEST_CASE("runner: a cell that fails is a row, the others go on, and it is tried again") {
  const TemporaryFolder out;
  Watch watch;
  watch.failing_cell = 1;
  const RunSummary summary = run_experiment(tiny(), out.path(), {.jobs = 2}, watch);
  CHECK(summary.finished == 3);
  REQUIRE(summary.problems.size() == 1);
  CHECK(summary.problems[0].find("cell 2 of 4") != std::string::npos);
  CHECK(summary.problems[0].find("failed: something broke") != std::string::npos);
  CHECK(read_cells(out.path()).rows.size() == 3 * 4 + 1);

  Watch again;
  CHECK(run_experiment(tiny(), out.path(), {.jobs = 1}, again).finished == 4);
  CHECK(again.steps == 20);
  CHECK(read_cells(out.path()).rows.size() == 4 * 4);
}

TEST_CASE("runner: a cell that diverges is a row and is not tried again") {
  const TemporaryFolder out;
  const std::vector<std::string> wild = {"train.learning_rate=10", "train.weight_decay=10",
                                         "train.clip=0", "variants=[fixed-decay]", "seeds=[0]"};
  Watch watch;
  const RunSummary summary = run_experiment(tiny(wild), out.path(), {.jobs = 1}, watch);
  CHECK(summary.finished == 0);
  REQUIRE(summary.problems.size() == 1);
  CHECK(summary.problems[0].find("diverged: ") != std::string::npos);
  const CsvTable cells = to_table(cell_table(read_cells(out.path()).rows));
  REQUIRE(cells.rows.size() == 1);
  CHECK(cells.rows[0][cells.index("status")] == "diverged");
  CHECK_FALSE(cells.rows[0][cells.index("reason")].empty());

  // Trained again, it has nothing of what an earlier training left.
  const std::filesystem::path folder = out / "cells" / tiny(wild).cells[0].hash();
  std::filesystem::remove(folder / "status.yaml");
  for (const char* file : {"scores.csv", "correct.csv", "best.safetensors"}) {
    write_file_atomically(folder / file, "of another training");
  }
  Watch repaired;
  CHECK(run_experiment(tiny(wild), out.path(), {.jobs = 1}, repaired).problems.size() == 1);
  for (const char* file : {"scores.csv", "correct.csv", "best.safetensors"}) {
    CHECK_FALSE(file_exists(folder / file));
  }

  Watch again;
  CHECK(run_experiment(tiny(wild), out.path(), {.jobs = 1}, again).problems.size() == 1);
  CHECK(again.steps == 0);
}

TEST_CASE("runner: what a job throws is thrown once all have ended") {
  std::atomic<int> ended{0};
  const auto run_all = [&] {
    run_jobs(3, [&] {
      ++ended;
      throw IoError("no room");
    });
  };
  CHECK_THROWS_WITH_AS(run_all(), "no room", IoError);
  CHECK(ended == 3);
}

TEST_CASE("runner: cells of another build are reused, and the plan says so") {
  const TemporaryFolder out;
  Watch watch;
  run_experiment(tiny(), out.path(), {.jobs = 1}, watch);
  CHECK(plan_run(tiny(), out.path()).notes.empty());
  const CellFolder folder(out.path(), tiny().cells[0].hash());
  CellStatus status = *folder.read_status();
  status.compiler = "another 1.0";
  folder.write_status(status);
  const RunPlan plan = plan_run(tiny(), out.path());
  CHECK(plan.count(Work::kNone) == 4);
  REQUIRE(plan.notes.size() == 1);
  CHECK(plan.notes[0].find("reusing 1 cell that was made by another build") != std::string::npos);
  CHECK(plan.notes[0].find("another 1.0") != std::string::npos);
}

TEST_CASE("runner: a plan knows jobs, threads and which cells are long") {
  const TemporaryFolder out;
  const RunPlan plan =
      plan_run(tiny({"grid={train.steps: [20, 40]}"}), out / "never-made", {.jobs = 3});
  CHECK_FALSE(std::filesystem::exists(out / "never-made"));
  CHECK(plan.jobs == 3);
  CHECK(plan.threads >= 1);
  REQUIRE(plan.cells.size() == 8);
  CHECK(plan.cells[4].cost == doctest::Approx(2.0 * plan.cells[0].cost));
  CHECK(plan_run(tiny({"seeds=[0]", "variants=[fixed-decay]"}), out / "x", {.jobs = 3}).jobs == 1);
}

TEST_CASE("runner: a file that cannot be read is made again, and the plan says so") {
  const TemporaryFolder out;
  Watch watch;
  run_experiment(tiny(), out.path(), {.jobs = 1}, watch);
  const auto before = files_of(out.path());
  const CellFolder folder(out.path(), tiny().cells[1].hash());
  for (const char* file :
       {"status.yaml", "scores.csv", "slices.csv", "more_slices.csv", "correct.csv"}) {
    CAPTURE(file);
    folder.write_text(file, "{half a fi");
    const RunPlan plan = plan_run(tiny(), out.path());
    CHECK(plan.count(Work::kNone) == 3);
    const bool trains = std::string(file) == "status.yaml";  // the others need the weights alone
    CHECK(plan.count(trains ? Work::kTrain : Work::kScore) == 1);
    REQUIRE(plan.notes.size() == 1);
    CHECK(plan.notes[0].find(trains ? "training a cell again: "
                                    : "making files of a cell again: ") == 0);
    CHECK(plan.notes[0].find((folder.path() / file).string()) != std::string::npos);
    Watch again;
    CHECK(run_experiment(tiny(), out.path(), {.jobs = 1}, again).finished == 4);
    CHECK(again.steps == (trains ? 20 : 0));
    CHECK(files_of(out.path()) == before);
  }
}

// One pair a sequence, whose answer is at hand: examples are right one by one, neither all nor
// none.
const std::vector<std::string> kHalfLearned = {"task.pairs=1", "train.steps=60", "seeds=[0]",
                                               "train.learning_rate=0.01", "eval.lengths=[16, 40]"};

TEST_CASE("runner: the bits of the test examples are the exact match of every test score") {
  const TemporaryFolder out;
  Watch watch;
  const Experiment experiment = tiny(kHalfLearned);
  run_experiment(experiment, out.path(), {.jobs = 1}, watch);
  int mixed = 0;
  for (const Cell& cell : experiment.cells) {
    const CellFolder folder(out.path(), cell.hash());
    const std::vector<CorrectRow> correct = folder.read_correct();
    std::size_t found = 0;
    for (const ScoreRow& score : folder.read_scores()) {
      if (score.key.split != Split::kTest) continue;
      const auto row =
          std::find_if(correct.begin(), correct.end(),
                       [&](const CorrectRow& candidate) { return candidate.key == score.key; });
      REQUIRE(row != correct.end());
      ++found;
      CHECK(static_cast<std::int64_t>(row->exact.size()) == score.key.examples);
      const auto set = std::count(row->exact.begin(), row->exact.end(), true);
      CHECK(static_cast<double>(set) / static_cast<double>(score.key.examples) ==
            score.exact_match);
      mixed += set > 0 && set < score.key.examples ? 1 : 0;
    }
    CHECK(found == correct.size());
  }
  CHECK(mixed > 0);  // else the bits could stand for anything
}

TEST_CASE("runner: a finished cell without the bits of its examples is scored, not trained") {
  const TemporaryFolder out;
  Watch first, second;
  run_experiment(tiny(kHalfLearned), out.path(), {.jobs = 1}, first);
  const auto before = files_of(out.path());
  const CellFolder folder(out.path(), tiny(kHalfLearned).cells[0].hash());
  std::filesystem::remove(folder.path() / "correct.csv");
  CHECK(plan_run(tiny(kHalfLearned), out.path()).count(Work::kScore) == 1);
  CHECK(run_experiment(tiny(kHalfLearned), out.path(), {.jobs = 1}, second).problems.empty());
  CHECK(second.steps == 0);
  CHECK(files_of(out.path()) == before);
}

TEST_CASE("runner: a finished cell with neither bits nor weights stays as it is") {
  const TemporaryFolder out;
  Watch watch;
  run_experiment(tiny(kHalfLearned), out.path(), {.jobs = 1}, watch);
  const CellFolder folder(out.path(), tiny(kHalfLearned).cells[0].hash());
  // As an earlier version archived it, and it was restored.
  CellStatus status = folder.read_status().value();
  status.files.clear();
  folder.write_status(status);
  std::filesystem::remove(folder.path() / "correct.csv");
  std::filesystem::remove(folder.weights_path(Weights::kFinal));
  std::filesystem::remove(folder.weights_path(Weights::kBest));
  const auto before = files_of(out.path(), true);
  CHECK(plan_run(tiny(kHalfLearned), out.path()).count(Work::kNone) == 2);
  const RunSummary summary = run_experiment(tiny(kHalfLearned), out.path(), {.jobs = 1}, watch);
  CHECK(summary.finished == 2);
  CHECK(summary.problems.empty());
  CHECK(files_of(out.path(), true) == before);
}

TEST_CASE("runner: scoring a cell does not need its provenance") {
  const TemporaryFolder out;
  Watch watch;
  run_experiment(tiny(), out.path(), {.jobs = 1}, watch);
  const CellFolder folder(out.path(), tiny().cells[0].hash());
  std::filesystem::remove(folder.path() / "provenance.yaml");
  CHECK(run_experiment(tiny({"eval.lengths=[16, 24]"}), out.path(), {.jobs = 1}, watch).finished ==
        4);
  CHECK(folder.read_text("provenance.yaml").starts_with("- scoring: "));
}

TEST_CASE("runner: where weights that are needed are damaged, the cell is trained again") {
  const TemporaryFolder out, whole;
  const std::vector<std::string> longer = {"eval.lengths=[16, 24]"};
  Watch watch;
  run_experiment(tiny(longer), whole.path(), {.jobs = 1}, watch);
  const CellFolder wanted(whole.path(), tiny().cells[0].hash());
  const CellFolder folder(out.path(), tiny().cells[0].hash());
  const std::filesystem::path weights = folder.weights_path(Weights::kFinal);
  const auto cut = [&] { std::filesystem::resize_file(weights, 100); };
  const auto flip = [&] {  // one bit of a number: still a valid file
    std::string bytes = read_file(weights);
    bytes[bytes.size() - 3] ^= 4;
    write_file_atomically(weights, bytes);
  };
  for (const std::function<void()>& damage : {std::function<void()>(cut), {flip}}) {
    run_experiment(tiny(), out.path(), {.jobs = 1}, watch);
    damage();
    const RunPlan plan = plan_run(tiny(longer), out.path());
    CHECK(plan.count(Work::kTrain) == 1);
    CHECK(plan.count(Work::kScore) == 3);
    REQUIRE(!plan.notes.empty());
    CHECK(plan.notes[0].find("training a cell again: ") == 0);
    CHECK(plan.notes[0].find(weights.string()) != std::string::npos);
    CHECK(run_experiment(tiny(longer), out.path(), {.jobs = 1}, watch).finished == 4);
    CHECK(folder.read_text("scores.csv") == wanted.read_text("scores.csv"));
    CHECK(read_file(weights) == read_file(wanted.weights_path(Weights::kFinal)));
    std::filesystem::remove_all(out.path() / "cells");
  }
}

TEST_CASE("runner: a place that cannot be written to is found out before training") {
  const TemporaryFolder out;
  write_file_atomically(out / "file", "x");
  Watch watch;
  CHECK_THROWS_AS(run_experiment(tiny(), out / "file", {.jobs = 1}, watch), IoError);
  CHECK(watch.steps == 0);
  CHECK_THROWS_AS(check_place(out / "file"), IoError);
  CHECK_THROWS_AS(check_place(out / "file" / "below"), IoError);
  check_place(out / "new" / "below");
  check_place(out.path());
  CHECK_FALSE(std::filesystem::exists(out / "new"));
}

TEST_CASE("runner: a cell whose folder cannot be made is a row, and the others are done") {
  const TemporaryFolder out;
  const Experiment experiment = tiny();
  make_folder(out / "cells");
  write_file_atomically(out / "cells" / experiment.cells[1].hash(), "no folder");
  Watch watch;
  const RunSummary summary = run_experiment(experiment, out.path(), {.jobs = 1}, watch);
  CHECK(summary.finished == experiment.cells.size() - 1);
  REQUIRE(summary.problems.size() == 1);
  CHECK(summary.problems[0].find("failed: cannot make the folder") != std::string::npos);
  CHECK(summary.problems[0].find(experiment.cells[1].hash()) != std::string::npos);
}

TEST_CASE("runner: a table says which lengths finished cells were not scored at") {
  const TemporaryFolder out;
  Watch watch;
  run_experiment(tiny(), out.path(), {.jobs = 1}, watch);
  write_experiment(tiny({"eval.lengths=[16, 32]"}), out.path());  // asked for, and not yet run
  const std::vector<std::string> warnings = read_cells(out.path()).warnings;
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0] == fmt::format("experiment 'tiny': {} finished cells without scores at length "
                                   "32; run it again to score them",
                                   tiny().cells.size()));
}

TEST_CASE("runner: an experiment whose settings changed is told in the plan") {
  const TemporaryFolder out;
  Watch watch;
  run_experiment(tiny({"seeds=[0]"}), out.path(), {.jobs = 1}, watch);
  const RunPlan plan = plan_run(tiny(), out.path());
  REQUIRE(plan.notes.size() == 1);
  CHECK(plan.notes[0] == "updating " + experiment_path(out.path(), "tiny").string() +
                             ": its settings changed; cells of the old settings stay");
}

TEST_CASE("runner: an experiment's name cannot leave its folder") {
  CHECK(experiment_path("out", "a/../b") == std::filesystem::path("out/experiments/a_.._b.yaml"));
  CHECK(file_stem(".hidden") == "_hidden");
}

}  // namespace
}  // namespace recollect
