#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "math/rng.hpp"
#include "models/linear_attention/reference.hpp"
#include "models/tape/products.hpp"
#include "models/tape/rows.hpp"
#include "models/tape_cores/core.hpp"
#include "models/tape_cores/delta_reference.hpp"
#include "models/tape_cores/waiting_states.hpp"

namespace recollect {
namespace {

struct Setting {
  Index tokens = 64;
  Index key_width = 8;
  Index value_width = 6;
  Index levels = 0;  ///< 0: one state
  Index chunk = 16;
  bool gated = true;
  double gate = 0.1;  ///< the largest -g
  double beta = 1.0;  ///< the largest; beta is between 0.9 and 1 times it, or (few) near 0
  bool beta_near_zero = false;
  Index equal_keys = 0;  ///< so many tokens from the first on have one key
};

/// The numbers of one head; keys have length 1.
template <class S>
struct Numbers {
  std::vector<S> q, k, v, g, lambda, beta, dy;
  Setting of;

  explicit Numbers(const Setting& setting) : of(setting) {
    const Index n = setting.tokens;
    Rng rng(5, Stream::kInit, 1);
    const auto fill = [&](std::vector<S>& to, Index count, double low, double high) {
      to.resize(static_cast<std::size_t>(count));
      for (S& value : to) value = static_cast<S>(low + (high - low) * rng.uniform());
    };
    fill(q, n * setting.key_width, -1.0, 1.0);
    fill(k, n * setting.key_width, -1.0, 1.0);
    fill(v, n * setting.value_width, -1.0, 1.0);
    fill(g, n, -setting.gate, 0.0);
    fill(lambda, n * setting.levels, 0.2, 1.5);
    if (setting.beta_near_zero) {
      fill(beta, n, 0.0, 1e-6);
    } else {
      fill(beta, n, 0.9 * setting.beta, setting.beta);
    }
    fill(dy, n * setting.value_width, -1.0, 1.0);
    for (Index t = 0; t < n; ++t) {
      S* key = k.data() + t * setting.key_width;
      if (t > 0 && t < setting.equal_keys) std::copy_n(k.data(), setting.key_width, key);
      double squares = 0.0;
      for (Index i = 0; i < setting.key_width; ++i) squares += static_cast<double>(key[i] * key[i]);
      for (Index i = 0; i < setting.key_width; ++i) key[i] /= static_cast<S>(std::sqrt(squares));
    }
  }

  /// The same numbers in another precision.
  template <class T>
  [[nodiscard]] Numbers<T> as() const {
    Numbers<T> other(of);
    const auto copy = [](const std::vector<S>& from, std::vector<T>& to) {
      std::transform(from.begin(), from.end(), to.begin(), [](S x) { return static_cast<T>(x); });
    };
    copy(q, other.q), copy(k, other.k), copy(v, other.v), copy(g, other.g);
    copy(lambda, other.lambda), copy(beta, other.beta), copy(dy, other.dy);
    return other;
  }

