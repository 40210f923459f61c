// `recollect generate`, `score` and the task examples, from the command line.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/arrays/example_file.hpp"
#include "harness/config/load.hpp"
#include "harness/exchange/example_set.hpp"
#include "harness/exchange/predictions.hpp"
#include "harness/store/csv.hpp"
#include "tests/support/recollect_program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

const std::string kText = R"(experiment: e
task: {name: mqar, length: 32, pairs: 3, vocab: 24}
model: {width: 8, layers: 1}
variants: [fixed-decay, full-quadratic]
train: {examples: 40, validation_examples: 20, batch: 6, steps: 20, eval_every: 10}
eval: {lengths: [32, 64], examples: 10}
seeds: [4, 5]
)";

/// A folder with the configuration and, where it is asked for, its runs.
struct Place {
  TemporaryFolder folder;
  std::string config = quoted(folder / "e.yaml");
  std::string runs = quoted(folder / "runs");

  Place() { write_file_atomically(folder / "e.yaml", kText); }

  void run() const { done("run " + config + " --out " + runs + " --quiet"); }

  static std::string done(const std::string& arguments) {
    const ProgramResult result = recollect_program(arguments);
    CAPTURE(arguments);
    CAPTURE(result.err);
    REQUIRE(result.status == 0);
    return result.out;
  }

  /// One line, and nothing is written.
  std::string refused(const std::string& arguments, ExitStatus status) const {
    const ProgramResult result = recollect_program(arguments);
    CAPTURE(arguments);
    CHECK(result.status == static_cast<int>(status));
    CHECK(line_count(result.err) == 1);
    CHECK(result.out.empty());
    CHECK(!std::filesystem::exists(folder / "new"));
    return result.err;
  }
};

/// Examples of the first cell, those of the test unless said, as the program writes them.
ExampleArrays generated(const Place& place, const std::string& options = "--cell 1",
                        const std::string& split = "test") {
  Place::done("generate " + place.config + " --split " + split + " " + options + " --out " +
              quoted(place.folder / "test.npz"));
  return examples_in(read_arrays(place.folder / "test.npz"), "test.npz");
}

void write_predictions(const std::filesystem::path& path, const std::vector<std::int32_t>& ids,
                       const std::vector<std::int64_t>& shape, const std::string& digest) {
  write_arrays(path, {{"predictions", NumberType::kInt32, shape, bytes_of(std::span(ids))}},
               {{"digest", digest}});
}

void write_logits(const std::filesystem::path& path, const std::vector<float>& logits,
                  const std::vector<std::int64_t>& shape, const std::string& digest) {
  write_arrays(path, {{"logits", NumberType::kFloat32, shape, bytes_of(std::span(logits))}},
               {{"digest", digest}});
}

std::string score_command(const Place& place, const std::string& file, const std::string& out,
                          const std::string& seed = "4") {
  return fmt::format("score {} --predictions {} --label theirs --seed {} --out {}", place.config,
                     quoted(place.folder / file), seed, quoted(place.folder / out));
}

TEST_CASE("generate: the three forms hold the same arrays, those of the library") {
  const Place place;
  const Cell cell = load_experiment((place.folder / "e.yaml").string()).cells.front();
  const ExampleSet set = make_examples(cell, "e", {.split = Split::kTest, .length = 64}, 1);
  for (const char* name : {"a.safetensors", "a.npz", "a"}) {
    CAPTURE(name);
    const std::string said =
        Place::done("generate " + place.config + " --split test --cell 1 --length 64 --out " +
                    quoted(place.folder / name));
    CHECK(holds(said, "10 examples of length 64, digest " + set.digest));
    const ArrayFile file = read_arrays(place.folder / name);
    CHECK(file.texts.at("digest") == set.digest);
    CHECK(file.texts.at("settings") == set.settings);
    const ExampleArrays read = examples_in(file, name);
    CHECK(read.ids == set.ids);
    CHECK(read.positions == set.positions);
    CHECK(read.labels == set.labels);
    REQUIRE(read.tags.size() == set.tags.size());
    for (const TagArray& tag : set.tags) {
      const auto same = std::find_if(read.tags.begin(), read.tags.end(),
                                     [&](const TagArray& other) { return other.name == tag.name; });
      REQUIRE(same != read.tags.end());
      CHECK(same->values == tag.values);
    }
  }
}

