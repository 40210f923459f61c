#include "tests/contracts/checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/support/model_options.hpp"

namespace recollect {
namespace {

constexpr double kStep = 1e-5;
constexpr double kGradientTolerance = 1e-7;

const Checks* running = nullptr;

/// The one factor by which all of `actual` differs from `expected`; 0 where there is none.
double common_factor(ConstView<double> expected, ConstView<double> actual) {
  double dot = 0.0;
  double square = 0.0;
  for_each_element(actual, expected, [&](const double& a, const double& e) {
    dot += a * e;
    square += e * e;
  });
  if (!(square > 0.0)) return 0.0;
  const double factor = dot / square;
  double rest = 0.0;
  for_each_element(actual, expected, [&](const double& a, const double& e) {
    rest = std::max(rest, std::abs(a - factor * e));
  });
  return rest <= 1e-5 * std::sqrt(square) * std::max(1.0, std::abs(factor)) ? factor : 0.0;
}

}  // namespace

Checks::Checks(const MixerEntry& entry) : entry_(entry) { running = this; }
Checks::~Checks() { running = nullptr; }
const Checks* Checks::current() noexcept { return running; }

void Checks::with(const TestModel& model, const TestModel& plain, const std::string& doing) {
  option_ = difference(model, plain, entry_.name);
  if (!option_.empty() && !doing.empty()) option_ += ", ";
  option_ += doing;
}

std::string Checks::where() const {
  return option_.empty() ? variant() : fmt::format("{}, {}", variant(), option_);
}

void Checks::fail(const std::string& what) const {
  throw ContractFailure{fmt::format("{}: {}", where(), what)};
}

void Checks::fail(const Compared& compared, ConstView<double> expected, ConstView<double> actual,
                  Index row, Index col) const {
  std::string text =
      fmt::format("{}: {} [{}, {}]: {:.9g} from {}, {:.9g} from {}\n  look at {}", where(),
                  compared.tensor, row, col, actual(row, col), compared.actual, expected(row, col),
                  compared.expected, compared.look_at);
  const double factor = common_factor(expected, actual);
  if (factor != 0.0 && std::abs(factor - 1.0) > 1e-4) {
    text += fmt::format("; every element of this tensor is {:.6g} times what it should be", factor);
  }
  throw ContractFailure{text};
}

void Checks::that(bool holds, const std::string& otherwise) {
  ++comparisons_;
  if (!holds) fail(otherwise);
}

void Checks::close(ConstView<double> expected, ConstView<double> actual, double tolerance,
                   const Compared& compared, double magnitude) {
  that(expected.rows() == actual.rows() && expected.cols() == actual.cols(),
       fmt::format("{}: a matrix ({}, {}) from {}, ({}, {}) from {}", compared.tensor,
                   actual.rows(), actual.cols(), compared.actual, expected.rows(), expected.cols(),
                   compared.expected));
  for (Index r = 0; r < expected.rows(); ++r) {
    for (const double value : expected.row(r)) magnitude = std::max(magnitude, std::abs(value));
  }
  for (Index r = 0; r < expected.rows(); ++r) {
    for (Index c = 0; c < expected.cols(); ++c) {
      ++comparisons_;
      // A NaN on either side is a difference.
      if (!(std::abs(expected(r, c) - actual(r, c)) <= tolerance * magnitude)) {
        fail(compared, expected, actual, r, c);
      }
    }
  }
}

void Checks::same(ConstView<double> expected, ConstView<double> actual, const Compared& compared) {
  for (Index r = 0; r < expected.rows(); ++r) {
    for (Index c = 0; c < expected.cols(); ++c) {
      ++comparisons_;
      if (!(expected(r, c) == actual(r, c))) fail(compared, expected, actual, r, c);
    }
  }
}

void Checks::close_gradients(const ParameterLayout& layout, std::span<const double> expected,
                             std::span<const double> actual, double tolerance,
                             const Compared& compared, double magnitude) {
  for (auto info = layout.all().rbegin(); info != layout.all().rend(); ++info) {
    Compared tensor = compared;
    tensor.tensor = "gradient of " + info->name;
    close(info->tensor.in(expected.data()), info->tensor.in(actual.data()), tolerance, tensor,
          magnitude);
  }
}

void Checks::gradient(const std::string& tensor, View<double> elements, ConstView<double> analytic,
                      const std::function<double()>& loss) {
  std::vector<double> numeric;
  bool wrong = false;
  Index row = 0;
  Index col = 0;
  for (Index r = 0; r < elements.rows(); ++r) {
    for (Index c = 0; c < elements.cols(); ++c) {
      double& element = elements(r, c);
      const double keep = element;
      // The difference of the losses one step (times `steps`) to either side.
      const auto across = [&](double steps) {
        element = keep + steps * kStep;
        const double above = loss();
        element = keep - steps * kStep;
        const double below = loss();
        element = keep;
        return above - below;
      };
      const auto misses = [&] {
        const double bound = kGradientTolerance * std::max(1.0, std::abs(numeric.back()));
        return !(std::abs(analytic(r, c) - numeric.back()) <= bound);
      };
      numeric.push_back(across(1.0) / (2.0 * kStep));
      // Through a norm of short rows the loss bends so much that three points are too few.
      if (misses()) numeric.back() = (8.0 * across(1.0) - across(2.0)) / (12.0 * kStep);
      ++comparisons_;
      if (!wrong && misses()) {
        wrong = true;
        row = r;
        col = c;
      }
    }
  }
  if (!wrong) return;
  fail({tensor, "central differences of forward()", "backward()",
        "what backward() adds to this gradient, and what reaches it from above"},
       view(numeric.data(), elements.rows(), elements.cols()), analytic, row, col);
}

TestModel small_model() {
  TestModel plain;
  plain.width = 4;
  plain.lambda_hidden = 3;
  plain.chunk = 4;
  return plain;
}

}  // namespace recollect
