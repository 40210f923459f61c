// Gated linear attention with a gate of each channel: its forms against its definition.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "math/rng.hpp"
#include "models/tape/carry.hpp"
#include "models/tape_cores/gla_core.hpp"
#include "models/tape_cores/gla_reference.hpp"
#include "tests/support/mixer_fixture.hpp"

namespace recollect {
namespace {

struct Setting {
  Index tokens = 64;
  Index chunk = 16;
  double gate = 0.1;  ///< the largest -g
  Index key_width = 8;
  Index value_width = 6;
};

template <class S>
struct Numbers {
  Setting of;
  std::vector<S> q, k, v, g, dy;

  explicit Numbers(const Setting& setting) : of(setting) {
    Rng rng(5, Stream::kInit, 1);
    const auto fill = [&](std::vector<S>& to, Index columns, double low, double high) {
      to.resize(static_cast<std::size_t>(setting.tokens * columns));
      for (S& value : to) value = static_cast<S>(low + (high - low) * rng.uniform());
    };
    fill(q, setting.key_width, -1.0, 1.0);
    fill(k, setting.key_width, -1.0, 1.0);
    fill(v, setting.value_width, -1.0, 1.0);
    fill(g, setting.key_width, -setting.gate, 0.0);
    fill(dy, setting.value_width, -1.0, 1.0);
  }
  template <class T>
  [[nodiscard]] Numbers<T> as() const {
    Numbers<T> other(of);
    const auto copy = [](const std::vector<S>& from, std::vector<T>& to) {
      std::transform(from.begin(), from.end(), to.begin(), [](S x) { return static_cast<T>(x); });
    };
    copy(q, other.q), copy(k, other.k), copy(v, other.v), copy(g, other.g), copy(dy, other.dy);
    return other;
  }
};

template <class S>
std::vector<S> reference(const Numbers<S>& in) {
  const Index n = in.of.tokens;
  std::vector<S> y(static_cast<std::size_t>(n * in.of.value_width));
  gla_reference<S>(view(in.q.data(), n, in.of.key_width), view(in.k.data(), n, in.of.key_width),
                   view(in.v.data(), n, in.of.value_width), view(in.g.data(), n, in.of.key_width),
                   view(y.data(), n, in.of.value_width));
  return y;
}

template <class S>
struct Result {
  std::vector<S> y;
  std::vector<std::vector<S>> gradients;  ///< of q, k, v and g
};

/// In segments of `segment` tokens; 0: in one piece.
template <class S>
Result<S> on_tape(const Numbers<S>& in, bool backward, Index segment = 0) {
  const Index n = in.of.tokens;
  Workspace<S> workspace;
  std::fill_n(workspace.take(1 << 20), 1 << 20, std::numeric_limits<S>::quiet_NaN());
  workspace.clear();
  tape::Carry<S> carry(workspace, backward);
  carry.expect(in.of.key_width, in.of.value_width, 1);
  S* room = workspace.take(in.of.key_width * in.of.value_width);
  GlaState<S> state{in.of.chunk, n};
  Result<S> out;
  out.y.resize(in.dy.size());
  for (const auto* tensor : {&in.q, &in.k, &in.v, &in.g}) {
    out.gradients.emplace_back(tensor->size(), std::numeric_limits<S>::quiet_NaN());
  }
  std::vector<tape::Tape<S>> tapes;
  tapes.reserve(static_cast<std::size_t>(n));
  std::vector<std::vector<tape::Var<S>>> inputs;
  std::vector<tape::Var<S>> outputs;
  const Index most = segment == 0 ? n : segment;
  for (Index start = 0; start < n; start += most) {
    const Index count = std::min(most, n - start);
    std::optional<typename Workspace<S>::Scope> scope;
    if (!backward) scope.emplace(workspace);
    tape::Tape<S>& tape = tapes.emplace_back(workspace, backward);
    const auto var = [&](const std::vector<S>& from, Index cols) {
      return tape.input(view(from.data() + start * cols, count, cols));
    };
    const GlaHead<S> head{var(in.q, in.of.key_width), var(in.k, in.of.key_width),
                          var(in.v, in.of.value_width), var(in.g, in.of.key_width)};
    const tape::Output<S> y = tape.matrix(count, in.of.value_width);
    gla_core(tape, head, state, y);
    if (segment != 0 && !state.state.empty()) state.state = carry.keep(state.state, room);
    std::copy_n(y.view.data(), y.view.size(), out.y.data() + start * in.of.value_width);
    inputs.push_back({head.q, head.k, head.v, head.g});
    outputs.push_back(y.var);
  }
  if (!backward) return out;
  for (std::size_t i = tapes.size(); i-- > 0;) {
    const Index start = static_cast<Index>(i) * most;
    for (std::size_t j = 0; j < 4; ++j) {
      const tape::Var<S>& input = inputs[i][j];
      tape::Tape<S>::bind(
          input, view(out.gradients[j].data() + start * input.cols(), input.rows(), input.cols()),
          false);
    }
    tape::Tape<S>::seed(outputs[i], view(in.dy.data() + start * in.of.value_width,
                                         outputs[i].rows(), in.of.value_width));
    tapes[i].backward(nullptr);
  }
  return out;
}

/// The largest difference over the largest number; NaN where there is one.
template <class A, class B>
double error_between(const std::vector<A>& expected, const std::vector<B>& actual) {
  REQUIRE(expected.size() == actual.size());
  double largest = 0.0, worst = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto x = static_cast<double>(expected[i]);
    const double error = std::abs(x - static_cast<double>(actual[i]));
    largest = std::max(largest, std::abs(x));
    worst = error <= worst ? worst : error;
  }
  return worst / std::max(largest, 1e-300);
}

constexpr double kGates[] = {0.01, 0.5, 12.0, 60.0};  // 12: e^-200 and less in a chunk of 64

}  // namespace

