// The nominal work of a model, counted once more: by loops over what is multiplied.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "math/fenwick.hpp"
#include "models/registry.hpp"
#include "models/sequence_model.hpp"
#include "tests/support/built_in.hpp"
#include "tests/support/model_options.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {
namespace {

struct Shape {
  std::int64_t tokens;
  std::int64_t scored;
  std::int64_t vocab;
};

/// Multiply-adds of a matrix that is applied to one vector.
std::int64_t apply(std::int64_t outputs, std::int64_t inputs) {
  std::int64_t count = 0;
  for (std::int64_t out = 0; out < outputs; ++out) count += inputs;
  return count;
}

/// What makes lambda of one token: one head's levels after another's.
std::int64_t lambda_work(const std::string& variant, const TestModel& model, std::int64_t levels) {
  if (variant == "fixed-decay" || variant == "gated-linear") return 0;
  std::int64_t count = apply(model.heads * levels, model.width);
  if (variant == "linear-decay") return count;
  for (std::int64_t head = 0; head < model.heads; ++head) {
    count += apply(model.lambda_hidden, levels) + apply(levels, model.lambda_hidden);
  }
  return count;
}

/// The core of one head where every token has an output: pairs inside a chunk one by one, and the
/// states between chunks as the levels beyond a chunk ask for them.
std::int64_t chunkwise_work(std::int64_t tokens, std::int64_t head_width, std::int64_t chunk,
                            bool one_state) {
  std::int64_t count = 0;
  for (std::int64_t t = 0; t < tokens; ++t) {
    std::set<int> levels_read;
    for (std::int64_t s = 0; s <= t; ++s) {
      if (s / chunk == t / chunk) {
        count += 2 * head_width;  // q . k, then its multiple of v
      } else {
        levels_read.insert(one_state ? 0 : level(t, s));
      }
    }
    for (std::size_t state = 0; state < levels_read.size(); ++state) {
      count += apply(head_width, head_width);
    }
    const bool in_last_chunk = t / chunk == (tokens - 1) / chunk;
    if (!in_last_chunk) count += apply(head_width, head_width);  // k v^T, for the chunks to come
  }
  return count;
}

/// @param dense  whether the last layer's core runs at the scored positions alone
std::int64_t counted(const std::string& variant, const TestModel& model, const Shape& shape,
                     bool dense) {
  const bool softmax = variant == "full-quadratic";
  const std::int64_t head_width = model.width / model.heads;
  std::int64_t count = 0;
  for (std::int64_t layer = 0; layer < model.layers; ++layer) {
    const bool last = layer + 1 == model.layers;
    const std::int64_t rows = last ? shape.scored : shape.tokens;
    const std::int64_t core_rows = last && (dense || softmax) ? shape.scored : shape.tokens;
    for (std::int64_t t = 0; t < shape.tokens; ++t) {
      count += model.width * model.short_conv;       // a tap a column
      count += 2 * apply(model.width, model.width);  // k and v
      if (!softmax && model.gate == Gate::kInput) count += apply(model.heads, model.width);
    }
    for (std::int64_t r = 0; r < core_rows; ++r) {
      count += apply(model.width, model.width);  // q
      if (!softmax) count += lambda_work(variant, model, level_count(shape.tokens));
    }
    for (std::int64_t head = 0; head < model.heads; ++head) {
      if (softmax && !last) {
        for (std::int64_t t = 0; t < shape.tokens; ++t) count += (t + 1) * 2 * head_width;
      } else if (core_rows == shape.scored && last) {
        for (std::int64_t r = 0; r < shape.scored; ++r) count += shape.tokens * 2 * head_width;
      } else {
        count += chunkwise_work(shape.tokens, head_width, model.chunk, variant == "gated-linear");
      }
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      count += apply(model.width, model.width);  // output projection
      count += apply(model.mlp * model.width, model.width);
      count += apply(model.width, model.mlp * model.width);
      if (model.mlp_kind == MlpKind::kSwiglu) count += apply(model.mlp * model.width, model.width);
    }
  }
  for (std::int64_t r = 0; r < shape.scored; ++r) count += apply(shape.vocab, model.width);
  return count;
}

void expect_counted(const std::string& variant, const TestModel& model, const Shape& shape,
                    bool dense) {
  CAPTURE(variant);
  CAPTURE(describe(model, variant));
  CAPTURE(shape.tokens);
  CAPTURE(shape.scored);
  const SequenceModel<float> built =
      test_model<float>(model, variant, shape.vocab, shape.tokens, level_count(shape.tokens));
  CHECK(built.cost({shape.tokens, shape.scored}).multiply_adds ==
        static_cast<double>(counted(variant, model, shape, dense)));
}

/// Whether options stand around the core, which the tape counts by itself.
bool runs_on_tape(const TestModel& model) {
  static const std::vector<std::string> kAround = {
      "update", "beta_max", "qk_norm",   "qkv_conv",    "value_scale",
      "skip",   "output",   "key_width", "value_width", "window"};
  return std::any_of(model.others.begin(), model.others.end(), [](const auto& option) {
    return std::find(kAround.begin(), kAround.end(), option.first) != kAround.end();
  });
}

TEST_CASE("nominal work: loops count the same for every variant and option") {
  TestModel plain;
  plain.width = 8;
  plain.chunk = 8;
  plain.lambda_hidden = 5;
  for (const MixerEntry& entry : built_in_mixers()) {
    for (const TestModel& model : all_options(entry, plain)) {
      if (runs_on_tape(model)) continue;
      for (const std::int64_t tokens : {1, 7, 8, 64, 93}) {  // part of a chunk, whole ones, both
        expect_counted(std::string(entry.name), model, {tokens, 1, 10}, true);
      }
    }
  }
}

TEST_CASE("nominal work: loops count the same where the last layer runs everywhere") {
  TestModel model;
  model.width = 8;
  model.chunk = 8;
  for (const MixerEntry& entry : built_in_mixers()) {
    expect_counted(std::string(entry.name), model, {93, 40, 10}, false);
  }
}

TEST_CASE("nominal work: loops count the same for the headline case and its options") {
  const Shape shape{256, 8, 128};
  for (const MixerEntry& entry : built_in_mixers()) {
    expect_counted(std::string(entry.name), TestModel{}, shape, true);
  }
  TestModel model;
  model.short_conv = 4;
  expect_counted("adaptive-decay", model, shape, true);
  model.mlp = 4;
  expect_counted("adaptive-decay", model, shape, true);
  model.heads = 4;
  expect_counted("adaptive-decay", model, shape, true);
  model.width = 256;
  expect_counted("adaptive-decay", model, shape, true);
}

}  // namespace
}  // namespace recollect
