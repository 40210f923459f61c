#include "tests/contracts/learning.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "math/rng.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {
namespace {

constexpr std::int32_t kPairs = 4;
constexpr std::int32_t kKeys = 8;  // ids 0..7; values are 8..15
constexpr std::int64_t kVocab = 16;
constexpr std::int64_t kTokens = 2 * kPairs + 1;

/// k v k v k v k v k: the last key asks for its value.
struct Recall {
  std::vector<std::int32_t> ids;
  std::array<std::int32_t, 1> position = {kTokens - 1};
  std::array<std::int32_t, 1> label = {};

  explicit Recall(std::uint64_t index) {
    Rng rng(2, Stream::kTest, index);
    std::vector<std::int32_t> keys;
    for (std::int32_t key = 0; key < kKeys; ++key) keys.push_back(key);
    for (std::int32_t i = 0; i < kPairs; ++i) {
      const std::int32_t chosen = rng.between(i, kKeys - 1);
      std::swap(keys[static_cast<std::size_t>(i)], keys[static_cast<std::size_t>(chosen)]);
      ids.push_back(keys[static_cast<std::size_t>(i)]);
      ids.push_back(kKeys + rng.between(0, kKeys - 1));
    }
    const std::int32_t asked = rng.between(0, kPairs - 1);
    ids.push_back(ids[static_cast<std::size_t>(2 * asked)]);
    label[0] = ids[static_cast<std::size_t>(2 * asked + 1)];
  }
  [[nodiscard]] SequenceInput input() const { return {ids, position, label}; }
};

}  // namespace

double accuracy_after_training(const std::string& variant) {
  TestModel settings;
  settings.width = 32;
  settings.heads = 2;
  settings.short_conv = 4;
  SequenceModel<float> model =
      test_model<float>(settings, variant, kVocab, kTokens, level_count(kTokens));
  model.initialise(1);
  constexpr int kSteps = 1500;
  constexpr int kBatch = 32;
  const std::size_t size = model.parameters().size();
  std::vector<float> gradient(size), mean(size, 0.0F), square(size, 0.0F);
  Workspace<float> workspace;
  std::uint64_t index = 0;
  for (int step = 1; step <= kSteps; ++step) {
    model.begin_step({kTokens});
    std::fill(gradient.begin(), gradient.end(), 0.0F);
    for (int i = 0; i < kBatch; ++i) {
      const Recall example(index++);
      (void)model.forward_backward(example.input(), 1.0F / kBatch, workspace, gradient);
    }
    model.end_step(gradient);
    const double corrected =
        3e-3 * std::sqrt(1.0 - std::pow(0.999, step)) / (1.0 - std::pow(0.9, step));
    for (std::size_t i = 0; i < size; ++i) {
      mean[i] += 0.1F * (gradient[i] - mean[i]);
      square[i] += 0.001F * (gradient[i] * gradient[i] - square[i]);
      model.parameters()[i] -=
          static_cast<float>(corrected) * mean[i] / (std::sqrt(square[i]) + 1e-8F);
    }
  }
  model.begin_step({kTokens});
  constexpr int kScored = 500;
  std::int64_t correct = 0;
  std::array<std::int32_t, 1> answer = {};
  for (int i = 0; i < kScored; ++i) {
    const Recall example(index++);
    correct += model.score(example.input(), workspace, answer).correct;
  }
  return static_cast<double>(correct) / kScored;
}

}  // namespace recollect
