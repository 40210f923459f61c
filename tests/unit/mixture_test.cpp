// train.mixture, train.epochs and eval.cells: from the configuration through training and scoring
// to tables.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "harness/config/load.hpp"
#include "harness/config/task_parts.hpp"
#include "harness/results/group_result.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/sweep/runner.hpp"
#include "harness/train/batch_order.hpp"
#include "harness/train/leakage.hpp"
#include "harness/train/schedule.hpp"
#include "harness/train/scorer.hpp"
#include "harness/train/trainer.hpp"
#include "tests/support/config_errors.hpp"
#include "tests/support/round_trip.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

const std::string kComponents =
    "{length: 16, pairs: 2, examples: 43}, {length: 16, pairs: 4, examples: 20}, {length: 40, "
    "examples: 9}";

std::string text_of(const std::string& train, const std::string& eval = "examples: 12",
                    const std::string& more = "") {
  return fmt::format(
      "experiment: mix\n"
      "task: {{name: mqar, filler: zeros, pairs: 3, vocab: 32}}\n"
      "model: {{width: 8, chunk: 8}}\n"
      "variants: [linear-decay]\n"
      "train: {{batch: 8, validation_examples: 10, {}}}\n"
      "eval: {{{}}}\n{}",
      train, eval, more);
}

std::string mixture(const std::string& more = "epochs: 3") {
  return fmt::format("mixture: [{}], {}", kComponents, more);
}

Cell cell_of(const std::string& text) { return parse_experiment(text, "x.yaml").cells.at(0); }

struct Batch {
  std::size_t component;
  std::vector<std::uint64_t> examples;
  friend bool operator==(const Batch&, const Batch&) = default;
};

std::vector<Batch> batches_of(const Cell& cell, std::int64_t first, std::int64_t last) {
  BatchOrder order(cell);
  std::vector<Batch> batches;
  for (std::int64_t step = first; step <= last; ++step) {
    order.begin(step);
    Batch batch{order.component(), {}};
    for (int b = 0; b < order.size(); ++b) batch.examples.push_back(order[b]);
    batches.push_back(std::move(batch));
  }
  return batches;
}

}  // namespace

TEST_CASE("mixture: an epoch holds every example once, a batch those of one component") {
  const Cell cell = cell_of(text_of(mixture()));
  CHECK(cell.train.steps_per_epoch == 6 + 3 + 2);
  CHECK(cell.train.steps == 33);
  const std::vector<Batch> all = batches_of(cell, 1, 33);
  std::vector<std::vector<Batch>> epochs;
  for (int e = 0; e < 3; ++e) {
    CAPTURE(e);
    epochs.emplace_back(all.begin() + 11 * e, all.begin() + 11 * (e + 1));
    std::vector<std::set<std::uint64_t>> seen(3);
    std::vector<std::size_t> sizes(3);
    for (const Batch& batch : epochs.back()) {
      CHECK(batch.examples.size() <= 8);
      sizes[batch.component] += batch.examples.size();
      seen[batch.component].insert(batch.examples.begin(), batch.examples.end());
    }
    CHECK(sizes == std::vector<std::size_t>{43, 20, 9});
    for (std::size_t c = 0; c < 3; ++c) {
      CHECK(seen[c].size() == sizes[c]);
      CHECK(*seen[c].rbegin() == sizes[c] - 1);
    }
  }
  CHECK(epochs[0] != epochs[1]);
  CHECK(epochs[1] != epochs[2]);
  // A function of (order_seed, epoch): wherever one begins.
  CHECK(batches_of(cell, 23, 33) == epochs[2]);
  Cell other = cell;
  other.order_seed = 7;
  CHECK(batches_of(other, 1, 11) != epochs[0]);
  // The components come mixed, not one after another.
  std::vector<std::size_t> turns;
  for (const Batch& batch : epochs[0]) turns.push_back(batch.component);
  CHECK_FALSE(std::is_sorted(turns.begin(), turns.end()));
}

