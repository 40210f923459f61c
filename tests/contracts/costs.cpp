// Memory, threads and allocations.
#include <fmt/format.h>

#include <algorithm>

#include "tests/contracts/contracts.hpp"
#include "tests/contracts/random_model.hpp"
#include "tests/support/allocation_counter.hpp"
#include "tests/support/mixer_fixture.hpp"
#include "tests/support/model_options.hpp"

namespace recollect {
namespace {

struct Shape {
  std::int64_t tokens;
  std::int64_t scored;
};

void check_workspace_of(Checks& checks, const TestModel& settings, const Shape& shape) {
  SequenceModel<float> model =
      random_model<float>(settings, checks.variant(), 128, shape.tokens, 5, 0.1);
  const std::vector<std::int32_t> ids(static_cast<std::size_t>(shape.tokens), 1);
  std::vector<std::int32_t> positions;
  for (std::int64_t r = 0; r < shape.scored; ++r) {
    positions.push_back(static_cast<std::int32_t>(2 * r));
  }
  const std::vector<std::int32_t> labels(positions.size(), 2);
  std::size_t most = 0;
  for (const std::int64_t tokens_of_step : {std::int64_t{0}, 64 * shape.tokens}) {
    std::vector<float> gradient(model.gradient_size(tokens_of_step));
    use_tensors<float>(model.layout(), model.parameters().data(), gradient.data());
    model.begin_step({shape.tokens, tokens_of_step});
    Workspace<float> workspace;
    (void)model.forward_backward({ids, positions, labels}, 1.0F, workspace, gradient);
    most = std::max(most, workspace.peak_bytes());
  }
  const Cost cost = model.cost({shape.tokens, shape.scored, true});
  const double ratio = 4.0 * static_cast<double>(workspace_bound(cost)) / static_cast<double>(most);
  checks.that(
      ratio >= 1.0 && ratio <= 1.5,
      fmt::format("cost() bounds the workspace by {} bytes, {:.3f} times the {} that are used; "
                  "1 to 1.5 is right\n  look at carry, tape and scratch of cost()",
                  4 * workspace_bound(cost), ratio, most));
}

}  // namespace

void check_workspace(Checks& checks) {
  // Rich ones hide what pre-norm alone takes.
  enum class Options { kPlain, kPreNorm, kRich, kSwiglu };
  for (const Shape shape : {Shape{64, 8}, Shape{1000, 8}, Shape{512, 250}}) {
    for (const Options options :
         {Options::kPlain, Options::kPreNorm, Options::kRich, Options::kSwiglu}) {
      TestModel settings;
      if (options != Options::kPlain) settings.norm = Norm::kPre;
      if (options == Options::kRich) {
        settings.heads = 2;
        settings.short_conv = 4;
        settings.mlp = 2;
      }
      if (options == Options::kSwiglu) {
        settings.norm_kind = NormKind::kRms;
        settings.mlp = 3;
        settings.mlp_kind = MlpKind::kSwiglu;
        settings.tied_head = true;
      }
      checks.with(settings, TestModel{},
                  fmt::format("{} tokens, {} scored", shape.tokens, shape.scored));
      check_workspace_of(checks, settings, shape);
    }
  }
}

void check_state(Checks& checks) {
  TestModel settings;
  settings.width = 12;
  settings.heads = 3;
  TestModel long_convolution = settings;  // its rows still come in where states go
  long_convolution.others = {{"qkv_conv", 64}};
  for (const TestModel& each : {settings, long_convolution}) {
    checks.with(each, TestModel{});
    const MixerFixture<double> fixture(checks.entry(), each, 4);
    checks.that(fixture.mixer->cost({0, 0}).state == 0, "cost({0, 0}).state is not 0");
    std::int64_t peak = 0;
    for (std::int64_t tokens = 1; tokens <= 600; ++tokens) {
      const Cost cost = fixture.mixer->cost({tokens, tokens});
      peak = std::max(peak, cost.state);
      checks.that(cost.state > 0, fmt::format("cost() declares no state after {} tokens", tokens));
      checks.that(cost.state_peak == peak,
                  fmt::format("cost().state_peak is {} after {} tokens; the largest state is {}",
                              cost.state_peak, tokens, peak));
    }
  }
}

void check_allocation(Checks& checks) {
  if (!testing::counts_allocations()) return;
  constexpr std::int64_t kTokens = 100;
  constexpr std::int64_t kVocab = 20;
  const TestExample example(kTokens, kVocab);
  TestModel plain;
  plain.width = 16;
  std::vector<TestModel> all = all_options(checks.entry(), plain);
  all.emplace_back(plain).width = 6;
  all.emplace_back(plain).chunk = 16;
  for (const TestModel& settings : all) {
    for (const std::int64_t tokens_of_step : {std::int64_t{0}, 1000 * kTokens}) {
      checks.with(settings, plain, tokens_of_step == 0 ? "no table" : "first layer by table");
      SequenceModel<float> model =
          random_model<float>(settings, checks.variant(), kVocab, kTokens, 5, 0.1);
      std::vector<float> gradient(model.gradient_size(tokens_of_step), 0.0F);
      use_tensors<float>(model.layout(), model.parameters().data(), gradient.data());
      Workspace<float> workspace;
      std::uint64_t before = 0;
      for (int step = 1; step <= 4; ++step) {
        if (step == 3) before = testing::allocations();  // a workspace becomes one block in step 2
        model.begin_step({kTokens, tokens_of_step});
        (void)model.forward_backward(example.input(), 1.0F, workspace, gradient);
        model.end_step(gradient);
      }
      const std::uint64_t blocks = testing::allocations() - before;
      checks.that(
          blocks == 0,
          fmt::format("steps 3 and 4 allocate {} blocks on the heap\n  look for a vector, a "
                      "string or an Eigen product; memory comes from the workspace",
                      blocks));
    }
  }
}

void check_threads(Checks& checks) {
  constexpr std::int64_t kTokens = 300;
  constexpr std::int64_t kVocab = 19;
  const TestExample example(kTokens, kVocab);
  TestModel plain;
  plain.width = 24;
  plain.heads = 2;
  for (const TestModel& settings : all_options(checks.entry(), plain)) {
    std::vector<float> first;
    for (const int threads : {1, 2, 3}) {
      checks.with(settings, plain, fmt::format("{} threads", threads));
      SequenceModel<float> model =
          random_model<float>(settings, checks.variant(), kVocab, kTokens, 5, 0.1);
      const std::int64_t tokens_of_step = 1000 * kTokens;
      std::vector<float> gradient(model.gradient_size(tokens_of_step), 0.0F);
      use_tensors<float>(model.layout(), model.parameters().data(), gradient.data());
      model.begin_step({kTokens, tokens_of_step, threads});
      Workspace<float> workspace;
      (void)model.forward_backward(example.input(), 1.0F, workspace, gradient);
      model.end_step(gradient, threads);
      if (threads == 1) first = gradient;
      for (const ParameterInfo& info : model.layout().all()) {
        const auto expected = info.tensor.elements(first.data());
        const auto actual = info.tensor.elements(gradient.data());
        const auto [at, unused] =
            std::mismatch(actual.begin(), actual.end(), expected.begin(), expected.end());
        const Index index = at - actual.begin();
        checks.that(
            at == actual.end(),
            fmt::format("gradient of {} [{}, {}] has other bits than with one thread\n  look at "
                        "begin_step() and end_step(): which thread adds what, in which order",
                        info.name, index / info.tensor.cols, index % info.tensor.cols));
      }
    }
  }
}

}  // namespace recollect
