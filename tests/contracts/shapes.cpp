// What lies beside the tensors, the output and the gradients of a mixer is NaN, or must stay what
// it was.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/contracts/contracts.hpp"
#include "tests/support/mixer_fixture.hpp"
#include "tests/support/model_options.hpp"

namespace recollect {
namespace {

constexpr Index kTokens = 13;

/// A matrix between two stretches of numbers that nobody may touch.
template <class S>
class Guarded {
 public:
  Guarded(Index rows, Index cols)
      : rows_(rows),
        cols_(cols),
        elements_(static_cast<std::size_t>(rows * cols + 2 * kGuard), kMark) {}
  [[nodiscard]] View<S> matrix() { return view(elements_.data() + kGuard, rows_, cols_); }
  [[nodiscard]] bool intact() const {
    const auto marked = [](S value) { return value == kMark; };
    return std::all_of(elements_.begin(), elements_.begin() + kGuard, marked) &&
           std::all_of(elements_.end() - kGuard, elements_.end(), marked);
  }
  /// Row of the first element that was never written, or -1.
  [[nodiscard]] Index unwritten() {
    for (Index r = 0; r < rows_; ++r) {
      for (const S value : matrix().row(r)) {
        if (value == kMark) return r;
      }
    }
    return -1;
  }

 private:
  static constexpr Index kGuard = 64;
  static constexpr S kMark = S(-12345.5);
  Index rows_;
  Index cols_;
  std::vector<S> elements_;
};

bool is_finite(double value) { return std::isfinite(value); }

template <class S>
bool finite(View<S> m) {
  bool all = true;
  for (Index r = 0; r < m.rows(); ++r) {
    for (const S value : m.row(r)) all = all && is_finite(static_cast<double>(value));
  }
  return all;
}

/// A forward and a backward pass of a mixer.
template <class S>
struct Pass {
  MixerFixture<S> fixture;
  Matrix<S> u;
  Queries queries;
  Guarded<S> y;
  Guarded<S> du;
  std::vector<S> gradient;

  Pass(const MixerEntry& entry, const TestModel& settings, std::span<const std::int32_t> some)
      : fixture(entry, settings, kTokens),
        u(normal_matrix<S>(5, kTokens, settings.width)),
        queries(some.empty() ? fixture.all() : Queries{some, false}),
        y(queries.count(), settings.width),
        du(kTokens, settings.width),
        gradient(fixture.theta.size(), S(0)) {}

  void run() {
    use_tensors(fixture.layout, fixture.theta.data(), gradient.data());
    fixture.mixer->begin_step(fixture.theta.data(), {kTokens});
    Workspace<S> workspace;
    auto* carry = fixture.mixer->begin(fixture.shape(queries, true), workspace);
    const auto* tape = fixture.mixer->forward(fixture.theta.data(), view_of(u), queries, carry,
                                              y.matrix(), workspace);
    const Matrix<S> dy = normal_matrix<S>(6, queries.count(), u.cols());
    fixture.mixer->backward(fixture.theta.data(), gradient.data(), view_of(u), queries, tape, carry,
                            read_of(dy), du.matrix(), workspace);
  }
  [[nodiscard]] bool all_finite() {
    bool all = finite(y.matrix()) && finite(du.matrix());
    for (const ParameterInfo& info : fixture.layout.all()) {
      all = all && finite(info.tensor.in(gradient.data()));
    }
    return all;
  }
};

/// The tensor behind which something was read: the one whose gap alone, being NaN, spoils the
/// result.
template <class S>
std::string read_beyond(const MixerEntry& entry, const TestModel& settings,
                        std::span<const std::int32_t> some) {
  Pass<S> pass(entry, settings, some);
  const auto& layout = pass.fixture.layout;
  for (std::size_t i = 0; i < layout.all().size(); ++i) {
    fill_gaps(layout, S(0.5), pass.fixture.theta.data());
    fill_gap(layout, i, std::numeric_limits<S>::quiet_NaN(), pass.fixture.theta.data());
    std::fill(pass.gradient.begin(), pass.gradient.end(), S(0));
    pass.run();
    if (!pass.all_finite()) return tensor_text(layout.all()[i]);
  }
  return "";
}

template <class S>
void check(Checks& checks, const TestModel& settings, std::span<const std::int32_t> some) {
  Pass<S> pass(checks.entry(), settings, some);
  pass.run();
  const auto& layout = pass.fixture.layout;
  for (std::size_t i = 0; i < layout.all().size(); ++i) {
    const ParameterInfo& info = layout.all()[i];
    const Index begin = info.tensor.offset + info.tensor.size();
    const Index end =
        i + 1 < layout.all().size() ? layout.all()[i + 1].tensor.offset : layout.size();
    checks.that(
        std::all_of(pass.gradient.begin() + begin, pass.gradient.begin() + end,
                    [](S value) { return value == S(0); }),
        fmt::format("backward() writes beyond the gradient of {}: its shape is not what the "
                    "code uses\n  look at the add_matrix() or add_vector() that asks for it",
                    tensor_text(info)));
  }
  checks.that(pass.y.intact(), fmt::format("forward() writes beyond y ({}, {})",
                                           pass.queries.count(), settings.width));
  checks.that(pass.du.intact(),
              fmt::format("backward() writes beyond du ({}, {})", kTokens, settings.width));
  checks.that(pass.y.unwritten() < 0,
              fmt::format("forward() leaves row {} of y unwritten", pass.y.unwritten()));
  checks.that(
      pass.du.unwritten() < 0,
      fmt::format("backward() leaves row {} of du unwritten; it is overwritten, not added to",
                  pass.du.unwritten()));
  if (pass.all_finite()) return;
  const std::string tensor = read_beyond<S>(checks.entry(), settings, some);
  checks.that(false,
              tensor.empty()
                  ? "y or a gradient is not finite"
                  : fmt::format("reads beyond {}: its shape is not what the code uses\n  look at "
                                "the add_matrix() or add_vector() that asks for it",
                                tensor));
}

}  // namespace

void check_shapes(Checks& checks) {
  const std::vector<std::int32_t> some = {0, 4, 11};
  for (const TestModel& settings : all_options(checks.entry(), small_model())) {
    for (const bool all : {true, false}) {
      const auto positions = all ? std::span<const std::int32_t>() : std::span(some);
      const char* where = all ? "all tokens" : "few tokens";
      checks.with(settings, small_model(), where);
      check<double>(checks, settings, positions);
      checks.with(settings, small_model(), std::string(where) + ", in float");
      check<float>(checks, settings, positions);
    }
  }
}

}  // namespace recollect