TEST_CASE("mixture: in order nothing is permuted") {
  const Cell cell = cell_of(text_of(mixture("epochs: 2, order: in-order")));
  const std::vector<Batch> all = batches_of(cell, 1, 22);
  std::vector<std::uint64_t> expected;
  for (const std::uint64_t count : {43U, 20U, 9U}) {
    for (std::uint64_t i = 0; i < count; ++i) expected.push_back(i);
  }
  for (std::size_t e = 0; e < 2; ++e) {
    std::vector<std::uint64_t> drawn;
    for (std::size_t i = 0; i < 11; ++i) {
      const Batch& batch = all[11 * e + i];
      CHECK(batch.component == (i < 6 ? 0U : i < 9 ? 1U : 2U));
      drawn.insert(drawn.end(), batch.examples.begin(), batch.examples.end());
    }
    CHECK(drawn == expected);
  }
}

TEST_CASE("mixture: epochs go over one set as well, and steps over a mixture") {
  const Cell one = cell_of(text_of("examples: 20, epochs: 4"));
  CHECK(one.train.steps == 12);
  const std::vector<Batch> epoch = batches_of(one, 1, 3);
  CHECK(epoch[0].examples.size() + epoch[1].examples.size() + epoch[2].examples.size() == 20);
  const Cell steps = cell_of(text_of(mixture("steps: 15")));
  CHECK(steps.train.steps == 15);
  CHECK(batches_of(steps, 1, 11) == batches_of(cell_of(text_of(mixture())), 1, 11));
}

TEST_CASE(
    "mixture: the longest component is the task, and the resolved text gives the same cells") {
  const Experiment experiment = parse_experiment(text_of(mixture()), "x.yaml");
  const Cell& cell = experiment.cells.at(0);
  CHECK(cell.task->length == 40);
  CHECK(cell.levels == 7);
  REQUIRE(cell.scored.size() == 3);
  CHECK(cell.scored[0].settings == std::map<std::string, std::string>{{"pairs", "2"}});
  CHECK(cell.scored[2].settings == std::map<std::string, std::string>{{"pairs", "3"}});
  CHECK(cell.scored[1].examples == 12);
  const Experiment again = parse_experiment(experiment.resolved, "y.yaml");
  CHECK(again.resolved == experiment.resolved);
  CHECK(again.cells.at(0).identity() == cell.identity());
  CHECK(again.cells.at(0).eval.cells == cell.eval.cells);
  const Cell alone = cell_of(cell.yaml("mix"));
  CHECK(alone.hash() == cell.hash());
  CHECK(alone.yaml("mix") == cell.yaml("mix"));
  CHECK(wanted_scores(alone) == wanted_scores(cell));
  // Another order of keys is the same cell, another number of examples or epochs is not.
  CHECK(cell_of(text_of("epochs: 3, mixture: [{pairs: 2, examples: 43, length: 16}, {length: 16, "
                        "pairs: 4, examples: 20}, {examples: 9, length: 40}]"))
            .hash() == cell.hash());
  CHECK(cell_of(text_of(mixture("epochs: 4"))).hash() != cell.hash());
  CHECK(cell_of(text_of(mixture("steps: 33"))).hash() != cell.hash());
  CHECK(cell_of(text_of(mixture("epochs: 3, order: in-order"))).hash() != cell.hash());
  // What is scored makes no other cell.
  CHECK(cell_of(text_of(mixture(), "cells: [{length: 24}]")).hash() == cell.hash());
}

TEST_CASE("mixture: under a grid the resolved text gives the same cells") {
  const std::string parts = mixture("epochs: 1");
  const std::string short_parts =
      "epochs: 1, mixture: [{pairs: 2, examples: 9}, {length: 32, pairs: 4, examples: 8}]";
  const std::string cells = "examples: 12, cells: [{length: 16}, {length: 48, pairs: 3}]";
  const std::string tasks =
      "grid: {task: [{name: mqar, pairs: 2, vocab: 32}, {name: mqar, pairs: 3, filler: zeros, "
      "vocab: 32}]}\n";
  std::vector<std::string> texts;
  for (const char* grid : {"task.pairs: [2, 3]", "task.pairs: [2, 3], task.filler: [random, zeros]",
                           "train.learning_rate: [0.01, 0.001]",
                           "model.width: [8, 16], task.filler: [random, zeros]"}) {
    const std::string more = fmt::format("grid: {{{}}}\n", grid);
    texts.push_back(text_of(parts, "examples: 12", more));
    texts.push_back(text_of(parts, cells, more));
    texts.push_back(text_of("steps: 5", cells, more));
  }
  // Which entry is the longest differs from point to point.
  texts.push_back(text_of(short_parts, cells, "grid: {task.length: [24, 48]}\n"));
  for (const std::string& train : {parts, short_parts, std::string("steps: 5")}) {
    std::string text = text_of(train, cells, tasks);
    const std::size_t task = text.find("task: {");
    text.erase(task, text.find('\n', task) + 1 - task);
    texts.push_back(text);
  }
  for (const std::string& text : texts) {
    CAPTURE(text);
    const Experiment experiment = parse_experiment(text, "x.yaml");
    CAPTURE(experiment.resolved);
    CHECK(round_trip_failure(experiment) == "");
    const Experiment again = parse_experiment(experiment.resolved, "y.yaml");
    REQUIRE(again.cells.size() == experiment.cells.size());
    for (std::size_t i = 0; i < again.cells.size(); ++i) {
      CHECK(wanted_scores(again.cells[i]) == wanted_scores(experiment.cells[i]));
    }
  }
}

