// The loops that a training step is made of, one by one: ./bench-kernels --benchmark_filter=nn
// Shapes are rows x inner x columns of a product; operands stay in cache, on one thread.
#include <benchmark/benchmark.h>

#include <bit>
#include <cstdint>

#include "math/buffer.hpp"
#include "math/eigen.hpp"
#include "math/fenwick.hpp"
#include "math/rng.hpp"
#include "math/workspace.hpp"
#include "models/kernels/elementwise.hpp"
#include "models/kernels/products.hpp"
#include "models/layers/norm.hpp"
#include "models/linear_attention/core.hpp"

namespace recollect {
namespace {

using benchmark::Counter;
using benchmark::State;

/// A matrix of numbers between -1 and 1.
class Operand {
 public:
  Operand(Index rows, Index cols)
      : rows_(rows), cols_(cols), numbers_(static_cast<std::size_t>(rows * cols)) {
    Rng rng(1, Stream::kInit, static_cast<std::uint64_t>(rows * cols));
    for (float& number : numbers_) number = static_cast<float>(2.0 * rng.uniform() - 1.0);
  }
  [[nodiscard]] View<float> view() { return recollect::view(numbers_.data(), rows_, cols_); }
  [[nodiscard]] ConstView<float> read() const {
    return recollect::view(numbers_.data(), rows_, cols_);
  }
  [[nodiscard]] float* data() { return numbers_.data(); }

  void clear_above_diagonal() { eigen(view()).triangularView<Eigen::StrictlyUpper>().setZero(); }

