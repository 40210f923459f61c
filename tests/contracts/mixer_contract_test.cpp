// What every variant must do, looped over the registry.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "models/sequence_model.hpp"
#include "tests/contracts/expect_contract.hpp"
#include "tests/support/built_in.hpp"
#include "tests/support/mixer_fixture.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {
namespace {

TEST_CASE("mixers: registered with one name, options that survive a copy, tensors of their own") {
  expect_contract("registered");
  expect_contract("tensors");
}

TEST_CASE("mixers: nothing is read or written beyond a tensor, an output or a gradient") {
  expect_contract("shapes");
}

TEST_CASE("mixers: causal, changing a token changes no output before it, in every form") {
  expect_contract("causal");
}

TEST_CASE("model: causal with every option, and shorter sequences are prefixes") {
  expect_contract("prefixes");
}

TEST_CASE("mixers: the state that they declare is one of decoding, the peak its largest") {
  expect_contract("state");
}

TEST_CASE("mixers: state size is one d x d state a head and level, or the key-value cache") {
  TestModel settings;
  settings.width = 12;
  settings.heads = 3;
  for (const MixerEntry& entry : built_in_mixers()) {
    CAPTURE(entry.name);
    const MixerFixture<double> fixture(entry, settings, 4);
    std::int64_t peak = 0;
    for (std::int64_t tokens = 1; tokens <= 600; ++tokens) {
      CAPTURE(tokens);
      std::int64_t expected = std::int64_t{3} * 4 * 4;
      if (entry.settings()->has_levels()) {
        // Non-empty levels by the definition: the distinct levels at which the last token sees
        // others.
        std::vector<int> seen;
        for (std::int64_t s = 0; s < tokens; ++s) seen.push_back(level(tokens - 1, s));
        std::sort(seen.begin(), seen.end());
        expected *= std::unique(seen.begin(), seen.end()) - seen.begin();
      } else if (entry.name == "full-quadratic") {
        expected = 2 * tokens * 12;
      }
      REQUIRE(fixture.mixer->cost({tokens, tokens}).state == expected);
      peak = std::max(peak, expected);
      REQUIRE(fixture.mixer->cost({tokens, tokens}).state_peak == peak);
    }
    CHECK(fixture.mixer->cost({0, 0}).state == 0);
  }
}

TEST_CASE("model: state size adds layers and what a convolution remembers") {
  TestModel settings;
  settings.width = 8;
  settings.layers = 3;
  settings.short_conv = 4;
  const SequenceModel<float> model = test_model<float>(settings, "gated-linear", 10, 16, 5);
  CHECK(model.cost({100, 100}).state == 3 * (8 * 8 + 3 * 8));
  CHECK(model.cost({2, 2}).state == 3 * (8 * 8 + 2 * 8));
  CHECK(model.cost({2, 2}).state_peak == 3 * (8 * 8 + 2 * 8));
}

TEST_CASE("mixers: names are unique, found, and unknown ones are not") {
  const std::vector<std::string> names = mixers().names();
  std::vector<std::string> built_in;
  for (const std::string& name : names) {
    REQUIRE(mixers().find(name) != nullptr);
    CHECK(mixers().find(name)->name == name);
    CHECK(std::count(names.begin(), names.end(), name) == 1);
    if (is_built_in(name)) built_in.push_back(name);
  }
  CHECK(built_in == kBuiltIn);
  CHECK(mixers().find("adaptive") == nullptr);
  const std::string message =
      fmt::format("unknown variant 'adaptive'; known: {}", fmt::join(names, ", "));
  CHECK_THROWS_WITH((void)test_model<float>(TestModel{}, "adaptive", 10, 16, 5), message.c_str());
}

TEST_CASE("model: a workspace takes no more than its bound, which is within 1.5") {
  expect_contract("workspace");
}

TEST_CASE("model: nominal work of the headline case, in GFLOP a step") {
  // Batch 64, width 64, 2 layers, vocabulary 128, 8 scored positions, adaptive-decay; a step is
  // three forward passes. The count is in docs/model.md.
  const std::vector<std::pair<std::int64_t, double>> expected = {
      {64, 0.8220}, {128, 1.8009}, {256, 3.8683}, {1024, 17.3709}};
  for (const auto& [length, gflop] : expected) {
    const std::int64_t tokens = length;  // clang 14 cannot capture a structured binding
    CAPTURE(tokens);
    const SequenceModel<float> model =
        test_model<float>(TestModel{}, "adaptive-decay", 128, tokens, level_count(tokens));
    const double count = 2.0 * 3.0 * 64.0 * model.cost({tokens, 8}).multiply_adds * 1e-9;
    CHECK(count == doctest::Approx(gflop).epsilon(1e-4));
  }
}

}  // namespace
}  // namespace recollect