TEST_CASE("mixture: what is run under a grid of the task's options can be read again") {
  const TemporaryFolder folder;
  const Experiment experiment = parse_experiment(
      text_of(mixture("epochs: 1"), "examples: 12", "grid: {task.pairs: [2, 3]}\n"), "x.yaml");
  struct Silent final : RunObserver {
  } silent;
  (void)run_experiment(experiment, folder.path(), {.jobs = 1}, silent);
  const std::vector<GroupResult> groups = group_cells(read_cells(folder.path()).rows);
  CHECK(groups.size() == 2 * 3 * 2 * 2);  // points, entries, weights, splits
}

TEST_CASE("mixture: all entries have as many ids") {
  const auto error = [](const std::string& task, const std::string& train,
                        const std::string& eval = "{}") {
    return error_of(fmt::format("task: {}\ntrain: {}\neval: {}\n", task, train, eval));
  };
  const std::string words = error(
      "{name: group-words, group: z2}",
      "{epochs: 1, mixture: [{length: 16, examples: 8}, {group: s5, length: 8, examples: 8}]}");
  CHECK(contains(words, "x.yaml:2: train.mixture[1] has "));
  CHECK(contains(words, "but the longest entry of train.mixture has "));
  CHECK(contains(
      error("{name: selective-copying, tokens: 4, length: 64}",
            "{epochs: 1, mixture: [{dialect: mad, examples: 8}, {length: 128, examples: 8}]}"),
      "train.mixture[0] has 16 ids, but the longest entry of train.mixture has 128"));
  CHECK(contains(error("{name: group-words, group: z2}", "{}", "{cells: [{group: s5, length: 8}]}"),
                 "eval.cells[0] has "));
  CHECK(error("{name: selective-copying, tokens: 4, length: 64}",
              "{epochs: 1, mixture: [{tokens: 5, examples: 8}, {length: 128, examples: 8}]}")
            .empty());
}

TEST_CASE("mixture: without one, and without epochs, nothing is written of either") {
  const Experiment experiment = parse_experiment(text_of("steps: 5"), "x.yaml");
  for (const char* word : {"epoch", "mixture", "cells", "order: "}) {
    CAPTURE(word);
    CHECK_FALSE(contains(experiment.cells.at(0).yaml("mix"), word));
    CHECK_FALSE(contains(experiment.cells.at(0).identity(), word));
    if (std::string(word) != "cells") CHECK_FALSE(contains(experiment.resolved, word));
  }
}

