#include <fmt/format.h>

#include "tests/contracts/contracts.hpp"
#include "tests/contracts/random_model.hpp"
#include "tests/support/mixer_fixture.hpp"
#include "tests/support/model_options.hpp"

namespace recollect {

void check_gradients(Checks& checks) {
  constexpr std::int64_t kTokens = 11;
  const std::vector<std::int32_t> ids = {1, 4, 0, 2, 2, 3, 1, 0, 4, 3, 2};
  const std::vector<std::int32_t> positions = {2, 5, 9, 10};
  const std::vector<std::int32_t> labels = {3, 0, 4, 1};
  const SequenceInput input{ids, positions, labels};
  for (TestModel settings : all_options(checks.entry(), small_model())) {
    for (const bool tabulate : {false, true}) {
      settings.form = tabulate ? Form::kFastest : Form::kChunkwise;
      checks.with(settings, small_model(),
                  tabulate ? "first layer by table" : "the chunkwise form");
      SequenceModel<double> model =
          random_model<double>(settings, checks.variant(), 5, kTokens, 4, 0.5);
      const std::int64_t tokens_of_step = tabulate ? 1000 : 0;
      std::vector<double> gradient(model.gradient_size(tokens_of_step), 0.0);
      use_tensors<double>(model.layout(), model.parameters().data(), gradient.data());
      model.begin_step({kTokens, tokens_of_step});
      Workspace<double> workspace;
      (void)model.forward_backward(input, 0.25, workspace, gradient);
      model.end_step(gradient);
      Matrix<double> logits(4, 5);
      const auto loss = [&] {
        model.begin_step({kTokens, tokens_of_step});
        return 0.25 * model.forward(input, workspace, view_of(logits)).loss;
      };
      // Backwards, as the gradient flows: the first that is wrong is the one next to the mistake.
      const auto& tensors = model.layout().all();
      for (auto info = tensors.rbegin(); info != tensors.rend(); ++info) {
        checks.gradient("gradient of " + info->name, info->tensor.in(model.parameters().data()),
                        info->tensor.in(gradient.data()), loss);
      }
    }
  }
}

void check_input_gradients(Checks& checks) {
  constexpr Index kTokens = 13;
  const std::vector<std::int32_t> some = {0, 4, 11};
  for (const TestModel& settings : all_options(checks.entry(), small_model())) {
    const MixerFixture<double> fixture(checks.entry(), settings, kTokens);
    for (const Queries& queries : {fixture.all(), Queries{some, false}}) {
      checks.with(settings, small_model(), queries.all ? "all tokens" : "few tokens");
      Matrix<double> u = normal_matrix<double>(5, kTokens, settings.width);
      const Matrix<double> w = normal_matrix<double>(6, queries.count(), settings.width);
      auto out = fixture.gradients(u, queries, w);
      checks.gradient("gradient of the input u", view_of(u), view_of(out.du),
                      [&] { return w.cwiseProduct(fixture.forward(u, queries)).sum(); });
    }
  }
}

}  // namespace recollect