TEST_CASE("score: answers of arrays can be stopped between two examples") {
  const Place place;
  const Cell cell = load_experiment((place.folder / "e.yaml").string()).cells.front();
  const ExampleRequest request{.split = Split::kTest};
  const ExampleSet set = make_examples(cell, "e", request, 1);
  ArrayFile answers;
  answers.texts["digest"] = set.digest;
  answers.arrays.push_back({"predictions",
                            NumberType::kInt32,
                            {set.examples, set.scored},
                            bytes_of(std::span(set.labels))});
  const auto score_until = [&](int look) {
    StopRequest stop;
    stop.request_at_look(look, SIGINT);
    return score_predictions(cell, request, answers, "answers", 1, stop).score.accuracy;
  };
  CHECK_THROWS_AS((void)score_until(5), Interrupted);   // while the examples are made
  CHECK_THROWS_AS((void)score_until(15), Interrupted);  // while they are counted
  CHECK(score_until(100) == 1.0);
}

TEST_CASE("generate: what is wrong is one line, and nothing is written") {
  const Place place;
  const std::string out = " --out " + quoted(place.folder / "new" / "x.npz");
  const std::string generate = "generate " + place.config;
  using enum ExitStatus;
  CHECK(holds(place.refused(generate + " --split test" + out, kUsage), "differ in their examples"));
  CHECK(holds(place.refused(generate + " --cell 1" + out, kUsage), "--split is missing"));
  CHECK(holds(place.refused(generate + " --cell 1 --split tests" + out, kUsage), "'test'"));
  CHECK(holds(place.refused(generate + " --cell 9 --split test" + out, kUsage), "1..4"));
  for (const char* steps : {"0..3", "3..1", "1..21", "x", "1...2", "1..2x", "-1..2"}) {
    (void)place.refused(generate + fmt::format(" --cell 1 --shuffle-steps {}", steps) + out,
                        kUsage);
  }
  CHECK(
      holds(place.refused(generate + " --cell 1 --split test --out " + quoted(place.folder.path()),
                          kInputOutput),
            "holds e.yaml"));
}

TEST_CASE("score: right predictions give 1, wrong ones what is counted, beside our cells") {
  const Place place;
  place.run();
  const ExampleArrays test = generated(place);
  const std::string digest = digest_of(test);
  std::vector<std::int32_t> ids = test.labels;
  ids[0] = (ids[0] + 1) % 24;
  ids[7] = (ids[7] + 1) % 24;
  write_predictions(place.folder / "p.safetensors", ids, {10, 3}, digest);
  const std::string said = Place::done(score_command(place, "p.safetensors", "runs"));
  CHECK(holds(said, "accuracy 0.9333, exact match 0.8000 on 10 test examples of length 32"));
  Place::done(score_command(place, "p.safetensors", "runs") + " --count 10");  // the same again

  const std::string table = Place::done("table " + place.runs + " --rows cells --format csv");
  const std::size_t at = table.find(",outside,theirs,");
  REQUIRE(at != std::string::npos);
  CHECK(holds(table, "0.9333333333333333"));
  CHECK(std::count(table.begin(), table.end(), '\n') == 1 + 4 * 8 + 2);
  const std::string text = Place::done("table " + place.runs);
  CHECK(holds(text, "theirs"));
  // Ids have no loss, and nobody knows when the model solved its task.
  const CsvTable groups = parse_csv(Place::done("table " + place.runs + " --format csv"), "table");
  for (const auto& row : groups.rows) {
    const bool theirs = row[*groups.find("label")] == "theirs";
    for (const char* column : {"loss_mean", "solved", "solved_share", "solve_steps"}) {
      CHECK(row[*groups.find(column)].empty() == theirs);
    }
  }
  const std::filesystem::path folder = said.substr(0, said.find(": accuracy"));
  const std::string scores = read_file(folder / "scores.csv");
  CHECK(holds(scores, ",0.9333333333333333,0.8,,30,"));
  CHECK(holds(place.refused("inspect " + quoted(folder), ExitStatus::kInputOutput),
              "another program's model"));
  // Running the experiment again leaves it alone.
  place.run();
  CHECK(holds(Place::done("table " + place.runs), "theirs"));
}

