// The cores of linear attention beside each other, forward and backward of one head on one thread:
// the additive one by hand and on the tape, and the delta rule, at all tokens and at a few.
// Ratios of the same minutes: --benchmark_filter=core_ --benchmark_repetitions=10, and
// --benchmark_enable_random_interleaving=true.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "math/fenwick.hpp"
#include "math/rng.hpp"
#include "math/workspace.hpp"
#include "models/linear_attention/core.hpp"
#include "models/tape_cores/core.hpp"
#include "models/tape_cores/waiting_states.hpp"

namespace recollect {
namespace {

constexpr Index kWidth = 64;
constexpr Index kChunk = 64;

/// One head of T tokens: its inputs, keys of length 1, and room for what comes out.
class Head {
 public:
  explicit Head(Index tokens) : tokens_(tokens), levels_(level_count(tokens)) {
    Rng rng(1, Stream::kInit, 2);
    const auto fill = [&](std::vector<float>& to, Index cols, double low, double high) {
      to.resize(static_cast<std::size_t>(tokens * cols));
      for (float& x : to) x = static_cast<float>(low + (high - low) * rng.uniform());
    };
    fill(q_, kWidth, -0.2, 0.2), fill(k_, kWidth, -1.0, 1.0), fill(v_, kWidth, -1.0, 1.0);
    fill(g_, 1, -0.02, 0.0), fill(lambda_, levels_, 0.2, 1.5), fill(beta_, 1, 0.2, 0.9);
    fill(dy_, kWidth, -1.0, 1.0);
    for (Index t = 0; t < tokens; ++t) {
      float* key = k_.data() + t * kWidth;
      float squares = 0.0F;
      for (Index i = 0; i < kWidth; ++i) squares += key[i] * key[i];
      for (Index i = 0; i < kWidth; ++i) key[i] /= std::sqrt(squares);
    }
    y_.resize(dy_.size());
    for (auto* to : {&dq_, &dk_, &dv_}) to->resize(dy_.size());
    dg_.resize(g_.size()), d_beta_.resize(g_.size()), d_lambda_.resize(lambda_.size());
    for (std::int32_t r = 1; r <= 8; ++r) {
      positions_.push_back(static_cast<std::int32_t>(tokens) * r / 8 - 1);
    }
  }

  void additive_by_hand() {
    using Chunkwise = LogLinearChunkwise<float>;
    const Workspace<float>::Scope scope(workspace_);
    const CoreInput<float> in{rows(q_), rows(k_), rows(v_), g_.data(),
                              view(lambda_.data(), tokens_, levels_)};
    const auto states =
        ChunkStates<float>::begin(tokens_, kWidth * kWidth, kChunk, true, true, workspace_);
    const auto tape = Chunkwise::forward(in, 0, states, rows(y_), workspace_);
    const CoreGradient<float> out{rows(dq_), rows(dk_), rows(dv_),
                                  view(d_lambda_.data(), tokens_, levels_), dg_.data()};
    Chunkwise::backward(in, 0, states, tape, rows(y_), rows(dy_), out, workspace_);
  }
  void additive_on_tape() {
    on_tape(tokens_, [this](tape::Tape<float>& tape, const TapeHead<float>& in,
                            const tape::Output<float>& y) { additive_core(tape, in, kChunk, y); });
  }
  void delta() {
    on_tape(tokens_, [this](tape::Tape<float>& tape, const TapeHead<float>& in,
                            const tape::Output<float>& y) {
      WaitingStates<float> states{{true}, kChunk, tokens_};
      delta_core(tape, in, states, y);
    });
  }
  void delta_at_eight() {
    on_tape(8, [this](tape::Tape<float>& tape, const TapeHead<float>& in,
                      const tape::Output<float>& y) {
      TapeHead<float> asked = in;
      asked.q = in.q.rows(0, 8);
      asked.lambda = in.lambda.rows(0, 8);
      delta_at_queries<float>(tape, asked, positions_, kChunk, y);
    });
  }

 private:
  [[nodiscard]] View<float> rows(std::vector<float>& of) const {
    return view(of.data(), tokens_, kWidth);
  }
  template <class Core>
  void on_tape(Index outputs, const Core& core) {
    const Workspace<float>::Scope scope(workspace_);
    tape::Tape<float> tape(workspace_, true);
    const auto in = [&](std::vector<float>& of, Index cols) {
      return tape.input(view(of.data(), tokens_, cols));
    };
    const TapeHead<float> head{in(q_, kWidth), in(k_, kWidth),       in(v_, kWidth),
                               in(g_, 1),      in(lambda_, levels_), in(beta_, 1)};
    const tape::Output<float> y = tape.matrix_in(view(y_.data(), outputs, kWidth));
    core(tape, head, y);
    const auto bind = [&](const tape::Var<float>& input, std::vector<float>& to) {
      tape::Tape<float>::bind(input, view(to.data(), tokens_, input.cols()), false);
    };
    bind(head.q, dq_), bind(head.k, dk_), bind(head.v, dv_), bind(head.g, dg_);
    bind(head.lambda, d_lambda_), bind(head.beta, d_beta_);
    tape::Tape<float>::seed(y.var, view(dy_.data(), outputs, kWidth));
    tape.backward(nullptr);
  }

  Index tokens_;
  Index levels_;
  std::vector<float> q_, k_, v_, g_, lambda_, beta_, dy_, y_;
  std::vector<float> dq_, dk_, dv_, dg_, d_lambda_, d_beta_;
  std::vector<std::int32_t> positions_;
  Workspace<float> workspace_;
};

template <void (Head::*run)()>
void core(benchmark::State& state) {
  Head head(state.range(0));
  for (auto _ : state) {
    (head.*run)();
    benchmark::ClobberMemory();
  }
}
BENCHMARK(core<&Head::additive_by_hand>)->Name("core_additive_by_hand")->Arg(256)->Arg(1024);
BENCHMARK(core<&Head::additive_on_tape>)->Name("core_additive_on_tape")->Arg(256)->Arg(1024);
BENCHMARK(core<&Head::delta>)->Name("core_delta")->Arg(256)->Arg(1024);
BENCHMARK(core<&Head::delta_at_eight>)->Name("core_delta_at_8_rows")->Arg(256)->Arg(1024);

}  // namespace
}  // namespace recollect
