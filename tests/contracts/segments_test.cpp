// A sequence that takes several segments through the whole model, against one segment, densely.
#include <doctest/doctest.h>

#include <vector>

#include "math/fenwick.hpp"
#include "models/sequence_model.hpp"
#include "tests/contracts/expect_contract.hpp"
#include "tests/contracts/random_model.hpp"
#include "tests/support/random_numbers.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {
namespace {

constexpr std::int64_t kVocab = 11;

TEST_CASE("segments: several give what one dense one gives, for every variant and option") {
  expect_contract("model segments");
}

TEST_CASE("segments: a chunk that a variant has no use for changes no bit") {
  const TestExample example(1100, kVocab);
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
  expect_contract("stream");
}

TEST_CASE("segments: a stream's memory grows like the number of levels") {
  expect_contract("stream memory");
}

}  // namespace
}  // namespace recollect