  [[nodiscard]] CoreInput<S> input() const {
    const Index n = of.tokens;
    return {view(q.data(), n, of.key_width), view(k.data(), n, of.key_width),
            view(v.data(), n, of.value_width), of.gated ? g.data() : nullptr,
            view(lambda.data(), of.levels > 0 ? n : 0, of.levels)};
  }
};

template <class S>
std::vector<S> reference(const Numbers<S>& numbers, bool delta) {
  std::vector<S> y(static_cast<std::size_t>(numbers.of.tokens * numbers.of.value_width));
  const View<S> out = view(y.data(), numbers.of.tokens, numbers.of.value_width);
  if (delta) {
    delta_reference(numbers.input(), numbers.beta.data(), out);
  } else {
    log_linear_reference(numbers.input(), out);
  }
  return y;
}

/// What a core on the tape gives; with gradients of q, k, v, g, lambda and beta.
template <class S>
struct Result {
  std::vector<S> y;
  std::vector<std::vector<S>> gradients;
};

template <class S>
Result<S> on_tape(const Numbers<S>& numbers, bool delta, bool backward) {
  const Setting& of = numbers.of;
  const Index n = of.tokens;
  Workspace<S> workspace;
  std::fill_n(workspace.take(1 << 20), 1 << 20, std::numeric_limits<S>::quiet_NaN());
  workspace.clear();
  tape::Tape<S> tape(workspace, backward);
  const auto var = [&](const std::vector<S>& from, Index cols) {
    return cols == 0 ? tape::Var<S>() : tape.input(view(from.data(), n, cols));
  };
  const TapeHead<S> head{var(numbers.q, of.key_width),   var(numbers.k, of.key_width),
                         var(numbers.v, of.value_width), var(numbers.g, of.gated ? 1 : 0),
                         var(numbers.lambda, of.levels), var(numbers.beta, delta ? 1 : 0)};
  const tape::Output<S> y = tape.matrix(n, of.value_width);
  if (delta) {
    WaitingStates<S> states{{of.levels > 0}, of.chunk, n};
    delta_core(tape, head, states, y);
  } else {
    additive_core(tape, head, of.chunk, y);
  }
  Result<S> result{{y.view.data(), y.view.data() + y.view.size()}, {}};
  if (!backward) return result;
  for (const tape::Var<S>* input : {&head.q, &head.k, &head.v, &head.g, &head.lambda, &head.beta}) {
    result.gradients.emplace_back(static_cast<std::size_t>(input->rows() * input->cols()));
    if (input->empty()) continue;
    tape::Tape<S>::bind(*input, view(result.gradients.back().data(), n, input->cols()), false);
  }
  tape::Tape<S>::seed(y.var, view(numbers.dy.data(), n, of.value_width));
  tape.backward(nullptr);
  return result;
}

/// The delta rule at some rows; gradients as above, q's and lambda's of all rows.
template <class S>
Result<S> at_queries(const Numbers<S>& numbers, const std::vector<std::int32_t>& positions) {
  const Setting& of = numbers.of;
  const Index n = of.tokens;
  Workspace<S> workspace;
  std::fill_n(workspace.take(1 << 20), 1 << 20, std::numeric_limits<S>::quiet_NaN());
  workspace.clear();
  tape::Tape<S> tape(workspace, true);
  const auto var = [&](const std::vector<S>& from, Index cols) {
    return cols == 0 ? tape::Var<S>() : tape.input(view(from.data(), n, cols));
  };
  const TapeHead<S> all{var(numbers.q, of.key_width),   var(numbers.k, of.key_width),
                        var(numbers.v, of.value_width), var(numbers.g, of.gated ? 1 : 0),
                        var(numbers.lambda, of.levels), var(numbers.beta, 1)};
  TapeHead<S> asked = all;
  asked.q = gather(tape, all.q, positions);
  if (of.levels > 0) asked.lambda = gather(tape, all.lambda, positions);
  const auto rows = static_cast<Index>(positions.size());
  const tape::Output<S> y = tape.matrix(rows, of.value_width);
  delta_at_queries<S>(tape, asked, positions, of.chunk, y);
  Result<S> result{{y.view.data(), y.view.data() + y.view.size()}, {}};
  for (const tape::Var<S>* input : {&all.q, &all.k, &all.v, &all.g, &all.lambda, &all.beta}) {
    result.gradients.emplace_back(static_cast<std::size_t>(input->rows() * input->cols()));
    if (input->empty()) continue;
    tape::Tape<S>::bind(*input, view(result.gradients.back().data(), n, input->cols()), false);
  }
  const tape::Output<S> dy = tape.matrix(rows, of.value_width);
  for (Index r = 0; r < rows; ++r) {
    const S* from = numbers.dy.data() + positions[static_cast<std::size_t>(r)] * of.value_width;
    std::copy_n(from, of.value_width, dy.view.data() + r * of.value_width);
  }
  tape::Tape<S>::seed(y.var, dy.view);
  tape.backward(nullptr);
  return result;
}

/// The largest difference over the largest number; NaN where there is one.
template <class A, class B>
double error_between(const std::vector<A>& a, const std::vector<B>& b) {
  double largest = 0.0, worst = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]);
    const double error = std::abs(x - static_cast<double>(b[i]));
    largest = std::max(largest, std::abs(x));
    worst = error <= worst ? worst : error;
  }
  return worst / std::max(largest, 1e-300);
}

std::vector<Setting> settings(Index tokens) {
  std::vector<Setting> all;
  for (const Index levels : {Index{0}, Index{3}, Index{11}}) {
    for (const Index chunk : {Index{16}, Index{64}}) {
      Setting one;
      one.tokens = tokens;
      one.levels = levels;
      one.chunk = chunk;
      all.push_back(one);
      one.gated = false;
      one.beta = 2.0;
      all.push_back(one);
      one.equal_keys = 100;
      all.push_back(one);
      one.gated = true;
      one.beta_near_zero = true;
      one.gate = 12.0;  // e^-200 and less in a chunk
      all.push_back(one);
    }
  }
  return all;
}

}  // namespace