 private:
  Index rows_;
  Index cols_;
  Buffer<float> numbers_;
};

/// Calls body() over and over. `operations` and `numbers` are of one call; 0: not counted.
template <class Body>
void repeat(State& state, double operations, double numbers, const Body& body) {
  for (auto _ : state) {
    body();
    benchmark::ClobberMemory();
  }
  const auto rate = [&](double each) {
    return Counter(each * 1e-9 * static_cast<double>(state.iterations()), Counter::kIsRate);
  };
  if (operations > 0.0) state.counters["GFLOP"] = rate(operations);
  if (numbers > 0.0) state.counters["Gnumbers"] = rate(numbers);
}

// --- products ----------------------------------------------------------------------------------

enum class By { kOwn, kEigen };

struct Sizes {
  explicit Sizes(const State& state) : m(state.range(0)), k(state.range(1)), n(state.range(2)) {}
  Index m;
  Index k;
  Index n;
  [[nodiscard]] double operations() const { return 2.0 * static_cast<double>(m * k * n); }
};

template <By by>
void nn(State& state) {
  const Sizes size(state);
  const Operand a(size.m, size.k), b(size.k, size.n);
  Operand c(size.m, size.n);
  repeat(state, size.operations(), 0, [&] {
    if constexpr (by == By::kOwn) {
      product_nn<float>(a.read(), b.read(), c.view());
    } else {
      eigen(c.view()).noalias() = eigen(a.read()) * eigen(b.read());
    }
  });
}

template <By by>
void nt(State& state) {
  const Sizes size(state);
  const Operand a(size.m, size.k), b(size.n, size.k);
  Operand c(size.m, size.n);
  repeat(state, size.operations(), 0, [&] {
    if constexpr (by == By::kOwn) {
      product_nt<float>(a.read(), b.read(), c.view());
    } else {
      eigen(c.view()).noalias() = eigen(a.read()) * eigen(b.read()).transpose();
    }
  });
}

template <By by>
void tn(State& state) {
  const Sizes size(state);
  const Operand a(size.k, size.m), b(size.k, size.n);
  Operand c(size.m, size.n);
  repeat(state, size.operations(), 0, [&] {
    if constexpr (by == By::kOwn) {
      product_tn<float>(a.read(), b.read(), c.view());
    } else {
      eigen(c.view()).noalias() = eigen(a.read()).transpose() * eigen(b.read());
    }
  });
}

void shapes(benchmark::internal::Benchmark* one) {
  one->ArgNames({"m", "k", "n"});
  one->Args({64, 64, 64})->Args({64, 64, 16})->Args({256, 64, 64})->Args({256, 64, 9});
}
BENCHMARK_TEMPLATE(nn, By::kOwn)->Apply(shapes);
BENCHMARK_TEMPLATE(nn, By::kEigen)->Apply(shapes);
BENCHMARK_TEMPLATE(nt, By::kOwn)->Apply(shapes);
BENCHMARK_TEMPLATE(nt, By::kEigen)->Apply(shapes);
BENCHMARK_TEMPLATE(tn, By::kOwn)->Apply(shapes);
BENCHMARK_TEMPLATE(tn, By::kEigen)->Apply(shapes);

/// What a triangular product must do: the exact triangle, diagonal included.
double triangle_operations(Index n, Index m) { return static_cast<double>(n * (n + 1) * m); }

template <By by>
void nt_lower(State& state) {
  const Index n = state.range(0), m = state.range(1);
  const Operand a(n, m), b(n, m);
  Operand c(n, n);
  repeat(state, triangle_operations(n, m), 0, [&] {
    if constexpr (by == By::kOwn) {
      product_nt_lower<float>(a.read(), b.read(), c.view());
    } else {
      eigen(c.view()).triangularView<Eigen::Lower>() =
          eigen(a.read()) * eigen(b.read()).transpose();
    }
  });
}

template <By by>
void nn_lower(State& state) {
  const Index n = state.range(0), m = state.range(1);
  Operand a(n, n), c(n, m);
  const Operand b(n, m);
  a.clear_above_diagonal();
  repeat(state, triangle_operations(n, m), 0, [&] {
    if constexpr (by == By::kOwn) {
      product_nn_lower<float>(a.read(), b.read(), c.view());
    } else {
      eigen(c.view()).noalias() = eigen(a.read()).triangularView<Eigen::Lower>() * eigen(b.read());
    }
  });
}

template <By by>
void tn_lower(State& state) {
  const Index n = state.range(0), m = state.range(1);
  Operand a(n, n), c(n, m);
  const Operand b(n, m);
  a.clear_above_diagonal();
  repeat(state, triangle_operations(n, m), 0, [&] {
    if constexpr (by == By::kOwn) {
      product_tn_lower<float>(a.read(), b.read(), c.view());
    } else {
      eigen(c.view()).noalias() =
          eigen(a.read()).transpose().triangularView<Eigen::Upper>() * eigen(b.read());
    }
  });
}

void triangles(benchmark::internal::Benchmark* one) {
  one->ArgNames({"n", "m"})->Args({64, 64})->Args({64, 16});
}
BENCHMARK_TEMPLATE(nt_lower, By::kOwn)->Apply(triangles);
BENCHMARK_TEMPLATE(nt_lower, By::kEigen)->Apply(triangles);
BENCHMARK_TEMPLATE(nn_lower, By::kOwn)->Apply(triangles);
BENCHMARK_TEMPLATE(nn_lower, By::kEigen)->Apply(triangles);
BENCHMARK_TEMPLATE(tn_lower, By::kOwn)->Apply(triangles);
BENCHMARK_TEMPLATE(tn_lower, By::kEigen)->Apply(triangles);

// --- number by number ----------------------------------------------------------------------------

void softplus_with_slope(State& state) {
  const Index rows = state.range(0), cols = state.range(1);
  const Operand x(rows, cols);
  Operand y(rows, cols), slope(rows, cols);
  repeat(state, 0, static_cast<double>(rows * cols),
         [&] { softplus<float>(nullptr, x.read(), y.view(), slope.view()); });
}
BENCHMARK(softplus_with_slope)->Args({64, 9})->Args({64, 64});

void gelu_with_slope(State& state) {
  const Index rows = state.range(0), cols = state.range(1);
  const Operand x(rows, cols);
  Operand y(rows, cols), slope(rows, cols);
  repeat(state, 0, static_cast<double>(rows * cols),
         [&] { gelu<float>(nullptr, x.read(), y.view(), slope.view()); });
}
BENCHMARK(gelu_with_slope)->Args({64, 64});

/// A norm and its weights, 1 and 0.
struct Norm {
  explicit Norm(Index width) {
    norm.weight = layout.add_vector("weight", width, Fill::kConstant, 1.0);
    norm.bias = layout.add_vector("bias", width, Fill::kConstant, 0.0);
    theta.resize(static_cast<std::size_t>(layout.size()));
    gradient.resize(theta.size());
    initialise<float>(layout, 0, theta);
  }
  ParameterLayout layout;
  LayerNorm norm;
  Buffer<float> theta;
  Buffer<float> gradient;
};

void layer_norm_forward(State& state) {
  const Index rows = state.range(0), cols = state.range(1);
  const Norm layer(cols);
  const Operand x(rows, cols);
  Operand normal(rows, cols), inverse_sd(rows, 1), y(rows, cols);
  repeat(state, 0, static_cast<double>(rows * cols), [&] {
    layer.norm.forward<float>(layer.theta.data(), x.read(), normal.view(), inverse_sd.data(),
                              y.view());
  });
}
BENCHMARK(layer_norm_forward)->Args({64, 64})->Args({64, 256});

void layer_norm_backward(State& state) {
  const Index rows = state.range(0), cols = state.range(1);
  Norm layer(cols);
  const Operand x(rows, cols), dy(rows, cols);
  Operand normal(rows, cols), inverse_sd(rows, 1), dx(rows, cols);
  layer.norm.forward<float>(layer.theta.data(), x.read(), normal.view(), inverse_sd.data(),
                            dx.view());
  repeat(state, 0, static_cast<double>(rows * cols), [&] {
    layer.norm.backward<float>(layer.theta.data(), layer.gradient.data(), normal.read(),
                               inverse_sd.data(), dy.read(), dx.view());
  });
}
BENCHMARK(layer_norm_backward)->Args({64, 64})->Args({64, 256});

// --- the log-linear core -------------------------------------------------------------------------

/// One head of T tokens, chunk 64: its inputs, and room for what comes out.
class Core {
 public:
  Core(Index tokens, Index width)
      : tokens_(tokens),
        width_(width),
        q_(tokens, width),
        k_(tokens, width),
        v_(tokens, width),
        g_(tokens, 1),
        lambda_(tokens, level_count(tokens)),
        dy_(tokens, width),
        y_(tokens, width),
        dq_(tokens, width),
        dk_(tokens, width),
        dv_(tokens, width),
        dlambda_(tokens, level_count(tokens)),
        dg_(tokens, 1) {
    for (Index t = 0; t < tokens; ++t) g_.data()[t] = -0.01F;
  }

