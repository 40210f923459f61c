// Dropout of the embedding: what a training step leaves out, and that nothing else does.
#include "models/layers/dropout.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/config/load.hpp"
#include "harness/train/trainer.hpp"
#include "models/registry.hpp"
#include "tests/contracts/random_model.hpp"
#include "tests/support/random_numbers.hpp"

namespace recollect {
namespace {

template <class S = float>
Matrix<S> mask(double p, const DropoutDraw& draw, Index first, Index rows, Index cols) {
  Matrix<S> ones = Matrix<S>::Ones(rows, cols);
  drop<S>(p, draw, first, view_of(ones));
  return ones;
}

TEST_CASE("dropout: drops the share it says, and keeps the mean") {
  for (const double p : {0.1, 0.5, 0.9}) {
    CAPTURE(p);
    const Matrix<double> kept = mask<double>(p, {3, 7, 1}, 0, 400, 66);
    const double scale = 1.0 / (1.0 - p);
    const auto count = static_cast<double>(kept.size());
    for (Index i = 0; i < kept.size(); ++i) {
      CHECK((kept.data()[i] == 0.0 || kept.data()[i] == scale));
    }
    const double dropped = static_cast<double>((kept.array() == 0.0).count()) / count;
    const double error = std::sqrt(p * (1.0 - p) / count);
    CHECK(std::abs(dropped - p) <= 5.0 * error);
    CHECK(std::abs(kept.mean() - 1.0) <= 5.0 * error * scale);
    // No column and no token is favoured.
    const Matrix<double> columns = (kept.array() == 0.0).cast<double>().colwise().mean();
    CHECK((columns.array() - p).abs().maxCoeff() <= 5.0 * std::sqrt(p * (1.0 - p) / 400.0));
  }
  CHECK(mask(0.0, {3, 7, 1}, 0, 9, 5) == Matrix<float>::Ones(9, 5));
  CHECK(mask(0.999999999999, {3, 7, 1}, 0, 9, 5) == Matrix<float>::Zero(9, 5));
}

TEST_CASE("dropout: a number depends on seed, step, example, token and column alone") {
  const DropoutDraw draw{3, 7, 1};
  for (const Index cols : {1, 3, 4, 5, 64}) {
    CAPTURE(cols);
    const Matrix<float> whole = mask(0.5, draw, 0, 90, cols);
    CHECK(mask(0.5, draw, 31, 40, cols) == whole.middleRows(31, 40));
    CHECK(mask<double>(0.5, draw, 0, 90, cols) == whole.cast<double>());
    for (const DropoutDraw& other :
         {DropoutDraw{4, 7, 1}, DropoutDraw{3, 8, 1}, DropoutDraw{3, 7, 2}}) {
      const Matrix<float> apart = mask(0.5, other, 0, 90, cols);
      const auto count = static_cast<double>(whole.size());
      const double equal = static_cast<double>((apart.array() == whole.array()).count()) / count;
      CHECK(std::abs(equal - 0.5) <= 5.0 * 0.5 / std::sqrt(count));
    }
    // Beyond 65,536 tokens another part of the counter counts: no row comes again.
    const Matrix<float> far = mask(0.5, draw, 65500, 90, cols);
    CHECK(mask(0.5, draw, 65536, 50, cols) == far.middleRows(36, 50));
    if (cols >= 64) CHECK(far.row(36) != whole.row(0));
    if (cols >= 64) CHECK(far.row(37) != whole.row(1));
  }
}

TestModel with_dropout(double p) {
  TestModel settings;
  settings.width = 8;
  settings.chunk = 8;
  settings.embedding_dropout = p;
  return settings;
}

TEST_CASE("dropout: scoring sees none, nor does a step that was given no draw") {
  const TestExample example(40, 20);
  for (const MixerEntry& entry : mixers()) {
    CAPTURE(entry.name);
    const auto model = [&](double p) {
      SequenceModel<float> made = random_model<float>(with_dropout(p), entry.name, 20, 40, 5, 0.3);
      made.begin_step({40});
      return made;
    };
    const SequenceModel<float> plain = model(0.0);
    const SequenceModel<float> dropping = model(0.4);
    SequenceInput drawn = example.input();
    drawn.dropout = DropoutDraw{1, 2, 3};
    Workspace<float> workspace;
    Matrix<float> expected(4, 20), logits(4, 20);
    (void)plain.forward(example.input(), workspace, view_of(expected));
    (void)dropping.forward(drawn, workspace, view_of(logits));
    CHECK(logits == expected);
    (void)dropping.stream(drawn, workspace, view_of(logits));
    CHECK((logits - expected).cwiseAbs().maxCoeff() < 1e-3F);
    std::vector<std::int32_t> answers(4), expected_answers(4);
    CHECK(dropping.score(drawn, workspace, answers).loss ==
          plain.score(example.input(), workspace, expected_answers).loss);
    CHECK(answers == expected_answers);

    const auto step = [&](const SequenceModel<float>& of, const SequenceInput& input) {
      std::vector<float> gradient(of.gradient_size(0), 0.0F);
      (void)of.forward_backward(input, 1.0F, workspace, gradient);
      return gradient;
    };
    CHECK(step(dropping, example.input()) == step(plain, example.input()));
    CHECK(step(plain, drawn) == step(plain, example.input()));
    CHECK(step(dropping, drawn) != step(plain, example.input()));
    SequenceInput again = drawn;
    again.dropout->step = 3;
    CHECK(step(dropping, again) != step(dropping, drawn));
  }
}

TEST_CASE("dropout: the gradient is that of the step's own mask") {
  const TestExample example(19, 6);
  SequenceInput input = example.input();
  input.dropout = DropoutDraw{1, 2, 3};
  for (const std::string variant : {"adaptive-decay", "full-quadratic"}) {
    for (const int layers : {1, 2}) {
      for (const Position position : {Position::kNone, Position::kLearned}) {
        CAPTURE(variant);
        CAPTURE(layers);
        TestModel settings = with_dropout(0.3);
        settings.width = 4;
        settings.layers = layers;
        settings.position = position;
        SequenceModel<double> model = random_model<double>(settings, variant, 6, 19, 5, 0.5);
        model.begin_step({19});
        Workspace<double> workspace;
        std::vector<double> gradient(model.gradient_size(0), 0.0);
        std::vector<double> unused(gradient.size());
        (void)model.forward_backward(input, 1.0, workspace, gradient);
        for (const ParameterInfo& info : model.layout().all()) {
          if (info.name != "embedding.weight" && info.name != "position.weight") continue;
          CAPTURE(info.name);
          for (Index i = info.tensor.offset; i < info.tensor.offset + info.tensor.size(); ++i) {
            double& number = model.parameters()[static_cast<std::size_t>(i)];
            const double keep = number;
            const auto loss_at = [&](double value) {
              number = value;
              model.begin_step({19});
              return model.forward_backward(input, 1.0, workspace, unused).loss;
            };
            const double numeric = (loss_at(keep + 1e-5) - loss_at(keep - 1e-5)) / 2e-5;
            number = keep;
            CHECK(std::abs(gradient[static_cast<std::size_t>(i)] - numeric) <=
                  1e-7 * std::max(1.0, std::abs(numeric)));
          }
        }
      }
    }
  }
}

TEST_CASE("dropout: training gives the same bytes for any threads, others for another order seed") {
  const auto cell = [](const std::string& model, const std::string& train) {
    return parse_experiment(
               fmt::format("task: {{name: mqar, length: 24, pairs: 3, vocab: 16}}\n"
                           "model: {{width: 16, chunk: 8{}}}\nvariants: [adaptive-decay]\n"
                           "train: {{batch: 20, validation_examples: 50, steps: 12{}}}\n",
                           model, train),
               "x.yaml")
        .cells.at(0);
  };
  TrainObserver silent;
  const Cell dropping = cell(", embedding_dropout: 0.2", "");
  const TrainResult one = train(dropping, 1, silent);
  for (const int threads : {2, 7}) {
    const TrainResult many = train(dropping, threads, silent);
    CHECK(many.final_weights == one.final_weights);
    CHECK(many.history.back().loss == one.history.back().loss);
    CHECK(many.history.back().validation_accuracy == one.history.back().validation_accuracy);
  }
  CHECK(train(cell(", embedding_dropout: 0.3", ""), 1, silent).final_weights != one.final_weights);
  // A batch of all examples is the same for every order but for the masks' sake.
  const auto whole_batch = [&](const std::string& p, const std::string& seed) {
    return train(cell(p, ", examples: 20, order_seed: " + seed), 1, silent).history.back().loss;
  };
  CHECK(std::abs(whole_batch("", "1") - whole_batch("", "2")) < 1e-4);
  CHECK(std::abs(whole_batch(", embedding_dropout: 0.2", "1") -
                 whole_batch(", embedding_dropout: 0.2", "2")) > 1e-4);
}

TEST_CASE("dropout: such a model has no first layer by id, and 0 is no option given") {
  const auto cell = [](const std::string& model) {
    return parse_experiment("task: {name: mqar}\nvariants: [adaptive-decay]\n" + model, "x.yaml")
        .cells.at(0);
  };
  CHECK(cell("").identity().find("first_layer: ids") != std::string::npos);
  CHECK(cell("model: {embedding_dropout: 0}").hash() == cell("").hash());
  const Cell dropping = cell("model: {embedding_dropout: 0.1}");
  CHECK(dropping.identity().find("model.embedding_dropout: 0.1") != std::string::npos);
  CHECK(dropping.identity().find("first_layer") == std::string::npos);
  TestModel settings = with_dropout(0.1);
  const SequenceModel<float> model = test_model<float>(settings, "adaptive-decay", 20, 40, 7);
  CHECK(model.gradient_size(100'000) == static_cast<std::size_t>(model.layout().size()));
}

}  // namespace
}  // namespace recollect