TEST_CASE("tape cores: chunkwise is what the definition gives, token by token") {
  for (const Index tokens : {1, 2, 3, 5, 31, 63, 64, 65, 127, 200, 1000}) {
    for (const Setting& setting : settings(tokens)) {
      CAPTURE(tokens);
      CAPTURE(setting.levels);
      CAPTURE(setting.chunk);
      CAPTURE(setting.beta);
      const Numbers<double> numbers(setting);
      CHECK(error_between(reference(numbers, true), on_tape(numbers, true, false).y) < 1e-10);
      CHECK(error_between(reference(numbers, false), on_tape(numbers, false, false).y) < 1e-10);
    }
  }
}

TEST_CASE("tape cores: the delta rule at a few queries is that at all, values and gradients") {
  for (const Index tokens : {1, 2, 5, 63, 64, 65, 200, 1000}) {
    for (const Setting& setting : settings(tokens)) {
      Numbers<double> numbers(setting);
      const auto n = static_cast<std::int32_t>(tokens);
      const std::vector<std::vector<std::int32_t>> choices = {
          {0}, {n - 1}, {n / 3}, {0, n / 2, n - 1}, {n / 2, n / 2 + 1, n / 2 + 2}};
      for (std::vector<std::int32_t> positions : choices) {
        positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
        if (positions.back() >= n) continue;
        CAPTURE(tokens);
        CAPTURE(setting.levels);
        CAPTURE(setting.chunk);
        CAPTURE(setting.gate);
        CAPTURE(positions.size());
        // All rows, with no gradient from those that are not asked.
        Numbers<double> masked = numbers;
        std::vector<double> expected;
        const Index width = setting.value_width;
        std::fill(masked.dy.begin(), masked.dy.end(), 0.0);
        for (const std::int32_t t : positions) {
          std::copy_n(numbers.dy.data() + t * width, width, masked.dy.data() + t * width);
        }
        const Result<double> all = on_tape(masked, true, true);
        for (const std::int32_t t : positions) {
          const double* row = all.y.data() + t * width;
          expected.insert(expected.end(), row, row + width);
        }
        const Result<double> few = at_queries(numbers, positions);
        CHECK(error_between(expected, few.y) < 1e-10);
        for (std::size_t i = 0; i < few.gradients.size(); ++i) {
          CAPTURE(i);
          double largest = 0.0;  // a token alone: nothing decays, and q's length is all
          for (const double d : all.gradients[i]) largest = std::max(largest, std::abs(d));
          if (largest < 1e-12) {
            for (const double d : few.gradients[i]) CHECK(std::abs(d) < 1e-12);
          } else {
            CHECK(error_between(all.gradients[i], few.gradients[i]) < 1e-9);
          }
        }
      }
    }
  }
}

