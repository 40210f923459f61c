#include "harness/train/leakage.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "harness/config/load.hpp"
#include "harness/sweep/plan.hpp"
#include "tests/support/places.hpp"

namespace recollect {
namespace {

Experiment experiment(const std::string& task, const std::string& rest = "") {
  return parse_experiment(
      "experiment: x\ntask: " + task + "\nvariants: [fixed-decay, gated-linear]\n" + rest + "\n",
      "x.yaml");
}

TEST_CASE("leakage: each distinct data set is counted once") {
  const Experiment two_seeds = experiment("{name: mqar, length: 32, pairs: 2}",
                                          "train: {examples: 300, validation_examples: 20}\n"
                                          "eval: {lengths: [32, 64], examples: 30}\nseeds: [0, 1]");
  CHECK(two_seeds.cells.size() == 4);
  const Leakage leakage = count_leakage(two_seeds, 1);
  REQUIRE(leakage.sets.size() == 4);  // two lengths, two seeds; both variants share them
  CHECK(leakage.sets[0].sizes == SplitSizes{300, 20, 30});
  CHECK(leakage.sets[1].sizes == SplitSizes{0, 20, 30});  // no training at 64
  CHECK(leakage.sets[0].length == 32);
  CHECK(leakage.sets[1].length == 64);
  CHECK(leakage.sets[2].data_seed == 1);
  CHECK_FALSE(leakage.found());
  CHECK(leakage_warning(leakage).empty());
  const std::vector<std::string> lines = describe(leakage);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0] ==
        "examples: 600 training, 80 validation, 120 test in 4 data sets (task, length, seed); no "
        "split holds an example of another");
}

TEST_CASE("leakage: of a shard the data of its own cells are counted") {
  const Experiment two_seeds = experiment("{name: mqar, length: 32, pairs: 2}",
                                          "train: {examples: 300, validation_examples: 20}\n"
                                          "eval: {examples: 30}\nseeds: [0, 1]");
  REQUIRE(two_seeds.cells.size() == 4);  // of each variant both seeds
  CHECK(count_leakage(cells_of(two_seeds, {1, 1}), 1).sets.size() == 2);
  for (const int index : {1, 2}) {
    const std::vector<const Cell*> cells = cells_of(two_seeds, {index, 2});
    CHECK(cells.size() == 2);
    const Leakage leakage = count_leakage(cells, 1);
    REQUIRE(leakage.sets.size() == 1);
    CHECK(leakage.sets[0].data_seed == index - 1);
    CHECK(leakage.sets[0].sizes == SplitSizes{300, 20, 30});
  }
  CHECK(cells_of(two_seeds, {5, 8}).empty());
  CHECK(leakage_warning(count_leakage(cells_of(two_seeds, {5, 8}), 1)).empty());
}

TEST_CASE("leakage: one data seed for all seeds is one data set, another length of training two") {
  CHECK(count_leakage(
            experiment("{name: mqar, length: 32, pairs: 2, data_seed: 5}", "seeds: [0, 1, 2]"), 1)
            .sets.size() == 1);
  const Leakage grid = count_leakage(
      experiment("{name: mqar, pairs: 2}",
                 "train: {examples: 100}\ngrid: {task.length: [32, 64]}\neval: {lengths: [64]}"),
      1);
  // 32 without test examples, 64 without training, 64 with both.
  REQUIRE(grid.sets.size() == 3);
  CHECK(grid.sets[0].sizes == SplitSizes{100, 1000, 0});
  CHECK(grid.sets[1].sizes == SplitSizes{0, 1000, 1000});
  CHECK(grid.sets[2].sizes == SplitSizes{100, 1000, 1000});
}