TEST_CASE("mixture: what does not go together is one clear line") {
  const auto error = [](const std::string& train, const std::string& eval = "examples: 12",
                        const std::string& more = "") {
    return error_of(text_of(train, eval, more));
  };
  CHECK(contains(error(mixture("examples: 100")),
                 "x.yaml:5: train.examples does not go with train.mixture"));
  CHECK(contains(error(mixture("select_length: 16")), "train.select_length does not go with"));
  CHECK(contains(error(mixture("epochs: 2, steps: 7")),
                 "x.yaml:5: train.steps does not go with train.epochs"));
  CHECK(contains(error("examples: online, epochs: 2"), "does not go with train.examples = online"));
  CHECK(contains(error("schedule: cosine-epoch"), "= cosine-epoch needs train.epochs"));
  CHECK(contains(error("eval_every: epoch"), "= epoch needs train.epochs"));
  CHECK(contains(error("order: in-order"), "= in-order needs train.epochs"));
  CHECK(contains(error("mixture: [{length: 16}]"), "train.mixture[0] has no examples"));
  CHECK(contains(error("mixture: [{length: 16, vocab: 8, examples: 3}]"),
                 "train.mixture[0].vocab = 8: is the same for all entries"));
  CHECK(contains(error("mixture: [{length: 16, pairs: 9, examples: 3}]"),
                 "train.mixture[0].pairs = 9 needs 4*9"));
  CHECK(contains(error("mixture: [{length: 16, pears: 9, examples: 3}]"),
                 "unknown key 'train.mixture[0].pears'"));
  CHECK(contains(error_of("task: {name: group-words}\n"
                          "train: {mixture: [{length: 16, pairs: 2, examples: 3}]}\n"),
                 "'train.mixture[0].pairs'; it is an option of another task"));
  CHECK(contains(error("mixture: [{length: 16, examples: 3}, {examples: 5, length: 16}]"),
                 "has the settings of an entry before it"));
  CHECK(contains(error("steps: 9", "cells: [{length: 16}], lengths: [16]"),
                 "eval.lengths does not go with eval.cells"));
  CHECK(contains(error_of("task: {name: mqar, length: 16, pairs: 2}\n"
                          "model: {position: learned}\n"
                          "eval: {cells: [{length: 64}]}\n"),
                 "eval.cells[0].length = 64 is beyond task.length = 16, where learned positions"));
  CHECK(contains(error("epochs: 900000000"), "lower it to"));
}

TEST_CASE("mixture: the learning rate of cosine-epoch changes with the epoch alone") {
  const Cell cell =
      cell_of(text_of(mixture("epochs: 4, schedule: cosine-epoch, learning_rate: 1")));
  for (std::int64_t step = 1; step <= 44; ++step) {
    const double e = static_cast<double>((step - 1) / 11);
    CHECK(learning_rate(cell.train, step) ==
          doctest::Approx(0.5 * (1.0 + std::cos(3.14159265358979323846 * e / 4.0))));
  }
}

TEST_CASE("mixture: training gives the same bits for any threads, and validates each component") {
  const Cell cell = cell_of(text_of(mixture("epochs: 2, eval_every: epoch")));
  TrainObserver silent;
  const TrainResult one = train(cell, 1, silent);
  REQUIRE(one.history.size() == 2);
  for (const HistoryRow& row : one.history) {
    REQUIRE(row.component_accuracies.size() == 3);
    double sum = 0.0;
    for (const double accuracy : row.component_accuracies) sum += accuracy;
    CHECK(row.validation_accuracy == doctest::Approx(sum / 3.0));
  }
  // The accuracies are those of the components' own validation examples.
  SequenceModel<float> model = empty_model(cell);
  std::copy(one.final_weights.begin(), one.final_weights.end(), model.parameters().begin());
  for (std::size_t i = 0; i < 3; ++i) {
    const Score score =
        recollect::score(model, cell, Split::kValidation, *cell.mixture[i].task, 10, 1, false);
    CHECK(score.accuracy == one.history.back().component_accuracies[i]);
  }
  for (const int threads : {2, 3, 7}) {
    const TrainResult many = train(cell, threads, silent);
    CHECK(many.final_weights == one.final_weights);
    CHECK(many.history.back().validation_accuracy == one.history.back().validation_accuracy);
  }
}