TEST_CASE(
    "score: of fewer validation examples than training looks at, the score is in the tables") {
  const Place place;
  place.run();
  const ExampleArrays some = generated(place, "--cell 1 --count 10", "validation");
  write_predictions(place.folder / "p.safetensors", some.labels, {10, 3}, digest_of(some));
  const std::string said =
      Place::done(score_command(place, "p.safetensors", "runs") + " --split validation --count 10");
  const std::filesystem::path folder = said.substr(0, said.find(": accuracy"));
  const std::string hash = folder.filename().string();
  // The folder's configuration gives the cell of that name.
  CHECK(parse_experiment(read_file(folder / "config.yaml"), "config.yaml", {}, AllowedNames::kAny)
            .cells.at(0)
            .hash() == hash);
  CHECK(holds(Place::done("table " + place.runs + " --rows cells --format csv"), hash));
  CHECK(holds(Place::done("table " + place.runs), "theirs"));
}

TEST_CASE("score: another program's model is archived beside the runs, and read back") {
  const Place place;
  const ExampleArrays test = generated(place);
  write_predictions(place.folder / "p.safetensors", test.labels, {10, 3}, digest_of(test));
  const auto archive = [&](const char* options = "") {
    return Place::done("archive " + place.runs + " --out " + quoted(place.folder / "kept") +
                       options);
  };
  const std::string kept = quoted(place.folder / "kept");
  const auto rows = [](const std::string& of) {
    return Place::done("table " + of + " --rows cells --format csv");
  };
  // Nothing was trained yet.
  Place::done(score_command(place, "p.safetensors", "runs"));
  CHECK(holds(archive(), "outside"));
  CHECK(holds(rows(kept), ",outside,theirs,"));
  CHECK(rows(kept) == rows(place.runs));

  place.run();
  const ExampleArrays other = generated(place, "--cell 2");  // of seed 5
  write_predictions(place.folder / "p.safetensors", other.labels, {10, 3}, digest_of(other));
  Place::done(score_command(place, "p.safetensors", "runs", "5"));
  const std::string said = archive();
  CHECK(holds(said, "all 4 cells"));
  CHECK(holds(said, "scores of 'theirs', seed 5"));
  (void)archive();  // again: nothing is lost
  CHECK(rows(kept) == rows(place.runs));
  CHECK(rows(quoted(place.folder / "kept" / "e")) == rows(place.runs));
  (void)Place::done("compare " + place.runs + " " + kept);  // which are equal
  CHECK(holds(Place::done("table " + kept + " --summary"), "theirs"));
  CHECK(holds(archive(" --experiment e"), "outside"));
}

TEST_CASE("score: of equal logits the first counts, and the loss is the cross-entropy") {
  const Place place;
  const ExampleArrays test = generated(place);
  std::vector<float> logits(10 * 3 * 24, 0.0F);
  for (std::size_t r = 0; r < 30; ++r) {
    logits[r * 24 + static_cast<std::size_t>(test.labels[r])] = 2.0F;
  }
  write_logits(place.folder / "l.npz", logits, {10, 3, 24}, digest_of(test));
  CHECK(holds(Place::done(score_command(place, "l.npz", "runs")), "accuracy 1.0000"));
  const CsvTable table =
      parse_csv(Place::done("table " + place.runs + " --rows cells --format csv"), "table");
  for (const auto& row : table.rows) {
    CHECK(std::stod(row[*table.find("loss")]) ==
          doctest::Approx(std::log(23.0 + std::exp(2.0)) - 2.0).epsilon(1e-12));
  }
  CHECK(table.rows.size() == 2);
}