TEST_CASE("tape cores: the delta rule by segments gives the bits of one piece, gradients too") {
  Setting setting;
  setting.tokens = 200;
  setting.levels = 9;
  constexpr Index kSegment = 48;
  for (const Index levels : {Index{0}, Index{9}}) {
    setting.levels = levels;
    const Numbers<float> numbers(setting);
    const Result<float> whole = on_tape(numbers, true, true);
    for (const bool backward : {false, true}) {
      CAPTURE(levels);
      CAPTURE(backward);
      const Index n = setting.tokens;
      Workspace<float> workspace;
      std::fill_n(workspace.take(1 << 18), 1 << 18, std::numeric_limits<float>::quiet_NaN());
      workspace.clear();
      tape::Carry<float> carry(workspace, backward);
      WaitingStates<float> states{{levels > 0}, setting.chunk, n};
      WaitingStates<float>::expect(carry, states.counter, setting.chunk, n, setting.key_width,
                                   setting.value_width);
      float* rooms = workspace.take(64 * setting.key_width * setting.value_width);
      Result<float> result;
      result.y.resize(whole.y.size());
      for (const auto& gradient : whole.gradients) {
        result.gradients.emplace_back(gradient.size());
      }
      std::vector<tape::Tape<float>> tapes;
      std::vector<TapeHead<float>> heads;
      std::vector<tape::Output<float>> outputs;
      for (Index start = 0; start < n; start += kSegment) {
        const Index count = std::min(kSegment, n - start);
        std::optional<Workspace<float>::Scope> scope;
        if (!backward) scope.emplace(workspace);
        tape::Tape<float> tape(workspace, backward);
        const auto var = [&](const std::vector<float>& from, Index cols) {
          return cols == 0 ? tape::Var<float>()
                           : tape.input(view(from.data() + start * cols, count, cols));
        };
        const TapeHead<float> head{
            var(numbers.q, setting.key_width),   var(numbers.k, setting.key_width),
            var(numbers.v, setting.value_width), var(numbers.g, 1),
            var(numbers.lambda, levels),         var(numbers.beta, 1)};
        const Index width = setting.value_width;
        const tape::Output<float> y =
            tape.matrix_in(view(result.y.data() + start * width, count, width));
        delta_core(tape, head, states, y);
        states.keep(carry, rooms);
        tapes.push_back(tape);
        heads.push_back(head);
        outputs.push_back(y);
      }
      CHECK(result.y == whole.y);
      if (!backward) continue;
      for (std::size_t i = tapes.size(); i-- > 0;) {
        const Index start = static_cast<Index>(i) * kSegment;
        const TapeHead<float>& head = heads[i];
        const tape::Var<float>* inputs[] = {&head.q, &head.k,      &head.v,
                                            &head.g, &head.lambda, &head.beta};
        for (std::size_t j = 0; j < 6; ++j) {
          if (inputs[j]->empty()) continue;
          const Index cols = inputs[j]->cols();
          tape::Tape<float>::bind(
              *inputs[j], view(result.gradients[j].data() + start * cols, inputs[j]->rows(), cols),
              false);
        }
        tape::Tape<float>::seed(outputs[i].var,
                                view(numbers.dy.data() + start * setting.value_width,
                                     outputs[i].view.rows(), setting.value_width));
        tapes[i].backward(nullptr);
      }
      for (std::size_t j = 0; j < 6; ++j) {
        CAPTURE(j);
        CHECK(result.gradients[j] == whole.gradients[j]);
      }
    }
  }
}

TEST_CASE("tape cores: gradients are those of central differences of the definition") {
  for (const bool delta : {false, true}) {
    for (const Index tokens : {1, 5, 37}) {
      for (Setting setting : settings(tokens)) {
        if (setting.chunk != 16) continue;
        setting.gate = std::min(setting.gate, 1.0);
        Numbers<double> numbers(setting);
        const Result<double> result = on_tape(numbers, delta, true);
        std::vector<std::vector<double>*> inputs = {&numbers.q, &numbers.k,      &numbers.v,
                                                    &numbers.g, &numbers.lambda, &numbers.beta};
        const auto loss = [&] {
          const std::vector<double> y = reference(numbers, delta);
          double total = 0.0;
          for (std::size_t i = 0; i < y.size(); ++i) total += y[i] * numbers.dy[i];
          return total;
        };
        for (std::size_t i = 0; i < inputs.size(); ++i) {
          CAPTURE(delta);
          CAPTURE(tokens);
          CAPTURE(setting.levels);
          CAPTURE(i);
          std::vector<double> expected;
          for (std::size_t j = 0; j < result.gradients[i].size(); ++j) {
            double& value = (*inputs[i])[j];
            const double kept = value;
            constexpr double kStep = 1e-5;
            value = kept + kStep;
            const double above = loss();
            value = kept - kStep;
            expected.push_back((above - loss()) / (2.0 * kStep));
            value = kept;
          }
          // One token alone: nothing decays, and its own beta scales its value.
          double largest = 0.0;
          for (const double d : expected) largest = std::max(largest, std::abs(d));
          if (largest < 1e-9) {
            for (const double d : result.gradients[i]) CHECK(std::abs(d) < 1e-9);
          } else {
            CHECK(error_between(expected, result.gradients[i]) < 1e-7);
          }
        }
      }
    }
  }
}

