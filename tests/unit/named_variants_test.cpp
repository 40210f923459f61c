// Variants that become one another where an option makes no difference.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "math/rng.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {
namespace {

constexpr std::int64_t kVocab = 24;
constexpr std::int64_t kTokens = 150;

/// Logits and gradient of a freshly initialised model on one sequence, all tokens scored.
struct Pass {
  std::vector<double> logits;
  std::vector<double> gradient;
  ParameterLayout layout;
};

Pass pass_of(const TestModel& settings, const std::string& variant) {
  SequenceModel<double> model =
      test_model<double>(settings, variant, kVocab, kTokens, level_count(kTokens));
  model.initialise(4);
  model.begin_step({kTokens});
  std::vector<std::int32_t> ids, positions, labels;
  Rng rng(3, Stream::kTest, 0);
  for (std::int32_t t = 0; t < kTokens; ++t) {
    ids.push_back(rng.between(0, kVocab - 1));
    positions.push_back(t);
    labels.push_back(rng.between(0, kVocab - 1));
  }
  Workspace<double> workspace;
  Pass pass;
  pass.logits.resize(static_cast<std::size_t>(kTokens * kVocab));
  (void)model.forward({ids, positions, labels}, workspace,
                      view(pass.logits.data(), kTokens, kVocab));
  pass.gradient.resize(model.gradient_size());
  (void)model.forward_backward({ids, positions, labels}, 1.0, workspace, pass.gradient);
  pass.layout = model.layout();
  return pass;
}

/// Logits, and the gradients of the tensors that both have.
void check_same(const Pass& a, const Pass& b) {
  double worst = 0.0;
  for (std::size_t i = 0; i < a.logits.size(); ++i) {
    worst = std::max(worst, std::abs(a.logits[i] - b.logits[i]));
  }
  CHECK(worst < 1e-12);
  int shared = 0;
  for (const ParameterInfo& info : a.layout.all()) {
    const ParameterInfo* other = b.layout.find(info.name);
    if (other == nullptr) continue;
    CAPTURE(info.name);
    ++shared;
    for (Index i = 0; i < info.tensor.size(); ++i) {
      const double left = a.gradient[static_cast<std::size_t>(info.tensor.offset + i)];
      const double right = b.gradient[static_cast<std::size_t>(other->tensor.offset + i)];
      REQUIRE(std::abs(left - right) < 1e-10);
    }
  }
  CHECK(shared > 10);
}

}  // namespace

TEST_CASE("named variants: with lambda at 1, adaptive-mamba-2 is mamba-2") {
  for (const std::int64_t heads : {1, 2}) {
    TestModel settings;
    settings.width = 8;
    settings.heads = heads;
    const Pass one_state = pass_of(settings, "mamba-2");
    settings.init = Init::kIdentity;
    check_same(one_state, pass_of(settings, "adaptive-mamba-2"));
  }
}

TEST_CASE("named variants: without decay and with lambda at 1, adaptive-deltanet is deltanet") {
  TestModel settings;
  settings.width = 8;
  settings.gate = Gate::kNone;
  const Pass deltanet = pass_of(settings, "deltanet");
  settings.init = Init::kIdentity;
  settings.others = {{"output", static_cast<std::int64_t>(CoreOutput::kRms)}};
  check_same(deltanet, pass_of(settings, "adaptive-deltanet"));
  // The gate is what tells them apart.
  settings.gate = Gate::kInput;
  const Pass gated = pass_of(settings, "adaptive-deltanet");
  CHECK(std::abs(gated.logits.back() - deltanet.logits.back()) > 1e-9);
}

TEST_CASE("named variants: adaptive-deltanet with lambda at 1 is gated-deltanet") {
  TestModel settings;
  settings.width = 8;
  settings.heads = 2;
  const Pass gated = pass_of(settings, "gated-deltanet");
  settings.init = Init::kIdentity;
  check_same(gated, pass_of(settings, "adaptive-deltanet"));
}

}  // namespace recollect