TEST_CASE("score: files that are not of these examples are refused") {
  const Place place;
  const ExampleArrays test = generated(place);
  const std::string digest = digest_of(test);
  const auto refused = [&](const std::string& file) {
    return place.refused(score_command(place, file, "new"), ExitStatus::kInputOutput);
  };
  write_predictions(place.folder / "p.npz", test.labels, {10, 3}, std::string(32, '0'));
  CHECK(holds(refused("p.npz"), "the predictions are of others"));
  write_predictions(place.folder / "p.npz", test.labels, {5, 6}, digest);
  CHECK(holds(refused("p.npz"), "shape (5, 6), but these examples need (10, 3)"));
  std::vector<std::int32_t> ids = test.labels;
  ids[4] = 24;
  write_predictions(place.folder / "p.npz", ids, {10, 3}, digest);
  CHECK(holds(refused("p.npz"), "example 1, scored position 1: id 24 is not in 0..23"));
  ids[4] = -1;
  write_predictions(place.folder / "p.npz", ids, {10, 3}, digest);
  CHECK(holds(refused("p.npz"), "id -1 is not in 0..23"));

  const std::vector<float> numbers(30, 1.0F);
  write_arrays(place.folder / "p.npz",
               {{"predictions", NumberType::kFloat32, {10, 3}, bytes_of(std::span(numbers))}},
               {{"digest", digest}});
  CHECK(holds(refused("p.npz"), "'predictions' is float32, but must be int32"));
  write_arrays(place.folder / "p.npz", {}, {{"digest", digest}});
  CHECK(holds(refused("p.npz"), "neither of the"));
  write_arrays(place.folder / "p.npz",
               {{"predictions", NumberType::kInt32, {10, 3}, bytes_of(std::span(test.labels))}},
               {});
  CHECK(holds(refused("p.npz"), "'digest' is missing"));

  std::vector<float> logits(10 * 3 * 24, 0.0F);
  logits[500] = std::numeric_limits<float>::quiet_NaN();
  write_logits(place.folder / "p.npz", logits, {10, 3, 24}, digest);
  CHECK(holds(refused("p.npz"), "a logit is NaN"));
  write_logits(place.folder / "p.npz", logits, {10, 3, 24}, digest);
  const std::string bytes = read_file(place.folder / "p.npz");
  write_file_atomically(place.folder / "p.npz", bytes.substr(0, bytes.size() / 2));
  CHECK(holds(refused("p.npz"), "not a valid .npz file"));
  write_logits(place.folder / "p.safetensors", logits, {10, 3, 24}, digest);
  const std::string tensors = read_file(place.folder / "p.safetensors");
  write_file_atomically(place.folder / "p.safetensors", tensors.substr(0, tensors.size() - 1));
  CHECK(holds(refused("p.safetensors"), "truncated"));
  CHECK(holds(refused("absent.npz"), "absent.npz"));

  using enum ExitStatus;
  write_predictions(place.folder / "p.npz", test.labels, {10, 3}, digest);
  const auto labelled = [&](const std::string& label) {
    return fmt::format("score {} --predictions {} --label {} --seed 4 --out {}", place.config,
                       quoted(place.folder / "p.npz"), label, quoted(place.folder / "new"));
  };
  CHECK(holds(place.refused(labelled("fixed-decay"), kUsage), "label of a variant"));
  CHECK(holds(place.refused(labelled("adaptive-decay"), kConfiguration), "name of a variant"));
  CHECK(holds(place.refused(labelled("NA"), kConfiguration), "missing value"));
}

TEST_CASE("score: our own weights give our own scores, at any length") {
  const Place place;
  place.run();
  const std::string cell = load_experiment((place.folder / "e.yaml").string()).cells.front().hash();
  const std::string weights = quoted(place.folder / "runs" / "cells" / cell / "best.safetensors");
  const std::string score =
      fmt::format("score {} --checkpoint {} --cell 1 --label again --seed 4 --out {}", place.config,
                  weights, quoted(place.folder / "runs"));
  const auto accuracies = [&] {
    const CsvTable table =
        parse_csv(Place::done("table " + place.runs + " --rows cells --format csv"), "table");
    std::vector<std::string> ours, theirs;
    const auto column = [&](const char* name) { return *table.find(name); };
    for (const auto& row : table.rows) {
      if (row[column("seed")] != "4" || row[column("weights")] != "best" ||
          row[column("split")] != "test") {
        continue;
      }
      const std::string text =
          row[column("eval_length")] + " " + row[column("accuracy")] + " " + row[column("loss")];
      if (row[column("label")] == "fixed-decay") ours.push_back(text);
      if (row[column("label")] == "again") theirs.push_back(text);
    }
    return std::pair(ours, theirs);
  };
  Place::done(score);
  Place::done(score + " --length 64");
  const auto [ours, theirs] = accuracies();
  CHECK(ours.size() == 2);
  CHECK(theirs == ours);
  CHECK(holds(Place::done(score + " --length 200"), "length 200"));
}

