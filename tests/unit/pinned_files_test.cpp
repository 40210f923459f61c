// The files that a configuration names: read once, under their digests.
#include "harness/config/pinned_files.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "harness/arrays/array_file.hpp"
#include "harness/arrays/example_file.hpp"
#include "harness/config/load.hpp"
#include "tasks/examples.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

const std::string kNoDigest(32, '0');

ExampleArrays three_examples() {
  return {.examples = 3,
          .length = 4,
          .scored = 1,
          .ids = {0, 1, 2, 3, 3, 2, 1, 0, 1, 2, 3, 0},
          .positions = {3, 3, 3},
          .labels = {1, 2, 3},
          .tags = {}};
}

/// A folder with the examples and the weights that its configurations name.
struct Place {
  TemporaryFolder folder;

  Place() {
    const ExampleArrays examples = three_examples();
    write_arrays(folder / "e.npz", arrays_of(examples), {});
    const std::vector<float> numbers = {0.5F, -1.0F};
    write_arrays(folder / "w.npz",
                 {{"any.weight", NumberType::kFloat32, {2}, bytes_of(std::span(numbers))}}, {});
  }

  /// Both of the grid's combinations name both files.
  [[nodiscard]] Experiment read(const std::string& examples, const std::string& weights,
                                AllowedNames names = AllowedNames::kToday,
                                const std::vector<std::string>& overrides = {}) const {
    return parse_experiment(
        fmt::format("task: {{name: examples, train: {0}, validation: {0}, test: {0}}}\n"
                    "variants: [fixed-decay]\ntrain: {{batch: 2, init: {1}}}\n"
                    "grid: {{train.learning_rate: [0.001, 0.002]}}\n",
                    examples, weights),
        (folder / "x.yaml").string(), overrides, names);
  }
};

const ExamplesSettings& task_of(const Cell& cell) {
  return dynamic_cast<const ExamplesSettings&>(*cell.task);
}

TEST_CASE("pinned files: all combinations of the grid share what was read once") {
  const Place place;
  const Experiment experiment = place.read("e.npz", "w.npz");
  REQUIRE(experiment.cells.size() == 2);
  const Cell& first = experiment.cells[0];
  REQUIRE((first.train.initial != nullptr));
  REQUIRE((task_of(first).data[0] != nullptr));
  for (const Cell& cell : experiment.cells) {
    CHECK((cell.train.initial == first.train.initial));
    for (const auto& arrays : task_of(cell).data) CHECK((arrays == task_of(first).data[0]));
    for (const std::string& file : task_of(cell).files) {
      CHECK(file ==
            fmt::format("{}@{}", (place.folder / "e.npz").string(), digest_of(three_examples())));
    }
    CHECK(cell.train.init.starts_with((place.folder / "w.npz").string() + "@"));
  }
}

TEST_CASE("pinned files: one that is not what its digest says is refused, and both are named") {
  const Place place;
  const auto refusal = [&](const std::string& examples, const std::string& weights) {
    try {
      (void)place.read(examples, weights);
    } catch (const IoError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refusal("e.npz@" + kNoDigest, "w.npz") ==
        fmt::format("{}: its digest is {}, but the configuration asks for {}; the file was "
                    "changed, or another is meant",
                    (place.folder / "e.npz").string(), digest_of(three_examples()), kNoDigest));
  const std::string weights = refusal("e.npz", "w.npz@" + kNoDigest);
  CHECK(weights.starts_with((place.folder / "w.npz").string() + ": its digest is "));
  CHECK(
      weights.ends_with(fmt::format(", but the configuration asks for {}; the file was changed, "
                                    "or another is meant",
                                    kNoDigest)));
}

TEST_CASE("pinned files: results are read without them, a run is not") {
  const Place place;
  const std::string gone = "gone.npz@" + kNoDigest;
  // Of results, length and vocabulary stand in the configuration.
  const std::vector<std::string> resolved = {"task.length=4", "task.vocab=4"};
  const Experiment experiment = place.read(gone, gone, AllowedNames::kAny, resolved);
  const Cell& cell = experiment.cells.at(0);
  CHECK((cell.train.initial == nullptr));
  CHECK(cell.train.init == gone);
  CHECK((task_of(cell).data[0] == nullptr));
  CHECK(task_of(cell).files[0] == gone);
  CHECK_THROWS_AS((void)place.read("e.npz", gone), IoError);
  CHECK_THROWS_AS((void)place.read(gone, "w.npz", AllowedNames::kToday, resolved), IoError);
  CHECK_THROWS_AS((void)place.read("e.npz", "gone.npz", AllowedNames::kAny), IoError);
}

}  // namespace
}  // namespace recollect
