// Slow: real training of real size. Run by `make test-all`.
#include <doctest/doctest.h>

#include <vector>

#include "harness/config/load.hpp"
#include "harness/train/trainer.hpp"
#include "math/parallel.hpp"

namespace recollect {
namespace {

TEST_CASE("learning: adaptive-decay solves MQAR at T 64, K 8 in at least 4 of 5 seeds") {
  const Experiment experiment = parse_experiment(
      "task: {name: mqar, layout: packed, filler: random, length: 64, pairs: 8}\n"
      "variants: [adaptive-decay]\n"
      "train: {examples: 10000, batch: 64, learning_rate: 1.0e-3, steps: 4000, stop_at: 0.99}\n"
      "seeds: [0, 1, 2, 3, 4]\n",
      "learning.yaml");
  REQUIRE(experiment.cells.size() == 5);
  int solved = 0;
  int early = 0;
  for (const Cell& cell : experiment.cells) {
    TrainObserver silent;
    const TrainResult result = train(cell, available_cores(), silent);
    MESSAGE("seed ", cell.seed, ": solved at step ", result.solved_step.value_or(-1));
    if (!result.solved_step) continue;
    ++solved;
    early += *result.solved_step < 2000 ? 1 : 0;
  }
  CHECK(solved >= 4);
  CHECK(early >= 3);
}

}  // namespace
}  // namespace recollect