TEST_CASE("gla: chunkwise and recurrent are what the definition gives, token by token") {
  for (const Index tokens : {1, 2, 3, 5, 31, 63, 64, 65, 127, 200, 1000}) {
    for (const double gate : kGates) {
      Setting setting;
      setting.tokens = tokens;
      setting.gate = gate;
      const std::vector<double> expected = reference(Numbers<double>(setting));
      for (const Index chunk : {1, 2, 16, 32, 64, 256}) {
        CAPTURE(tokens);
        CAPTURE(gate);
        CAPTURE(chunk);
        setting.chunk = chunk;
        CHECK(error_between(expected, on_tape(Numbers<double>(setting), false).y) < 1e-10);
      }
    }
  }
}

TEST_CASE("gla: gradients of all chunks agree, and with central differences of the definition") {
  for (const Index tokens : {1, 5, 31, 65, 100}) {
    for (const double gate : kGates) {
      CAPTURE(tokens);
      CAPTURE(gate);
      Setting setting;
      setting.tokens = tokens;
      setting.gate = gate;
      setting.key_width = 3;
      setting.value_width = 2;
      setting.chunk = 1;
      const Result<double> recurrent = on_tape(Numbers<double>(setting), true);
      for (const Index chunk : {4, 16, 32, 64, 128}) {
        CAPTURE(chunk);
        setting.chunk = chunk;
        const Result<double> chunkwise = on_tape(Numbers<double>(setting), true);
        for (std::size_t j = 0; j < 4; ++j) {
          CAPTURE(j);
          CHECK(error_between(recurrent.gradients[j], chunkwise.gradients[j]) < 1e-10);
        }
      }
      Numbers<double> numbers(setting);
      std::vector<double>* const inputs[] = {&numbers.q, &numbers.k, &numbers.v, &numbers.g};
      const auto loss = [&] {
        const std::vector<double> y = reference(numbers);
        double total = 0.0;
        for (std::size_t i = 0; i < y.size(); ++i) total += y[i] * numbers.dy[i];
        return total;
      };
      for (std::size_t j = 0; j < 4; ++j) {
        CAPTURE(j);
        double largest = 1.0, worst = 0.0;
        for (std::size_t i = 0; i < inputs[j]->size(); i += 7) {
          double& value = (*inputs[j])[i];
          const double kept = value;
          constexpr double kStep = 1e-5;
          value = kept + kStep;
          const double above = loss();
          value = kept - kStep;
          const double expected = (above - loss()) / (2.0 * kStep);
          value = kept;
          largest = std::max(largest, std::abs(expected));
          worst = std::max(worst, std::abs(expected - recurrent.gradients[j][i]));
        }
        CHECK(worst < 1e-7 * largest);
      }
    }
  }
}

TEST_CASE("gla: segments give the bits of one piece, gradients too") {
  Setting setting;
  setting.tokens = 200;
  const Numbers<float> numbers(setting);
  const Result<float> whole = on_tape(numbers, true);
  const Result<float> parts = on_tape(numbers, true, 48);
  CHECK(whole.y == parts.y);
  CHECK(whole.y == on_tape(numbers, false, 48).y);
  for (std::size_t j = 0; j < 4; ++j) {
    CAPTURE(j);
    CHECK(whole.gradients[j] == parts.gradients[j]);
  }
}