TEST_CASE("leakage: a tiny space is reported with count, share and a remedy") {
  const Leakage leakage = count_leakage(
      experiment("{name: mqar, length: 4, pairs: 1, vocab: 6}",
                 "train: {examples: 1000, validation_examples: 100}\neval: {examples: 40}\n"
                 "seeds: [3, 4, 5, 6, 7, 8]"),
      2);
  CHECK(leakage.found());
  const std::string warning = leakage_warning(leakage);
  CHECK(warning ==
        "mqar: length 4, layout packed, filler random, pairs 1, vocab 6, offset 0, data_seed 3: 40 "
        "of 40 test examples (100.0 %) occur in training, 100 of 100 validation examples (100.0 %) "
        "occur in training, 40 of 40 test examples (100.0 %) occur in validation; so do examples "
        "of 5 other data sets; such scores say little about new examples: enlarge the task "
        "(length, vocab, pairs or tokens)");
  const std::vector<std::string> lines = describe(leakage);
  REQUIRE(lines.size() == 7);
  CHECK(lines[0].ends_with("overlap in 6"));
  CHECK(lines[1].find(" equal an earlier one") != std::string::npos);
  CHECK(lines[2] == "warning: " + warning);
  CHECK(lines[3].starts_with("overlap: mqar"));
  CHECK(lines[6] == "overlap: and 2 data sets with less");
}

TEST_CASE("leakage: at another length than trained only test and validation can meet") {
  const Leakage leakage = count_leakage(experiment("{name: mqar, length: 60, pairs: 1, vocab: 6}",
                                                   "train: {examples: 1000}\neval: {lengths: [4]}"),
                                        1);
  REQUIRE(leakage.sets.size() == 2);
  CHECK(leakage.sets[0].length == 4);
  CHECK(leakage.sets[0].overlap.test_in_train == 0);
  CHECK(leakage.sets[0].overlap.test_in_validation > 900);
  CHECK(leakage_warning(leakage).find("occur in training") == std::string::npos);
}

TEST_CASE("leakage: online counts the examples that training will draw") {
  const std::string task = "{name: mqar, length: 8, pairs: 1, vocab: 4}";
  const auto with = [&](const char* train) {
    return count_leakage(experiment(task, train), 1).sets.front();
  };
  const DataSet online = with("train: {examples: online, steps: 30, batch: 10}");
  CHECK(online.sizes.train == 300);
  // The stream of a fixed set begins with the same examples.
  CHECK(online.overlap == with("train: {examples: 300}").overlap);
  CHECK(online.overlap.test_in_train <
        with("train: {examples: online, steps: 300, batch: 10}").overlap.test_in_train);
}

TEST_CASE("leakage: what a count may cost is shared out, and said") {
  const Experiment large = experiment("{name: mqar, length: 48, pairs: 2}",
                                      "train: {examples: online, steps: 1000000000, batch: 64}\n"
                                      "eval: {lengths: [16, 48]}");
  const Leakage leakage = count_leakage(large, 1, std::int64_t{64} * 10000);
  REQUIRE(leakage.sets.size() == 2);
  CHECK(leakage.sets[0].complete());  // 2000 examples of 16 + 16 tokens
  CHECK_FALSE(leakage.sets[1].complete());
  CHECK(leakage.sets[1].counted == SplitSizes{7000, 1000, 1000});  // (640000 - 64000) / 64
  const std::vector<std::string> lines = describe(leakage);
  REQUIRE(lines.size() == 2);
  CHECK(lines[1] ==
        "examples: these are the first of 64000000000 training, 2000 validation and 2000 test "
        "examples; to compare all of them would take too long");
  // However little there is, each split is looked into.
  CHECK(count_leakage(large, 1, 1).sets[1].counted == SplitSizes{1, 1, 1});
}

TEST_CASE("leakage: none in the configurations that come with the program, as far as it is quick") {
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(source_folder() / "configs")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    CAPTURE(entry.path().string());
    const Leakage leakage =
        count_leakage(load_experiment(entry.path().string()), 2, std::int64_t{1} << 23);
    CHECK(leakage_warning(leakage).empty());
    CHECK_FALSE(leakage.sets.empty());
  }
  CHECK(files >= 6);
}

}  // namespace
}  // namespace recollect
