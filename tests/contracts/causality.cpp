#include <fmt/format.h>

#include "tests/contracts/contracts.hpp"
#include "tests/contracts/random_model.hpp"
#include "tests/support/mixer_fixture.hpp"
#include "tests/support/model_options.hpp"

namespace recollect {
namespace {

const char* text_of(Form form) {
  switch (form) {
    case Form::kFastest:
      return "the fastest form";
    case Form::kDense:
      return "the dense form";
    case Form::kChunkwise:
      return "the chunkwise form";
    case Form::kRecurrent:
      return "the recurrent form";
  }
  return "";
}

void check_changes(Checks& checks, const MixerFixture<double>& fixture, const TestModel& settings,
                   std::initializer_list<Index> places) {
  const Matrix<double> u = normal_matrix<double>(1, fixture.length, settings.width);
  const Matrix<double> y = fixture.forward(u, fixture.all());
  for (const Index changed : places) {
    Matrix<double> other = u;
    other.row(changed).setConstant(3.0);
    const Matrix<double> y_other = fixture.forward(other, fixture.all());
    const Compared compared{fmt::format("y, with u changed at token {}", changed),
                            "the sequence as it was", "the changed one",
                            "what forward() reads beyond row t of u for row t of y"};
    checks.same(rows(view_of(y), 0, changed), rows(read_of(y_other), 0, changed), compared);
    checks.that(y.row(changed) != y_other.row(changed),
                fmt::format("y [{}] does not depend on its own token", changed));
  }
}

}  // namespace

void check_causal(Checks& checks) {
  TestModel plain;
  plain.width = 4;
  plain.heads = 2;
  plain.chunk = 16;
  for (const Form form : {Form::kFastest, Form::kDense, Form::kChunkwise, Form::kRecurrent}) {
    for (const Position position : {Position::kNone, Position::kRope}) {
      TestModel settings = plain;
      settings.form = form;
      settings.position = position;
      checks.with(settings, plain, text_of(form));
      const MixerFixture<double> fixture(checks.entry(), settings, 70);
      check_changes(checks, fixture, settings, {1, 15, 16, 33, 48, 69});
    }
  }
  for (const TestModel& settings : all_options(checks.entry(), small_model())) {
    checks.with(settings, small_model());
    const MixerFixture<double> fixture(checks.entry(), settings, 13);
    check_changes(checks, fixture, settings, {1, 7, 12});
  }
}

void check_prefixes(Checks& checks) {
  constexpr std::int64_t kTokens = 40;
  TestModel plain;
  plain.width = 8;
  plain.heads = 2;
  plain.chunk = 8;
  plain.short_conv = 4;
  plain.mlp = 2;
  for (const Norm norm : {Norm::kPost, Norm::kPre}) {
    TestModel settings = plain;
    settings.norm = norm;
    checks.with(settings, plain, "a model of 2 layers");
    SequenceModel<double> model =
        random_model<double>(settings, checks.variant(), 9, kTokens, 1, 0.4);
    use_tensors<double>(model.layout(), model.parameters().data());
    model.begin_step({kTokens});
    std::vector<std::int32_t> ids(kTokens);
    for (std::size_t t = 0; t < ids.size(); ++t) ids[t] = static_cast<std::int32_t>(t * 7 % 9);
    const std::vector<std::int32_t> positions = {3, 17, 23};
    const std::vector<std::int32_t> labels = {0, 1, 2};
    Workspace<double> workspace;
    const auto logits = [&](std::span<const std::int32_t> tokens) {
      Matrix<double> out(3, 9);
      (void)model.forward({tokens, positions, labels}, workspace, view_of(out));
      return out;
    };
    const char* look_at = "what forward() at few queries reads beyond them";
    const Matrix<double> whole = logits(ids);
    const Matrix<double> prefix = logits({ids.data(), 24});
    checks.close(view_of(whole), view_of(prefix), 1e-12,
                 {"logits", "the sequence of 40 tokens", "its first 24 tokens", look_at});
    std::vector<std::int32_t> changed = ids;
    for (std::size_t t = 18; t < changed.size(); ++t) changed[t] = 8;
    const Matrix<double> other = logits(changed);
    checks.close(
        rows(view_of(whole), 0, 2), rows(read_of(other), 0, 2), 1e-12,
        {"logits at tokens 3 and 17", "the sequence", "the one changed from token 18 on", look_at});
    checks.that((whole.row(2) - other.row(2)).cwiseAbs().maxCoeff() > 1e-6,
                "logits at token 23 do not depend on tokens 18 to 23");
  }
}

}  // namespace recollect