TEST_CASE("mixture: a batch that is short is the mean over its own positions") {
  const Cell shorter = cell_of(text_of("examples: 9, epochs: 1, order: in-order"));
  TrainObserver silent;
  // The last batch of nine by eight is example 8 alone: with the weights it met, its loss is that
  // of a model scored on it.
  struct Keep : TrainObserver {
    void on_evaluation(const HistoryRow& row) override { rows.push_back(row); }
    std::vector<HistoryRow> rows;
  };
  Cell eight = shorter;
  eight.train.steps = 1;
  eight.train.eval_every = 1;
  const TrainResult before = train(eight, 1, silent);
  Cell nine = shorter;
  nine.train.eval_every = 1;
  Keep keep;
  (void)train(nine, 2, keep);
  REQUIRE(keep.rows.size() == 2);
  SequenceModel<float> model = empty_model(shorter);
  std::copy(before.final_weights.begin(), before.final_weights.end(), model.parameters().begin());
  const std::unique_ptr<Task> task = shorter.task->make();
  Example example;
  GeneratorScratch scratch;
  task->example({0, Split::kTrain, 8}, example, scratch);
  std::vector<std::int32_t> answers(example.positions.size());
  Workspace<float> workspace;
  model.begin_step({task->length()});
  const SequenceOutcome outcome = model.score(input_of(example), workspace, answers);
  CHECK(
      keep.rows[1].loss ==
      doctest::Approx(outcome.loss / static_cast<double>(example.positions.size())).epsilon(1e-5));
}

TEST_CASE("mixture: stopped in the third epoch and resumed, the files are identical") {
  const Experiment experiment = parse_experiment(
      text_of(
          mixture("epochs: 3, eval_every: epoch"),
          "examples: 12, cells: [{length: 16, pairs: 2}, {length: 64, pairs: 12, examples: 7}]"),
      "x.yaml");
  struct Silent final : RunObserver {
  } silent;
  struct Stopper final : RunObserver {
    explicit Stopper(StopRequest& request) : stop(request) {}
    void on_step(const PlannedCell&, std::int64_t step) override {
      if (step == 26) stop.request(2);
    }
    StopRequest& stop;
  };
  const TemporaryFolder whole, parts;
  (void)run_experiment(experiment, whole.path(), {.jobs = 1}, silent);
  StopRequest stop;
  Stopper stopper(stop);
  CHECK_THROWS_AS((void)run_experiment(experiment, parts.path(), {.jobs = 1}, stopper, {stop, {}}),
                  Interrupted);
  (void)run_experiment(experiment, parts.path(), {.jobs = 1}, silent);
  const std::string hash = experiment.cells.at(0).hash();
  for (const char* file : {"history.csv", "scores.csv", "slices.csv", "correct.csv", "config.yaml",
                           "final.safetensors", "best.safetensors", "status.yaml"}) {
    CAPTURE(file);
    CHECK(read_file(CellFolder(whole.path(), hash).path() / file) ==
          read_file(CellFolder(parts.path(), hash).path() / file));
  }

  // Each entry is a row of its own, with its chance, in every table.
  const CellFolder folder(whole.path(), hash);
  const std::vector<ScoreRow> scores = folder.read_scores();
  CHECK(scores.size() == 2 * 2 * 2);
  for (const ScoreRow& row : scores) {
    const bool longer = row.key.eval_length == 64;
    CHECK(row.key.settings.at("pairs") == (longer ? "12" : "2"));
    CHECK(row.chance == doctest::Approx(longer ? 1.0 / 12.0 : 0.5));
    CHECK(row.scored == row.key.examples * (longer ? 12 : 2));
    CHECK(row.key.examples == (row.key.split == Split::kValidation ? 10 : longer ? 7 : 12));
    CHECK(row.unseen_level == false);
  }
  const std::vector<GroupResult> groups = group_cells(read_cells(whole.path()).rows);
  CHECK(groups.size() == scores.size());
  const DataTable table = group_table(groups);
  CHECK(std::find(table.header.begin(), table.header.end(), "eval_pairs") != table.header.end());
}

TEST_CASE("mixture: the count of shared examples knows what each component trains and scores") {
  const Experiment experiment = parse_experiment(
      text_of(mixture(),
              "examples: 12, cells: [{length: 16, pairs: 2}, {length: 24, examples: 5}]"),
      "x.yaml");
  const Leakage leakage = count_leakage(experiment, 1);
  REQUIRE(leakage.sets.size() == 4);
  std::vector<std::vector<std::int64_t>> sizes;
  for (const DataSet& set : leakage.sets) {
    sizes.push_back({set.length, set.sizes.train, set.sizes.validation, set.sizes.test});
  }
  CHECK(sizes == std::vector<std::vector<std::int64_t>>{
                     {16, 43, 10, 12}, {16, 20, 10, 0}, {24, 0, 10, 5}, {40, 9, 10, 0}});
}

}  // namespace recollect