TEST_CASE("score: weights with untrained levels are read at any length") {
  const Place place;
  std::string text = kText;
  text.replace(text.find("examples: 10}"), 13, "examples: 10, unseen_levels: as-is}");
  write_file_atomically(place.folder / "e.yaml", text);
  place.run();
  const std::string cell = load_experiment((place.folder / "e.yaml").string()).cells.front().hash();
  const CsvTable table =
      parse_csv(Place::done("table " + place.runs + " --rows cells --format csv"), "table");
  for (const char* length : {"32", "64"}) {
    const std::string told = Place::done(fmt::format(
        "score {} --checkpoint {} --cell 1 --label again --seed 4 --length {} --out {}",
        place.config, quoted(place.folder / "runs" / "cells" / cell / "final.safetensors"), length,
        quoted(place.folder / "again")));
    CAPTURE(told);
    const CsvTable again = parse_csv(
        Place::done("table " + quoted(place.folder / "again") + " --rows cells --format csv"),
        "again");
    const auto value = [&](const CsvTable& from, const char* label, const char* weights) {
      const auto column = [&](const char* name) { return *from.find(name); };
      for (const auto& row : from.rows) {
        if (row[column("seed")] == "4" && row[column("label")] == label &&
            row[column("weights")] == weights && row[column("split")] == "test" &&
            row[column("eval_length")] == length) {
          return row[column("accuracy")] + " " + row[column("loss")];
        }
      }
      return std::string("none");
    };
    CHECK(value(again, "again", "best") == value(table, "fixed-decay", "final"));
    CHECK(value(again, "again", "best") != "none");
  }
}

TEST_CASE("task examples: files train and score as the task that they came from") {
  const Place place;
  for (const char* split : {"train", "validation", "test"}) {
    Place::done(fmt::format("generate {} --split {} --cell 1 --out {}", place.config, split,
                            quoted(place.folder / (std::string(split) + ".npz"))));
  }
  const std::string text = R"(experiment: files
task: {name: examples, train: train.npz, validation: validation.npz, test: test.npz, vocab: 24}
model: {width: 8, layers: 1}
variants: [fixed-decay]
train: {batch: 6, steps: 20, eval_every: 10}
seeds: [4]
)";
  write_file_atomically(place.folder / "files.yaml", text);
  place.run();
  Place::done("run " + quoted(place.folder / "files.yaml") + " --quiet --out " + place.runs);
  const Cell ours = load_experiment((place.folder / "e.yaml").string()).cells.front();
  const Cell theirs = load_experiment((place.folder / "files.yaml").string()).cells.front();
  const auto history = [&](const Cell& cell) {
    return read_file(place.folder / "runs" / "cells" / cell.hash() / "history.csv");
  };
  CHECK(history(ours) == history(theirs));
  CHECK(history(theirs).size() > 100);

  // The content counts, not where it lies; the folder's config.yaml gives the cell again.
  std::filesystem::create_directory(place.folder / "moved");
  for (const char* name : {"train.npz", "validation.npz", "test.npz", "files.yaml"}) {
    std::filesystem::copy(place.folder / name, place.folder / "moved" / name);
  }
  CHECK(load_experiment((place.folder / "moved" / "files.yaml").string()).cells.front().hash() ==
        theirs.hash());
  const std::filesystem::path kept =
      place.folder / "runs" / "cells" / theirs.hash() / "config.yaml";
  CHECK(load_experiment(kept.string()).cells.front().hash() == theirs.hash());
  // Results are read without the data, and name the content.
  std::filesystem::remove(place.folder / "train.npz");
  const std::string table =
      Place::done("table " + place.runs + " --experiment files --rows cells --format csv");
  CHECK(holds(table, "xxh3-"));
  CHECK(!holds(table, place.folder.path().string()));
}

