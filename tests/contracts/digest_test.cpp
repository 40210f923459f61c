// Fifty steps of training and a scoring, reduced to one number each. The numbers are pinned: every
// compiler, every vector length and every processor with fused multiply-adds has to arrive at them.
// They change with kNumericsVersion and a line in CHANGELOG.md, and with nothing else.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <span>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "harness/config/load.hpp"
#include "harness/store/record.hpp"
#include "harness/train/scorer.hpp"
#include "harness/train/trainer.hpp"

namespace recollect {
namespace {

struct Pinned {
  const char* what;
  const char* variant;  ///< in YAML, options of its own included
  const char* task;
  const char* train;  ///< in YAML, what differs from the settings that all have in common
  const char* digest;
};

constexpr const char* kMqar = "{name: mqar, length: 64, pairs: 8}";
constexpr const char* kPowerLaw =
    "{name: mqar, layout: power-law, filler: clean, length: 75, pairs: 5, offset: 1}";
constexpr const char* kCopying =
    "{name: selective-copying, dialect: adaptive, length: 64, tokens: 8}";
constexpr const char* kFixedSet = "examples: 200";

const Pinned kPinned[] = {
    {"fixed-decay", "fixed-decay", kMqar, kFixedSet, "7a1c92ef682698ac"},
    {"linear-decay", "linear-decay", kMqar, kFixedSet, "5b5f5c5869304113"},
    {"adaptive-decay", "adaptive-decay", kMqar, kFixedSet, "08dc4f40cb375d23"},
    {"softmax-level", "softmax-level", kMqar, kFixedSet, "6d4ea6231ff85fb8"},
    {"gated-linear", "gated-linear", kMqar, kFixedSet, "528515caa56fc2e9"},
    {"fixed-decay by row", "{name: fixed-decay, first_layer: rows}", kMqar, kFixedSet,
     "2d46151f06fab60b"},
    {"linear-decay by row", "{name: linear-decay, first_layer: rows}", kMqar, kFixedSet,
     "663849fccc0a2e89"},
    {"adaptive-decay by row", "{name: adaptive-decay, first_layer: rows}", kMqar, kFixedSet,
     "3ff340a49acd10a6"},
    {"softmax-level by row", "{name: softmax-level, first_layer: rows}", kMqar, kFixedSet,
     "392c96def958324d"},
    {"gated-linear by row", "{name: gated-linear, first_layer: rows}", kMqar, kFixedSet,
     "e15965cd2088dec0"},
    {"full-quadratic", "full-quadratic", kMqar, kFixedSet, "0e95ccb4f88afa62"},
    {"convolution, odd length", "{name: adaptive-decay, short_conv: 4, chunk: 16}", kPowerLaw,
     kFixedSet, "ffc61a772a39fe16"},
    {"heads, rotary positions", "{name: linear-decay, heads: 4, position: rope}", kCopying,
     "examples: 200, schedule: cosine, warmup: 5, weight_decay: 0.1", "464bacf5e2d1a748"},
    {"MLP, pre-norm", "{name: softmax-level, heads: 2, mlp: 2, norm: pre, width: 40}", kMqar,
     "examples: online", "8ce1451d63ad841d"},
    {"learned positions, convolution", "{name: full-quadratic, position: learned, short_conv: 3}",
     kCopying, "examples: 200, clip: 0", "0f45e4231495d384"},
    {"constant gate", "{name: fixed-decay, gate: constant, init: identity, width: 24}", kPowerLaw,
     kFixedSet, "69bfa9550fbf76aa"},
    {"deltanet", "deltanet", kMqar, kFixedSet, "7600cf66c8389536"},
    {"gated-deltanet", "gated-deltanet", kMqar, kFixedSet, "ba4ffcd8add71466"},
    {"log-linear-deltanet", "log-linear-deltanet", kMqar, kFixedSet, "dd4aa5e9924cec7f"},
    {"adaptive-deltanet", "adaptive-deltanet", kMqar, kFixedSet, "b2b84494500c9619"},
    {"mamba-2", "mamba-2", kMqar, kFixedSet, "1c109d97ff3be56a"},
    {"log-linear-mamba-2", "log-linear-mamba-2", kMqar, kFixedSet, "1a343d0e3db9759e"},
    {"adaptive-mamba-2", "adaptive-mamba-2", kMqar, kFixedSet, "36416cfda07ec885"},
    {"gla", "gla", kMqar, kFixedSet, "ef0660f99e44309b"},
    {"gated-convolution", "gated-convolution", kMqar, kFixedSet, "70f19e12c35471f4"},
    {"sliding-window", "{name: sliding-window, window: 24}", kMqar, kFixedSet, "e2b97c417cb110bf"},
    {"softmax attention on the tape",
     "{name: full-quadratic, qkv_conv: 4, qk_norm: l2, output: rms-gate, position: rope}", kMqar,
     kFixedSet, "b3995726927a8985"},
    {"a pattern, RMS norms, SwiGLU, a tied head, dropout",
     "{name: adaptive-mamba-2, pattern: [gated-convolution, variant], norm: pre, norm_kind: rms, "
     "mlp: 2, mlp_kind: swiglu, tied_head: true, embedding_dropout: 0.1, init: uniform, A_init: "
     "[1, 16]}",
     kMqar, kFixedSet, "c6a23300f01debf2"},
    {"delta rule, odd widths",
     "{name: fixed-decay, update: delta, qk_norm: l2, heads: 2, "
     "key_width: 12, value_width: 20, beta_max: 2}",
     kPowerLaw, kFixedSet, "1336752369c7a7db"},
};

std::span<const std::byte> bytes_of(std::span<const float> numbers) {
  return std::as_bytes(numbers);
}

std::string digest(const Pinned& pinned) {
  const std::string text = fmt::format(
      "task: {}\nvariants: [{}]\n"
      "train: {{validation_examples: 20, batch: 16, steps: 50, eval_every: 10, {}}}\nseed: 7\n",
      pinned.task, pinned.variant, pinned.train);
  const Experiment experiment = parse_experiment(text, "digest.yaml", {});
  const Cell& cell = experiment.cells.front();
  TrainObserver nobody;
  const TrainResult result = train(cell, 2, nobody);
  REQUIRE(result.diverged.empty());
  REQUIRE(result.steps == 50);
  std::string all = to_csv(to_table(history_columns(), result.history));
  all += hex(hash_bytes(bytes_of(result.final_weights)));
  all += hex(hash_bytes(bytes_of(result.best_weights)));

  SequenceModel<float> model = build_model(cell);
  std::copy(result.final_weights.begin(), result.final_weights.end(), model.parameters().begin());
  const bool fits = cell.variant.model.position != Position::kLearned;
  for (const std::int64_t length : {cell.task->length, 2 * cell.task->length + 3}) {
    if (length != cell.task->length && !fits) continue;
    const Score score = recollect::score(model, cell, Split::kTest, length, 20, 2, true);
    all += fmt::format("{} {} {}\n", score.accuracy, score.loss, score.exact_match);
  }
  return hex(hash_text(all));
}

TEST_CASE("digest: fifty steps of every variant give the pinned bytes") {
#if defined(__x86_64__) && !defined(__FMA__)
  MESSAGE("skipped: built without fused multiply-adds, which round once where others round twice");
  return;
#endif
  for (const Pinned& pinned : kPinned) {
    CAPTURE(pinned.what);
    CHECK(digest(pinned) == pinned.digest);
  }
}

}  // namespace
}  // namespace recollect