TEST_CASE("tape cores: identities of the delta rule") {
  Setting setting;
  setting.tokens = 150;
  setting.levels = 9;
  Numbers<double> numbers(setting);

  SUBCASE("with weights of 1 a hierarchy is one state") {
    std::fill(numbers.lambda.begin(), numbers.lambda.end(), 1.0);
    Numbers<double> one = numbers;
    one.of.levels = 0;
    CHECK(error_between(on_tape(one, true, false).y, on_tape(numbers, true, false).y) < 1e-12);
  }
  SUBCASE("keys at right angles are not erased: the additive core of beta v") {
    setting.key_width = 150;
    numbers = Numbers<double>(setting);
    std::fill(numbers.k.begin(), numbers.k.end(), 0.0);
    Numbers<double> additive = numbers;
    for (Index t = 0; t < 150; ++t) {
      numbers.k[static_cast<std::size_t>(t * 150 + t)] = 1.0;
      for (Index j = 0; j < setting.value_width; ++j) {
        additive.v[static_cast<std::size_t>(t * setting.value_width + j)] *=
            numbers.beta[static_cast<std::size_t>(t)];
      }
    }
    additive.k = numbers.k;
    CHECK(error_between(on_tape(additive, false, false).y, on_tape(numbers, true, false).y) <
          1e-12);
  }
  SUBCASE("one key twice with beta 1 gives the second value alone") {
    setting.tokens = 2;
    setting.levels = 0;
    setting.gated = false;
    setting.equal_keys = 2;
    numbers = Numbers<double>(setting);
    std::fill(numbers.beta.begin(), numbers.beta.end(), 1.0);
    numbers.q = numbers.k;
    const std::vector<double> y = on_tape(numbers, true, false).y;
    for (Index j = 0; j < setting.value_width; ++j) {
      const auto at = static_cast<std::size_t>(setting.value_width + j);
      CHECK(std::abs(y[at] - numbers.v[at]) < 1e-12);
    }
  }
}

/// dg of the hand-written chunkwise core.
template <class S>
std::vector<S> gate_gradient_by_hand(const Numbers<S>& numbers) {
  using Chunkwise = LogLinearChunkwise<S>;
  const Setting& of = numbers.of;
  const Index n = of.tokens;
  Workspace<S> workspace;
  const CoreInput<S> in = numbers.input();
  const auto states = ChunkStates<S>::begin(n, of.key_width * of.value_width, of.chunk,
                                            of.levels > 0, true, workspace);
  const View<S> y = workspace.matrix(n, of.value_width);
  const auto tape = Chunkwise::forward(in, 0, states, y, workspace);
  std::vector<S> dg(static_cast<std::size_t>(n));
  const CoreGradient<S> out{workspace.matrix(n, of.key_width), workspace.matrix(n, of.key_width),
                            workspace.matrix(n, of.value_width), workspace.matrix(n, of.levels),
                            dg.data()};
  Chunkwise::backward(in, 0, states, tape, y, view(numbers.dy.data(), n, of.value_width), out,
                      workspace);
  return dg;
}

TEST_CASE("tape cores: under strong decay the gate's gradient keeps its digits") {
  for (const double decay : {1.0, 5.0, 10.0, 20.0}) {
    Setting setting;
    setting.tokens = 256;
    setting.key_width = setting.value_width = 32;
    setting.levels = 9;
    setting.chunk = 64;
    Numbers<double> numbers(setting);
    for (double& g : numbers.g) g = -decay;
    const Numbers<float> rounded = numbers.as<float>();
    const std::vector<double> exact = on_tape(rounded.as<double>(), false, true).gradients[3];
    const double on_the_tape = error_between(exact, on_tape(rounded, false, true).gradients[3]);
    const double by_hand = error_between(exact, gate_gradient_by_hand(rounded));
    double largest = 0.0;
    for (const double d : exact) largest = std::max(largest, std::abs(d));
    MESSAGE("g = -", decay, ": largest dg ", largest, ", relative error on the tape ", on_the_tape,
            ", by hand ", by_hand);
    CHECK(on_the_tape < 2e-6);
    CHECK(error_between(exact, gate_gradient_by_hand(rounded.as<double>())) < 1e-6);
  }
}

TEST_CASE("tape cores: float beside double, values and gradients, to 4,096 tokens") {
  for (const bool delta : {false, true}) {
    for (const Index equal_keys : {Index{0}, Index{100}}) {
      Setting setting;
      setting.tokens = 4096;
      setting.key_width = setting.value_width = 32;
      setting.levels = 13;
      setting.chunk = 64;
      setting.beta = 2.0;
      setting.equal_keys = equal_keys;
      const Numbers<float> numbers(setting);
      const Result<double> exact = on_tape(numbers.as<double>(), delta, true);
      const Result<float> fast = on_tape(numbers, delta, true);
      CAPTURE(delta);
      CAPTURE(equal_keys);
      CHECK(error_between(exact.y, fast.y) < 5e-5);
      for (std::size_t i = 0; i < exact.gradients.size(); ++i) {
        CAPTURE(i);
        if (exact.gradients[i].empty()) continue;
        CHECK(error_between(exact.gradients[i], fast.gradients[i]) < 2e-4);
      }
    }
  }
}

}  // namespace recollect