TEST_CASE("task examples: files that do not fit are refused") {
  const Place place;
  const ExampleArrays test = generated(place);
  const auto run = [&](const std::string& options) {
    return fmt::format("run {} --out {} {}", quoted(place.folder / "files.yaml"),
                       quoted(place.folder / "new"), options);
  };
  write_file_atomically(place.folder / "files.yaml", R"(experiment: files
task: {name: examples, train: test.npz, validation: test.npz, test: test.npz}
model: {width: 8, layers: 1}
variants: [fixed-decay]
train: {batch: 6, steps: 20, eval_every: 10}
)");
  using enum ExitStatus;
  CHECK(holds(place.refused(run("--set task.test=none.npz"), kInputOutput), "none.npz"));
  CHECK(holds(place.refused(run("--set task.length=64"), kConfiguration), "task.length = 64"));
  CHECK(holds(place.refused(run("--set task.vocab=9"), kConfiguration), "task.vocab = 9"));
  CHECK(holds(place.refused(run("--set train.examples=11"), kConfiguration), "has 10 examples"));
  CHECK(
      holds(place.refused(run("--set train.examples=online"), kConfiguration), "has 10 examples"));
  CHECK(holds(place.refused(run("--set eval.lengths=[64]"), kConfiguration), "eval.lengths = 64"));
  CHECK(holds(place.refused(run("--set \"eval.cells=[{length: 32}]\""), kConfiguration),
              "does not go with task examples"));
  ExampleArrays longer = test;
  longer.ids.insert(longer.ids.end(), test.ids.begin(), test.ids.end());
  longer.length *= 2;
  write_arrays(place.folder / "longer.npz", arrays_of(longer), {});
  CHECK(holds(place.refused(run("--set task.test=longer.npz"), kInputOutput),
              "longer.npz: its examples have 64 tokens, but those of "));
  ExampleArrays large = test;
  large.ids[7] = 2097152;
  write_arrays(place.folder / "large.npz", arrays_of(large), {});
  CHECK(holds(place.refused(run("--set task.test=large.npz"), kInputOutput),
              "large.npz: id 2097152 is above 2097151, the largest"));
  const std::string other = "test.npz@" + std::string(32, '0');
  CHECK(holds(place.refused(run("--set task.test=" + other), kInputOutput), "asks for 0000"));
  const std::string bytes = read_file(place.folder / "test.npz");
  write_file_atomically(place.folder / "test.npz", bytes.substr(0, bytes.size() / 2));
  CHECK(holds(place.refused(run(""), kInputOutput), "not a valid .npz file"));
}

/// The tensors of a weights file, to be changed and written as another.
struct Tensors {
  ArrayFile file;
  std::vector<ArrayView> arrays;

  explicit Tensors(const std::filesystem::path& path)
      : file(read_arrays(path)), arrays(file.arrays) {}
  [[nodiscard]] ArrayView& operator[](const std::string& name) {
    return *std::find_if(arrays.begin(), arrays.end(),
                         [&](const ArrayView& array) { return array.name == name; });
  }
};

