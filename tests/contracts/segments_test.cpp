// A sequence that takes several segments through the whole model, against one segment, densely.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "math/fenwick.hpp"
#include "models/registry.hpp"
#include "models/sequence_model.hpp"
#include "tests/support/model_options.hpp"
#include "tests/support/random_numbers.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {
namespace {

constexpr std::int64_t kVocab = 11;

struct Example {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> positions;
  std::vector<std::int32_t> labels;

  explicit Example(std::int64_t tokens) {
    for (std::int64_t t = 0; t < tokens; ++t) {
      ids.push_back(static_cast<std::int32_t>((t * t + 3 * t / 7) % kVocab));
    }
    for (const std::int64_t t : {std::int64_t{0}, tokens / 3, tokens / 2 + 1, tokens - 1}) {
      positions.push_back(static_cast<std::int32_t>(t));
      labels.push_back(static_cast<std::int32_t>(t % kVocab));
    }
  }
  [[nodiscard]] SequenceInput input() const { return {ids, positions, labels}; }
};

/// Every declared option, and other numbers of layers.
std::vector<TestModel> options_of(const MixerEntry& entry) {
  TestModel plain;
  plain.width = 8;
  plain.lambda_hidden = 6;
  std::vector<TestModel> all = all_options(entry, plain);
  for (const std::int64_t layers : {1, 3}) {
    TestModel other = plain;
    other.layers = layers;
    other.short_conv = 2;
    all.push_back(other);
  }
  return all;
}

struct Result {
  double loss;
  Matrix<double> logits;
  std::vector<double> gradient;
};

Result run(TestModel settings, const std::string& variant, const Example& example,
           std::int64_t tokens_of_step) {
  const auto tokens = static_cast<std::int64_t>(example.ids.size());
  SequenceModel<double> model =
      test_model<double>(settings, variant, kVocab, tokens, level_count(tokens));
  fill_normal<double>(5, 0.3, model.parameters());
  model.begin_step({tokens, tokens_of_step});
  Workspace<double> workspace;
  Result result{0.0, Matrix<double>(4, kVocab),
                std::vector<double>(model.gradient_size(tokens_of_step), 0.0)};
  (void)model.forward(example.input(), workspace, view_of(result.logits));
  result.loss = model.forward_backward(example.input(), 1.0, workspace, result.gradient).loss;
  model.end_step(result.gradient);
  result.gradient.resize(model.parameters().size());
  return result;
}

double distance(const double* a, const double* b, std::size_t count) {
  double scale = 1.0;
  double most = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    scale = std::max(scale, std::abs(a[i]));
    const double here = std::abs(a[i] - b[i]);
    if (!(here <= most)) most = here;  // a NaN stays
  }
  return most / scale;
}

TEST_CASE("segments: several give what one dense one gives, for every variant and option") {
  for (const MixerEntry& entry : mixers()) {
    for (TestModel settings : options_of(entry)) {
      for (const std::int64_t tokens : {257, 258, 600}) {
        CAPTURE(entry.name);
        CAPTURE(describe(settings, entry.name));
        CAPTURE(tokens);
        const Example example(tokens);
        const std::string variant(entry.name);
        settings.form = Form::kDense;
        settings.shortcuts = false;
        const Result expected = run(settings, variant, example, 0);
        settings.form = Form::kFastest;
        settings.shortcuts = true;
        // Without a table, with one by row, and with one by id.
        for (const std::int64_t tokens_of_step : {std::int64_t{0}, 3 * kVocab, 100 * tokens}) {
          CAPTURE(tokens_of_step);
          const Result actual = run(settings, variant, example, tokens_of_step);
          CHECK(std::abs(actual.loss - expected.loss) <= 1e-9 * expected.loss);
          CHECK(distance(expected.logits.data(), actual.logits.data(), 4 * kVocab) <= 1e-9);
          CHECK(distance(expected.gradient.data(), actual.gradient.data(),
                         expected.gradient.size()) <= 1e-9);
        }
      }
    }
  }
}

TEST_CASE("segments: a chunk that a variant has no use for changes no bit") {
  const Example example(1100);
  const auto gradient = [&](std::int64_t chunk) {
    TestModel settings;
    settings.width = 8;
    settings.chunk = chunk;
    SequenceModel<float> model =
        test_model<float>(settings, "full-quadratic", kVocab, 1100, level_count(1100));
    fill_normal<float>(5, 0.3, model.parameters());
    model.begin_step({1100});
    Workspace<float> workspace;
    std::vector<float> sums(model.gradient_size(), 0.0F);
    (void)model.forward_backward(example.input(), 1.0F, workspace, sums);
    return sums;
  };
  CHECK(gradient(64) == gradient(1024));
}

TEST_CASE("segments: a stream gives the logits of the whole sequence") {
  for (const MixerEntry& entry : mixers()) {
    for (TestModel settings : options_of(entry)) {
      CAPTURE(entry.name);
      CAPTURE(describe(settings, entry.name));
      const Example example(1100);
      SequenceModel<double> model =
          test_model<double>(settings, std::string(entry.name), kVocab, 1100, level_count(1100));
      fill_normal<double>(5, 0.3, model.parameters());
      for (const std::int64_t tokens : {0, 30, 1100}) {  // no table, by row, by id
        model.begin_step({1100, tokens});
        Workspace<double> workspace;
        Matrix<double> whole(4, kVocab);
        Matrix<double> streamed(4, kVocab);
        const auto expected = model.forward(example.input(), workspace, view_of(whole));
        const auto actual = model.stream(example.input(), workspace, view_of(streamed));
        CHECK(distance(whole.data(), streamed.data(), 4 * kVocab) <= 1e-10);
        CHECK(actual.correct == expected.correct);
      }
    }
  }
}

TEST_CASE("segments: a stream's memory grows like the number of levels") {
  for (const MixerEntry& entry : mixers()) {
    if (entry.name == "full-quadratic") continue;
    CAPTURE(entry.name);
    TestModel settings;
    settings.width = 16;
    const SequenceModel<float> shape =
        test_model<float>(settings, std::string(entry.name), kVocab, 64, 18);
    const auto bytes = [&](std::int64_t tokens) {
      SequenceModel<float> model =
          test_model<float>(settings, std::string(entry.name), kVocab, tokens, 18);
      model.begin_step({tokens});
      const Example example(tokens);
      Workspace<float> workspace;
      Matrix<float> logits(4, kVocab);
      (void)model.stream(example.input(), workspace, view_of(logits));
      return static_cast<std::int64_t>(workspace.peak_bytes()) -
             4 * tokens;  // the positions, four bytes each
    };
    const std::int64_t states = std::int64_t{2} * 16 * 16 * 4;  // of two layers, a level
    CHECK(bytes(65536) - bytes(1024) <= 8 * states);
  }
}

}  // namespace
}  // namespace recollect
