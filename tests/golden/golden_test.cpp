// Outputs, gradients and optimiser steps of an independent implementation in float64.
#include "tests/support/golden.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/test_model.hpp"

namespace recollect {
namespace {

struct FormCase {
  Form form;
  std::int64_t chunk;
  bool tabulate;  ///< the first layer by vocabulary row, where the options allow it
};

const std::vector<FormCase> kForms = {{Form::kDense, 64, false},     {Form::kChunkwise, 16, false},
                                      {Form::kChunkwise, 32, false}, {Form::kChunkwise, 64, false},
                                      {Form::kFastest, 64, false},   {Form::kFastest, 64, true}};

/// Compares logits, loss and every gradient: absolutely in double, relative to a tensor in float.
template <class S>
void check_case(const Golden& golden, const FormCase& form) {
  TestModel settings = golden.settings();
  settings.form = form.form;
  settings.chunk = form.chunk;
  CAPTURE(static_cast<int>(form.form));
  CAPTURE(form.chunk);
  CAPTURE(form.tabulate);
  SequenceModel<S> model = golden.model<S>(settings);
  model.begin_step({golden.length(), form.tabulate ? 100'000 : 0});
  Workspace<S> workspace;
  std::vector<S> gradient(model.gradient_size(form.tabulate ? 100'000 : 0), S(0));
  const std::vector<GoldenSequence> batch = golden.batch();
  std::size_t scored = 0;
  for (const GoldenSequence& each : batch) scored += each.labels.size();
  const S scale = S(1) / static_cast<S>(scored);
  double loss = 0.0;
  std::vector<S> logits;
  for (const GoldenSequence& each : batch) {
    const auto rows = static_cast<Index>(each.labels.size());
    std::vector<S> here(each.labels.size() * static_cast<std::size_t>(model.vocab()));
    const SequenceOutcome outcome =
        model.forward(each.input(), workspace, view(here.data(), rows, model.vocab()));
    logits.insert(logits.end(), here.begin(), here.end());
    const SequenceOutcome again = model.forward_backward(each.input(), scale, workspace, gradient);
    CHECK(outcome.loss == doctest::Approx(again.loss).epsilon(1e-6));
    CHECK(outcome.correct == again.correct);
    loss += again.loss / static_cast<double>(scored);
  }
  model.end_step(gradient);
  constexpr bool exact = std::is_same_v<S, double>;
  const auto error = [&](const std::vector<double>& expected, const S* actual) {
    return exact ? largest_difference(expected, actual) : relative_error(expected, actual);
  };
  CHECK(std::abs(loss - golden.loss()) <= (exact ? 1e-9 : 1e-4));
  REQUIRE(golden.logits().size() == logits.size());
  CHECK(error(golden.logits(), logits.data()) <= (exact ? 1e-9 : 1e-4));
  double largest = 0.0;  // of all gradients: keys that are not normed make some of them small
  for (const ParameterInfo& info : model.layout().all()) {
    for (const double d : golden.gradient(info.name)) largest = std::max(largest, std::abs(d));
  }
  for (const ParameterInfo& info : model.layout().all()) {
    CAPTURE(info.name);
    const S* own = gradient.data() + info.tensor.offset;
    if (golden.badly_conditioned()) {
      CHECK(largest_difference(golden.gradient(info.name), own) <= largest * (exact ? 1e-8 : 1e-4));
    } else {
      CHECK(error(golden.gradient(info.name), own) <= (exact ? 1e-8 : 1e-4));
    }
  }
}

TEST_CASE("golden: a NaN anywhere is a difference that no bound accepts") {
  for (std::size_t at = 0; at < 3; ++at) {
    std::vector<double> actual = {1.0, 2.0, 3.0};
    actual[at] = std::numeric_limits<double>::quiet_NaN();
    CHECK_FALSE(largest_difference<double>({1.0, 2.0, 3.0}, actual.data()) <= 1.0);
    CHECK_FALSE(relative_error<double>({1.0, 2.0, 3.0}, actual.data()) <= 1.0);
  }
}

TEST_CASE("golden: outputs and gradients of every variant and option, every form") {
  const std::vector<std::string> files =
      golden_files({"variant-", "options-", "delta-", "blocks-"});
  REQUIRE(files.size() == 44);
  for (const std::string& file : files) {
    CAPTURE(file);
    const Golden golden(file);
    for (const FormCase& form : kForms) {
      check_case<double>(golden, form);
      check_case<float>(golden, form);
    }
  }
}

}  // namespace
}  // namespace recollect
