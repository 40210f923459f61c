// The forms of a mixer agree with one another, at all tokens and at a few, and float with double.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tests/contracts/contracts.hpp"
#include "tests/support/mixer_fixture.hpp"
#include "tests/support/model_options.hpp"

namespace recollect {
namespace {

constexpr double kTolerance = 1e-10;

struct Decay {
  const char* name;
  double total;  ///< of the logarithm of the decay over one chunk
};
constexpr Decay kDecays[] = {{"weak decay", -0.064}, {"strong decay", -200.0}};
constexpr Index kLengths[] = {1, 2, 3, 5, 31, 63, 64, 65, 127, 200, 1000};

/// A gate whose decay over `per` tokens is close to exp(total), with some dependence on the input.
template <class S>
void set_decay(MixerFixture<S>& fixture, double total, double per) {
  const double step = -total / per;
  fixture.set("A_log", 0.0);
  fixture.set("dt_bias", step > 30 ? step : std::log(std::expm1(step)));
}

void check_forms_at(Checks& checks, TestModel settings, const Decay& decay, Index length,
                    std::int64_t chunk) {
  settings.chunk = chunk;
  const Matrix<double> u = normal_matrix<double>(11, length, settings.width);
  const Matrix<double> w = normal_matrix<double>(12, length, settings.width);
  const auto in_form = [&](Form form) {
    settings.form = form;
    MixerFixture<double> fixture(checks.entry(), settings, length);
    set_decay(fixture, decay.total, static_cast<double>(chunk));
    return fixture;
  };
  const MixerFixture<double> dense = in_form(Form::kDense);
  const MixerFixture<double> chunkwise = in_form(Form::kChunkwise);
  const MixerFixture<double> recurrent = in_form(Form::kRecurrent);
  const auto expected = dense.gradients(u, dense.all(), w);
  checks.that(expected.y.allFinite(), "the dense form gives a number that is not finite");
  const auto actual = chunkwise.gradients(u, chunkwise.all(), w);
  const Compared compared{"y", "the dense form", "the chunkwise form",
                          "the form that differs; the definition is "
                          "models/linear_attention/reference.hpp"};
  const auto of = [&](const char* tensor) {
    Compared one = compared;
    one.tensor = tensor;
    return one;
  };
  checks.close(read_of(expected.y), read_of(actual.y), kTolerance, compared);
  checks.close(read_of(expected.du), read_of(actual.du), kTolerance, of("gradient of the input u"));
  checks.close_gradients(chunkwise.layout, expected.theta, actual.theta, kTolerance, compared);
  const Matrix<double> stepped = recurrent.forward(u, recurrent.all());
  Compared one = compared;
  one.actual = "the recurrent form";
  checks.close(read_of(expected.y), read_of(stepped), kTolerance, one);
}

}  // namespace

void check_forms(Checks& checks) {
  TestModel plain;
  plain.width = 6;
  plain.lambda_hidden = 5;
  for (const std::int64_t heads : {1, 3}) {
    TestModel settings = plain;
    settings.heads = heads;
    for (const Decay& decay : kDecays) {
      for (const Index length : kLengths) {
        for (const std::int64_t chunk : {16, 32, 64}) {
          checks.with(settings, plain,
                      fmt::format("{}, {} tokens, chunks of {}", decay.name, length, chunk));
          check_forms_at(checks, settings, decay, length, chunk);
        }
      }
    }
  }
}

void check_few_queries(Checks& checks) {
  constexpr Index kTokens = 70;
  const std::vector<std::int32_t> some = {0, 3, 15, 16, 40, 41, 69};
  const Queries queries{some, false};
  TestModel plain;
  plain.width = 6;
  plain.heads = 3;
  plain.chunk = 16;
  for (const Form form : {Form::kFastest, Form::kDense, Form::kChunkwise}) {
    TestModel settings = plain;
    settings.form = form;
    checks.with(settings, plain,
                form == Form::kFastest ? "the fastest form"
                : form == Form::kDense ? "the dense form"
                                       : "the chunkwise form");
    const MixerFixture<double> fixture(checks.entry(), settings, kTokens);
    const Matrix<double> u = normal_matrix<double>(21, kTokens, 6);
    const Matrix<double> w = normal_matrix<double>(22, queries.count(), 6);
    Matrix<double> wide = Matrix<double>::Zero(kTokens, 6);
    for (Index r = 0; r < queries.count(); ++r) {
      wide.row(some[static_cast<std::size_t>(r)]) = w.row(r);
    }
    const auto few = fixture.gradients(u, queries, w);
    const auto everywhere = fixture.gradients(u, fixture.all(), wide);
    Matrix<double> picked(queries.count(), 6);
    for (Index r = 0; r < queries.count(); ++r) {
      picked.row(r) = everywhere.y.row(some[static_cast<std::size_t>(r)]);
    }
    const Compared compared{"y at tokens 0, 3, 15, 16, 40, 41 and 69", "all tokens", "few queries",
                            "what the mixer does where Queries::all is false"};
    checks.close(view_of(picked), read_of(few.y), kTolerance, compared);
    checks.close(read_of(everywhere.du), read_of(few.du), kTolerance,
                 {"gradient of the input u", compared.expected, compared.actual, compared.look_at});
    checks.close_gradients(fixture.layout, everywhere.theta, few.theta, kTolerance, compared);
  }
}

void check_strong_decay(Checks& checks) {
  TestModel plain;
  plain.width = 8;
  for (const std::int64_t chunk : {16, 64}) {
    TestModel settings = plain;
    settings.chunk = chunk;
    settings.form = Form::kChunkwise;
    checks.with(settings, plain, fmt::format("a decay by e^-200 in {} tokens, in float", chunk));
    MixerFixture<float> fixture(checks.entry(), settings, 200);
    fixture.set("A_log", 0.0);
    fixture.set("dt_bias", 200.0 / static_cast<double>(chunk));
    const Matrix<float> u = normal_matrix<float>(3, 200, 8);
    const Matrix<float> w = normal_matrix<float>(4, 200, 8);
    const auto out = fixture.gradients(u, fixture.all(), w);
    checks.that(out.y.allFinite(), "y is not finite");
    checks.that(out.du.allFinite(), "the gradient of the input u is not finite");
    for (const ParameterInfo& info : fixture.layout.all()) {
      const auto elements = info.tensor.elements(out.theta.data());
      checks.that(std::all_of(elements.begin(), elements.end(),
                              [](float value) { return std::isfinite(value); }),
                  "the gradient of " + info.name + " is not finite");
    }
  }
}

void check_float(Checks& checks) {
  constexpr Index kTokens = 70;
  constexpr double kPlain = 1e-5;
  constexpr double kNormed = 3e-5;  // a norm divides by what may be small, and its rounding with it
  TestModel plain;
  plain.width = 8;
  plain.lambda_hidden = 5;
  plain.chunk = 16;
  const std::vector<std::int32_t> some = {0, 17, 69};
  for (const TestModel& settings : all_options(checks.entry(), plain)) {
    const MixerFixture<float> in_float(checks.entry(), settings, kTokens);
    MixerFixture<double> in_double(checks.entry(), settings, kTokens);
    std::copy(in_float.theta.begin(), in_float.theta.end(), in_double.theta.begin());
    const bool normed = in_float.layout.find("layers.0.out_norm.weight") != nullptr;
    const double precision = normed ? kNormed : kPlain;
    const Matrix<float> u = normal_matrix<float>(3, kTokens, settings.width);
    for (const bool all : {true, false}) {
      checks.with(settings, plain, all ? "all tokens" : "few tokens");
      const Queries queries = all ? in_float.all() : Queries{some, false};
      const Matrix<float> w = normal_matrix<float>(4, queries.count(), settings.width);
      const auto exact = in_double.gradients(u.cast<double>(), queries, w.cast<double>());
      const auto rounded = in_float.gradients(u, queries, w);
      const Compared compared{"y", "double", "float", "the float twin of a function (*_simd.cpp)"};
      const Matrix<double> y = rounded.y.cast<double>();
      const Matrix<double> du = rounded.du.cast<double>();
      checks.close(read_of(exact.y), read_of(y), precision, compared);
      checks.close(read_of(exact.du), read_of(du), precision,
                   {"gradient of the input u", "double", "float", compared.look_at});
      const std::vector<double> theta(rounded.theta.begin(), rounded.theta.end());
      // The gradient of a decay is what is left of sums as large as the other gradients.
      double largest = 1.0;
      for (const double value : exact.theta) largest = std::max(largest, std::abs(value));
      checks.close_gradients(in_double.layout, exact.theta, theta, precision, compared, largest);
    }
  }
}

}  // namespace recollect
