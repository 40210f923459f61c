// A task that is scored at every position, as a language model is: bytes, T 4096, R = T.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/train/batch_step.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/scorer.hpp"
#include "harness/train/trainer.hpp"
#include "models/registry.hpp"
#include "tests/support/built_in.hpp"
#include "tests/support/toy_tasks.hpp"

namespace recollect {
namespace {

using testing::BytesSettings;
using testing::toy_cell;

TEST_CASE("every position: bytes are trained for ten steps and scored, at 4096 tokens") {
  const Cell cell = toy_cell(std::make_shared<BytesSettings>(4096), "linear-decay",
                             "batch: 2, steps: 10, eval_every: 5, validation_examples: 2, "
                             "learning_rate: 0.01, metric: loss",
                             "width: 32, layers: 2");
  TrainObserver silent;
  const TrainResult result = train(cell, 2, silent);
  CHECK(result.steps == 10);
  REQUIRE(result.history.size() == 2);
  CHECK(result.history[0].loss < std::log(256.0) + 0.1);
  CHECK(result.history[1].loss < result.history[0].loss);
  CHECK(*result.history[1].validation_loss < *result.history[0].validation_loss);
  CHECK(result.best_step == 10);

  SequenceModel<float> model = build_model(cell);
  std::copy(result.best_weights.begin(), result.best_weights.end(), model.parameters().begin());
  const Score validation = score(model, cell, Split::kValidation, 4096, 2, 2, false);
  CHECK(validation.loss == *result.history[1].validation_loss);
  const Score test = score(model, cell, Split::kTest, 4096, 3, 2, true);
  CHECK(test.scored == 3 * 4096);
  CHECK(test.loss < std::log(256.0));
  CHECK(test.rules == std::vector<RuleAccuracy>{{"step", 4095.0 / 4096.0}});
  // Thirteen powers of two: 1, 2, ..., 2048, and 4096 for the last position alone.
  REQUIRE(test.slices.size() == 13);
  double correct = 0.0;
  for (const Slice& slice : test.slices) {
    correct += slice.accuracy * static_cast<double>(slice.scored);
    CHECK(slice.scored == 3 * (slice.value == 4096 ? 1 : slice.value));
  }
  CHECK(correct / static_cast<double>(test.scored) == doctest::Approx(test.accuracy));
}

/// Bytes that scoring one example holds, in the workspace and for its answers.
double scoring_bytes(const std::string& variant, std::int64_t length) {
  const Cell cell = toy_cell(std::make_shared<BytesSettings>(length), variant, "batch: 2, steps: 1",
                             "width: 32, layers: 2");
  SequenceModel<float> model = build_model(cell);
  std::vector<Lane<float>> lanes(1);
  (void)evaluate(model, *cell.task->make(), 0, Split::kTest, 1, lanes);
  return static_cast<double>(lanes[0].workspace.peak_bytes() +
                             lanes[0].logits.capacity() * sizeof(float));
}

TEST_CASE("every position: what scoring holds does not grow with the length of a sequence") {
  for (const MixerEntry& mixer : built_in_mixers()) {
    const std::string variant(mixer.name);
    if (variant == "full-quadratic") continue;  // it keeps every key and value, by definition
    CAPTURE(variant);
    const double shorter = scoring_bytes(variant, 4096);
    const double longer = scoring_bytes(variant, 16384);
    // Four bytes a token for its position; two more levels in two layers, of a state of 32 x 32 and
    // what goes with it. The activations of a token alone would be hundreds of bytes.
    const double tokens = 16384.0 - 4096.0;
    const double states = 2.0 * 2.0 * 32.0 * 32.0 * sizeof(float);
    CHECK(longer - shorter <= 4.0 * tokens + 4.0 * states);
    CHECK(shorter < 4.0 * 4096.0 + 4e6);
  }
}

}  // namespace
}  // namespace recollect