  void run(bool backward) {
    using Chunkwise = LogLinearChunkwise<float>;
    const Workspace<float>::Scope scope(workspace_);
    const CoreInput<float> in{q_.read(), k_.read(), v_.read(), g_.data(), lambda_.read()};
    const auto states =
        ChunkStates<float>::begin(tokens_, width_ * width_, kChunk, true, backward, workspace_);
    const auto tape = Chunkwise::forward(in, 0, states, y_.view(), workspace_);
    if (!backward) return;
    const CoreGradient<float> out{dq_.view(), dk_.view(), dv_.view(), dlambda_.view(), dg_.data()};
    Chunkwise::backward(in, 0, states, tape, y_.read(), dy_.read(), out, workspace_);
  }

  /// Of the forward pass, nominal: the exact triangle of every chunk, states written and read.
  [[nodiscard]] double operations() const {
    const Index chunks = tokens_ / kChunk;
    double count = 0.0;
    for (Index i = 0; i < chunks; ++i) {
      const Index states = std::popcount(static_cast<std::uint64_t>(i)) + (i + 1 < chunks ? 1 : 0);
      count += static_cast<double>(width_ * kChunk * (kChunk + 1 + width_ * states));
    }
    return 2.0 * count;
  }

 private:
  static constexpr Index kChunk = 64;

  Index tokens_;
  Index width_;
  Operand q_, k_, v_, g_, lambda_, dy_, y_, dq_, dk_, dv_, dlambda_, dg_;
  Workspace<float> workspace_;
};

void core_forward(State& state) {
  Core core(state.range(0), state.range(1));
  repeat(state, core.operations(), 0, [&] { core.run(false); });
}
BENCHMARK(core_forward)->ArgNames({"T", "d"})->Args({64, 64})->Args({256, 64})->Args({256, 16});

void core_forward_and_backward(State& state) {
  Core core(state.range(0), state.range(1));
  repeat(state, 3.0 * core.operations(), 0, [&] { core.run(true); });
}
BENCHMARK(core_forward_and_backward)
    ->ArgNames({"T", "d"})
    ->Args({64, 64})
    ->Args({256, 64})
    ->Args({256, 16});

}  // namespace
}  // namespace recollect

BENCHMARK_MAIN();