TEST_CASE(
    "run --init: training starts from the tensors of a file, and its content makes the cell") {
  const Place place;
  place.run();
  const std::filesystem::path cells = place.folder / "runs" / "cells";
  const Experiment experiment = load_experiment((place.folder / "e.yaml").string());
  const Cell& first = experiment.cells.front();
  const std::filesystem::path weights = cells / first.hash() / "final.safetensors";
  const std::string one = " --set variants=[fixed-decay] --set seeds=[4] --set train.steps=10";
  const auto init = [&](const std::filesystem::path& file, const std::string& more = "") {
    return "run " + place.config + one + " --quiet --out " + quoted(place.folder / "new") +
           " --init " + quoted(file) + more;
  };
  // A rate so small that nothing moves: what comes out is what went in.
  Place::done(init(weights, " --set train.learning_rate=1e-30 --set experiment=still"));
  const auto only_cell = [&](const std::string& name) {
    const std::string list = read_file(place.folder / "new" / "experiments" / (name + ".yaml"));
    return place.folder / "new" / "cells" / list.substr(list.rfind('"') - 16, 16);
  };
  const auto numbers = [](const std::filesystem::path& path) {
    std::string all;
    for (const ArrayView& array : read_arrays(path).arrays) all += array.bytes;
    return all;
  };
  CHECK(numbers(only_cell("still") / "best.safetensors") == numbers(weights));

  // The place does not count, nor what else the file says; a number does.
  Place::done(init(weights, " --set experiment=a"));
  Tensors tensors(weights);
  write_arrays(place.folder / "copy.npz", tensors.arrays, {});
  Place::done(init(place.folder / "copy.npz", " --set experiment=b"));
  CHECK(only_cell("a") == only_cell("b"));
  std::vector<float> scale = numbers_of<float>(tensors["layers.0.level_scale"]);
  scale[0] += 0.5F;
  tensors["layers.0.level_scale"].bytes = bytes_of(std::span<const float>(scale));
  write_arrays(place.folder / "other.npz", tensors.arrays, {});
  Place::done(init(place.folder / "other.npz", " --set experiment=c"));
  CHECK(only_cell("a") != only_cell("c"));
  CHECK(holds(read_file(only_cell("c") / "config.yaml"), "other.npz@"));
  // Once it is done, tables need no file.
  std::filesystem::remove(place.folder / "other.npz");
  CHECK(holds(Place::done("table " + quoted(place.folder / "new") + " --rows cells"), "xxh3-"));
}

TEST_CASE("run --init: missing, surplus and wrong tensors are refused, or passed over if partial") {
  const Place place;
  place.run();
  const Experiment experiment = load_experiment((place.folder / "e.yaml").string());
  const std::filesystem::path weights =
      place.folder / "runs" / "cells" / experiment.cells.front().hash() / "final.safetensors";
  const auto init = [&](const std::string& more = "") {
    return "run " + place.config + " --set variants=[fixed-decay] --quiet --out " +
           quoted(place.folder / "new") + " --init " + quoted(place.folder / "init.npz") + more;
  };
  using enum ExitStatus;
  const Tensors whole(weights);
  const auto written = [&](const auto& change) {
    std::vector<ArrayView> arrays = whole.arrays;
    change(arrays);
    write_arrays(place.folder / "init.npz", arrays, {});
  };
  const auto at = [](std::vector<ArrayView>& arrays, const char* name) {
    return std::find_if(arrays.begin(), arrays.end(),
                        [&](const ArrayView& array) { return array.name == name; });
  };
  written([&](auto& arrays) { at(arrays, "head.weight")->shape = {8, 24}; });
  for (const char* more : {"", " --init-partial"}) {
    CHECK(holds(place.refused(init(more), kInputOutput), "has shape [8, 24]"));
  }
  written([&](auto& arrays) { at(arrays, "head.weight")->type = NumberType::kInt32; });
  CHECK(holds(place.refused(init(), kInputOutput), "must be float32"));
  const std::vector<float> nan(8 * 8, std::numeric_limits<float>::quiet_NaN());
  written([&](auto& arrays) {
    at(arrays, "layers.0.q_proj.weight")->bytes = bytes_of(std::span(nan));
  });
  CHECK(holds(place.refused(init(), kInputOutput), "not finite"));
  CHECK(holds(place.refused(init(" --set train.init_partial=3"), kConfiguration), "init_partial"));
  CHECK(holds(
      place.refused("run " + place.config + " --init-partial --out " + quoted(place.folder / "new"),
                    kUsage),
      "--init"));
  written([&](auto& arrays) { arrays.push_back(arrays.front()), arrays.back().name = "more"; });
  CHECK(holds(place.refused(init(), kInputOutput), "'more' is none of the model of fixed-decay"));
  Place::done(init(" --init-partial"));
  std::filesystem::remove_all(place.folder / "new");
  written([&](auto& arrays) { arrays.erase(at(arrays, "head.weight")); });
  CHECK(holds(place.refused(init(), kInputOutput),
              "'head.weight' of the model of fixed-decay is "
              "missing"));
  Place::done(init(" --init-partial"));
}

}  // namespace
}  // namespace recollect
