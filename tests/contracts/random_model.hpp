#pragma once

#include "math/fenwick.hpp"
#include "tests/support/random_numbers.hpp"
#include "tests/support/tensor_names.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {

/// A model with random weights, for sequences of so many tokens.
template <class S>
[[nodiscard]] SequenceModel<S> random_model(const TestModel& settings, std::string_view variant,
                                            std::int64_t vocab, std::int64_t tokens,
                                            std::uint64_t seed, double scale) {
  SequenceModel<S> model = test_model<S>(settings, variant, vocab, tokens, level_count(tokens));
  fill_normal<S>(seed, scale, model.parameters());
  poison_gaps(model.layout(), model.parameters().data());
  return model;
}

/// A sequence of any length with four scored positions.
struct TestExample {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> positions;
  std::vector<std::int32_t> labels;

  TestExample(std::int64_t tokens, std::int64_t vocab) {
    for (std::int64_t t = 0; t < tokens; ++t) {
      ids.push_back(static_cast<std::int32_t>((t * t + 3 * t / 7) % vocab));
    }
    for (const std::int64_t t : {std::int64_t{0}, tokens / 3, tokens / 2 + 1, tokens - 1}) {
      positions.push_back(static_cast<std::int32_t>(t));
      labels.push_back(static_cast<std::int32_t>(t % vocab));
    }
  }
  [[nodiscard]] SequenceInput input() const { return {ids, positions, labels}; }
};

}  // namespace recollect
