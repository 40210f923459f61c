#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "harness/config/load.hpp"
#include "harness/sweep/runner.hpp"
#include "models/registry.hpp"
#include "tasks/registry.hpp"
#include "tests/support/generated_tasks.hpp"
#include "tests/support/result_files.hpp"
#include "tests/support/temporary_folder.hpp"

// The promise that results do not depend on how a machine is used, on the files themselves.

namespace recollect {
namespace {

/// Every variant on mqar, two on another task, with several shards and pieces in a batch.
Experiment all_variants(const std::string& task) {
  std::vector<std::string> names = {"adaptive-decay", "gated-deltanet"};
  if (task == "mqar") {
    names.clear();
    for (const MixerEntry& entry : mixers()) names.emplace_back(entry.name);
  }
  return parse_experiment(
      fmt::format("experiment: all\n"
                  "task: {{name: {}, length: 32{}}}\n"
                  "model: {{width: 8, chunk: 8}}\n"
                  "variants: [{}]\n"
                  "train: {{examples: online, validation_examples: 30, batch: 20, steps: 12, "
                  "eval_every: 5, weight_decay: 0.01, warmup: 4, schedule: cosine}}\n"
                  "eval: {{lengths: [32, 48], examples: 30}}\n"
                  "seeds: [0, 1]\n",
                  task,
                  task == "mqar" || task == "compositional-recall" ? ", pairs: 4, vocab: 32"
                  : task == "selective-copying"                    ? ", tokens: 4"
                                                                   : "",
                  fmt::join(names, ", ")),
      "all.yaml");
}

TEST_CASE("determinism: the same bytes for any threads, jobs and order of cells") {
  std::mt19937 random(7);
  RunObserver silent;
  for (const TaskEntry& task : generated_tasks()) {
    CAPTURE(task.name);
    Experiment experiment = all_variants(std::string(task.name));
    const TemporaryFolder one;
    run_experiment(experiment, one.path(), {.jobs = 1, .threads = 1}, silent);
    const auto expected = result_files(one / "cells");
    REQUIRE(expected.size() >= 7 * experiment.cells.size());
    for (const auto& [at_once, of_each] :
         std::vector<std::pair<int, int>>{{1, 2}, {2, 1}, {1, 3}, {3, 3}, {1, 8}, {5, 2}}) {
      const int jobs = at_once;  // clang lets no lambda see a structured binding
      const int threads = of_each;
      CAPTURE(jobs);
      CAPTURE(threads);
      std::shuffle(experiment.cells.begin(), experiment.cells.end(), random);
      const TemporaryFolder other;
      run_experiment(experiment, other.path(), {.jobs = jobs, .threads = threads}, silent);
      CHECK(result_files(other / "cells") == expected);
    }
  }
}

}  // namespace
}  // namespace recollect
