// A sequence that comes in segments, alone and through the whole model, against one that does not.
#include <fmt/format.h>

#include "tests/contracts/contracts.hpp"
#include "tests/contracts/random_model.hpp"
#include "tests/support/mixer_fixture.hpp"
#include "tests/support/model_options.hpp"

namespace recollect {
namespace {

constexpr std::int64_t kVocab = 11;
const char* const kLookAt =
    "the carry: what a segment leaves to the next ones, and gets back from them";

/// Every declared option, and other numbers of layers.
std::vector<TestModel> models_of(const MixerEntry& entry, const TestModel& plain) {
  std::vector<TestModel> all = all_options(entry, plain);
  for (const std::int64_t layers : {1, 3}) {
    TestModel other = plain;
    other.layers = layers;
    other.short_conv = 2;
    all.push_back(other);
  }
  return all;
}

TestModel plain_model() {
  TestModel plain;
  plain.width = 8;
  plain.lambda_hidden = 6;
  return plain;
}

struct Result {
  double loss;
  Matrix<double> logits;
  std::vector<double> gradient;
};

Result run(const TestModel& settings, const std::string& variant, const TestExample& example,
           std::int64_t tokens_of_step, ParameterLayout& layout) {
  const auto tokens = static_cast<std::int64_t>(example.ids.size());
  SequenceModel<double> model = random_model<double>(settings, variant, kVocab, tokens, 5, 0.3);
  layout = model.layout();
  Result result{0.0, Matrix<double>(4, kVocab),
                std::vector<double>(model.gradient_size(tokens_of_step), 0.0)};
  use_tensors<double>(layout, model.parameters().data(), result.gradient.data());
  model.begin_step({tokens, tokens_of_step});
  Workspace<double> workspace;
  (void)model.forward(example.input(), workspace, view_of(result.logits));
  result.loss = model.forward_backward(example.input(), 1.0, workspace, result.gradient).loss;
  model.end_step(result.gradient);
  result.gradient.resize(model.parameters().size());
  return result;
}

void check_model(Checks& checks, TestModel settings, const TestModel& plain, std::int64_t tokens) {
  const TestExample example(tokens, kVocab);
  ParameterLayout layout;
  settings.form = Form::kDense;
  settings.shortcuts = false;
  const Result expected = run(settings, checks.variant(), example, 0, layout);
  settings.form = Form::kFastest;
  settings.shortcuts = true;
  // Without a table, with one by row, and with one by id.
  for (const std::int64_t tokens_of_step : {std::int64_t{0}, 3 * kVocab, 100 * tokens}) {
    const char* table = tokens_of_step == 0            ? "no table"
                        : tokens_of_step == 3 * kVocab ? "a table by row"
                                                       : "a table by id";
    checks.with(settings, plain, fmt::format("{} tokens, {}", tokens, table));
    const Result actual = run(settings, checks.variant(), example, tokens_of_step, layout);
    const Compared compared{"logits", "one dense segment without shortcuts",
                            "several segments with them", kLookAt};
    checks.that(std::abs(actual.loss - expected.loss) <= 1e-9 * expected.loss,
                fmt::format("the loss is {:.12g} in several segments, {:.12g} in one dense one",
                            actual.loss, expected.loss));
    checks.close(read_of(expected.logits), read_of(actual.logits), 1e-9, compared);
    checks.close_gradients(layout, expected.gradient, actual.gradient, 1e-9, compared);
  }
}

}  // namespace

void check_segments(Checks& checks) {
  TestModel plain;
  plain.width = 8;
  plain.heads = 2;
  plain.chunk = 16;
  plain.form = Form::kChunkwise;
  for (const bool rope : {false, true}) {
    for (const Index length : {1, 31, 33, 64, 100, 300}) {
      TestModel settings = plain;
      if (rope) settings.position = Position::kRope;
      const MixerFixture<double> fixture(checks.entry(), settings, length);
      const Matrix<double> u = normal_matrix<double>(11, length, 8);
      const Matrix<double> w = normal_matrix<double>(12, length, 8);
      const auto expected = fixture.gradients(u, fixture.all(), w);
      for (const Index segment : {16, 32, 48, 256}) {
        if (segment % fixture.mixer->chunk() != 0 && segment < length) continue;
        checks.with(settings, plain, fmt::format("{} tokens in segments of {}", length, segment));
        const Compared compared{"y", "the whole sequence", "its segments", kLookAt};
        const Matrix<double> y = fixture.forward(u, fixture.all(), segment);
        checks.close(read_of(expected.y), read_of(y), 1e-10, compared);
        const auto actual = fixture.gradients(u, fixture.all(), w, segment);
        checks.close(read_of(expected.y), read_of(actual.y), 1e-10, compared);
        checks.close(read_of(expected.du), read_of(actual.du), 1e-10,
                     {"gradient of the input u", compared.expected, compared.actual, kLookAt});
        checks.close_gradients(fixture.layout, expected.theta, actual.theta, 1e-10, compared);
      }
    }
  }
}

void check_model_segments(Checks& checks) {
  const TestModel plain = plain_model();
  for (const TestModel& settings : models_of(checks.entry(), plain)) {
    for (const std::int64_t tokens : {257, 258, 600}) check_model(checks, settings, plain, tokens);
  }
}

void check_stream(Checks& checks) {
  const TestModel plain = plain_model();
  const TestExample example(1100, kVocab);
  for (const TestModel& settings : models_of(checks.entry(), plain)) {
    SequenceModel<double> model =
        random_model<double>(settings, checks.variant(), kVocab, 1100, 5, 0.3);
    use_tensors<double>(model.layout(), model.parameters().data());
    for (const std::int64_t tokens : {0, 30, 1100}) {  // no table, by row, by id
      checks.with(settings, plain,
                  fmt::format("1100 tokens, {}", tokens == 0    ? "no table"
                                                 : tokens == 30 ? "a table by row"
                                                                : "a table by id"));
      model.begin_step({1100, tokens});
      Workspace<double> workspace;
      Matrix<double> whole(4, kVocab);
      Matrix<double> streamed(4, kVocab);
      const auto expected = model.forward(example.input(), workspace, view_of(whole));
      const auto actual = model.stream(example.input(), workspace, view_of(streamed));
      checks.close(view_of(whole), view_of(streamed), 1e-10,
                   {"logits", "the whole sequence", "a stream", kLookAt});
      checks.that(actual.correct == expected.correct, "a stream answers other tokens correctly");
    }
  }
}

void check_stream_memory(Checks& checks) {
  TestModel settings;
  settings.width = 16;
  checks.with(settings, settings, "streams of 1024 and of 65536 tokens");
  const auto model_for = [&](std::int64_t tokens, bool with_weights) {
    return test_model<float>(settings, checks.variant(), kVocab, tokens, 18, with_weights);
  };
  const auto carry = [&](std::int64_t tokens) {
    return MixerFixture<float>(checks.entry(), settings, 4, 18).mixer->cost({tokens, tokens}).carry;
  };
  // A mixer that keeps every token says so.
  if (carry(65536) > 8 * carry(1024) || model_for(4, false).cost({65536, 65536}).tape >
                                            8 * model_for(4, false).cost({1024, 1024}).tape) {
    return;
  }
  const auto bytes = [&](std::int64_t tokens) {
    SequenceModel<float> model = model_for(tokens, true);
    fill_normal<float>(5, 0.0, model.parameters());
    model.begin_step({tokens});
    const TestExample example(tokens, kVocab);
    Workspace<float> workspace;
    Matrix<float> logits(4, kVocab);
    (void)model.stream(example.input(), workspace, view_of(logits));
    return static_cast<std::int64_t>(workspace.peak_bytes()) -
           4 * tokens;  // the positions, four bytes each
  };
  // A level more: its states, of all layers; and, while a segment of 256 tokens runs, what is
  // computed from them, up to three matrices of the segment a layer.
  const std::int64_t states = 4 * model_for(4, false).cost({1, 1}).state;
  const std::int64_t level = states + settings.layers * 3 * 256 * settings.width * 4;
  const std::int64_t more = bytes(65536) - bytes(1024);
  checks.that(
      more <= 8 * level,
      fmt::format("a stream 64 times as long takes {} bytes more; 8 levels take {}\n  look at "
                  "what forward() takes from the workspace and leaves in the carry",
                  more, 8 * level));
}

}  // namespace recollect