TEST_CASE("gla: float beside double, values and gradients, to 4,096 tokens") {
  for (const double gate : {1e-3, 0.1, 12.0}) {
    Setting setting;
    setting.tokens = 4096;
    setting.chunk = 64;
    setting.gate = gate;
    setting.key_width = setting.value_width = 32;
    const Numbers<float> numbers(setting);
    const Result<double> exact = on_tape(numbers.as<double>(), true);
    const Result<float> fast = on_tape(numbers, true);
    CAPTURE(gate);
    CHECK(error_between(exact.y, fast.y) < 2e-6);
    for (std::size_t j = 0; j < 4; ++j) {
      CAPTURE(j);
      CHECK(error_between(exact.gradients[j], fast.gradients[j]) < 2e-6);
    }
  }
}

TEST_CASE("gla: a gate that all channels share is that of gated-linear with A = 1/16") {
  constexpr Index kTokens = 150;
  TestModel settings;
  settings.width = 6;
  settings.chunk = 16;
  for (const std::int64_t heads : {1, 3}) {
    CAPTURE(heads);
    settings.heads = heads;
    MixerFixture<double> gla(*mixers().find("gla"), settings, kTokens);
    MixerFixture<double> linear(*mixers().find("gated-linear"), settings, kTokens);
    const auto of = [](auto& fixture, const std::string& name) {
      const ParameterInfo* info = fixture.layout.find("layers.0." + name);
      REQUIRE(info != nullptr);
      return info->tensor.in(fixture.theta.data());
    };
    for (const char* name :
         {"q_proj.weight", "k_proj.weight", "v_proj.weight", "out_proj.weight"}) {
      copy(of(linear, name), of(gla, name));
    }
    const View<double> down = of(gla, "gate_down.weight");  // (16, D)
    const View<double> up = of(gla, "gate_up.weight");      // (H dk, 16)
    const View<double> bias = of(gla, "gate_up.bias");
    const View<double> step = of(linear, "dt_proj.weight");  // (H, D)
    const Index keys = 6 / heads;
    for (Index h = 0; h < heads; ++h) {
      for (Index i = 0; i < keys; ++i) {
        copy(rows(up, h * keys, 1), rows(up, h * keys + i, 1));
        bias(0, h * keys + i) = bias(0, h * keys);
      }
      for (Index c = 0; c < 6; ++c) {
        double sum = 0.0;
        for (Index r = 0; r < 16; ++r) sum += up(h * keys, r) * down(r, c);
        step(h, c) = -sum;
      }
      of(linear, "dt_bias")(0, h) = -bias(0, h * keys);
      of(linear, "A_log")(0, h) = std::log(1.0 / 16.0);
    }
    const Matrix<double> u = normal_matrix<double>(11, kTokens, 6);
    const Matrix<double> w = normal_matrix<double>(12, kTokens, 6);
    const auto expected = linear.gradients(u, linear.all(), w);
    const auto actual = gla.gradients(u, gla.all(), w);
    CHECK((expected.y - actual.y).cwiseAbs().maxCoeff() < 1e-11 * expected.y.cwiseAbs().maxCoeff());
    CHECK((expected.du - actual.du).cwiseAbs().maxCoeff() <
          1e-11 * expected.du.cwiseAbs().maxCoeff());
    // The gate's bias: b is -dt_bias, shared by the channels of a head.
    const auto d = [](const auto& fixture, const auto& out, const std::string& name) {
      return fixture.layout.find("layers.0." + name)->tensor.in(out.theta.data());
    };
    for (Index h = 0; h < heads; ++h) {
      double sum = 0.0;
      for (Index i = 0; i < keys; ++i) sum += d(gla, actual, "gate_up.bias")(0, h * keys + i);
      const double other = d(linear, expected, "dt_bias")(0, h);
      CHECK(std::abs(sum + other) < 1e-10 * std::max(1.0, std::abs(other)));
    }
  }
}

TEST_CASE("gla: gates so strong that nothing is left give finite numbers in float") {
  TestModel settings;
  settings.width = 8;
  settings.heads = 2;
  MixerFixture<float> fixture(*mixers().find("gla"), settings, 300);
  for (const double bias : {-60.0, -1000.0, -100000.0, 1000.0}) {
    CAPTURE(bias);
    fixture.set("gate_up.bias", bias);
    const Matrix<float> u = normal_matrix<float>(3, 300, 8);
    const Matrix<float> w = normal_matrix<float>(4, 300, 8);
    const auto out = fixture.gradients(u, fixture.all(), w);
    CHECK(out.y.allFinite());
    CHECK(out.du.allFinite());
    for (const ParameterInfo& info : fixture.layout.all()) {
      CAPTURE(info.name);
      const auto elements = info.tensor.elements(out.theta.data());
      CHECK(std::all_of(elements.begin(), elements.end(),
                        [](float value) { return std::isfinite(value); }));
    }
  }
}

}  // namespace recollect
