#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "math/rng.hpp"
#include "models/tape/add_row.hpp"
#include "models/tape/causal.hpp"
#include "models/tape/channel_decay.hpp"
#include "models/tape/convolution.hpp"
#include "models/tape/elementwise.hpp"
#include "models/tape/lower.hpp"
#include "models/tape/products.hpp"
#include "models/tape/queries.hpp"
#include "models/tape/rotary.hpp"
#include "models/tape/rows.hpp"
#include "models/tape_cores/softmax_heads.hpp"
#include "tests/support/float_pair.hpp"

namespace recollect::tape {
namespace {

/// Matrices of random numbers, with rows further apart than they are long.
class Inputs {
 public:
  View<double> add(Index rows, Index cols, double from = -1.0, double to = 1.0) {
    Rng rng(11, Stream::kInit, data_.size());
    const Index stride = cols + 3;
    data_.emplace_back(static_cast<std::size_t>(rows * stride));
    for (double& value : data_.back()) value = from + (to - from) * rng.uniform();
    views_.emplace_back(data_.back().data(), rows, cols, stride);
    return views_.back();
  }
  [[nodiscard]] std::size_t count() const { return views_.size(); }
  [[nodiscard]] const View<double>& operator[](std::size_t i) const { return views_[i]; }

 private:
  std::vector<std::vector<double>> data_;
  std::vector<View<double>> views_;
};

using Vars = std::vector<Var<double>>;
using Operation = std::function<Var<double>(Tape<double>&, const Vars&)>;

Vars vars_of(Tape<double>& tape, const Inputs& inputs) {
  Vars vars;
  for (std::size_t i = 0; i < inputs.count(); ++i) vars.push_back(tape.input(inputs[i]));
  return vars;
}

/// A sum of the output with fixed weights, so that no symmetry hides a mistake; of a lower output,
/// of its lower triangle.
double weight_of(Index row, Index col) {
  return std::sin(1.0 + 0.7 * static_cast<double>(row) + 1.3 * static_cast<double>(col));
}

double loss_of(const Inputs& inputs, const Operation& run, bool lower) {
  Workspace<double> workspace;
  Tape<double> tape(workspace, false);
  const Var<double> y = run(tape, vars_of(tape, inputs));
  double loss = 0.0;
  for (Index r = 0; r < y.rows(); ++r) {
    for (Index c = 0; c < (lower ? r + 1 : y.cols()); ++c) {
      loss += weight_of(r, c) * y.value()(r, c);
    }
  }
  return loss;
}

/// The largest error of any gradient beside central differences, relative to the largest gradient.
double gradient_error(Inputs& inputs, const Operation& run, bool lower = false) {
  Workspace<double> workspace;
  // Whatever is not written has to show.
  double* poison = workspace.take(1 << 16);
  std::fill_n(poison, 1 << 16, std::numeric_limits<double>::quiet_NaN());
  workspace.clear();
  Tape<double> tape(workspace, true);
  const Vars vars = vars_of(tape, inputs);
  const Var<double> y = run(tape, vars);
  std::vector<std::vector<double>> gradients;
  for (std::size_t i = 0; i < inputs.count(); ++i) {
    gradients.emplace_back(static_cast<std::size_t>(inputs[i].size()), -7.0);
    Tape<double>::bind(vars[i], view(gradients.back().data(), inputs[i].rows(), inputs[i].cols()),
                       false);
  }
  std::vector<double> dy(static_cast<std::size_t>(y.rows() * y.cols()));
  const View<double> d = view(dy.data(), y.rows(), y.cols());
  for (Index r = 0; r < y.rows(); ++r) {
    for (Index c = 0; c < (lower ? r + 1 : y.cols()); ++c) d(r, c) = weight_of(r, c);
  }
  Tape<double>::seed(y, d);
  tape.backward(nullptr);

  double largest = 0.0, worst = 0.0;
  constexpr double kStep = 1e-5;
  for (std::size_t i = 0; i < inputs.count(); ++i) {
    for (Index r = 0; r < inputs[i].rows(); ++r) {
      for (Index c = 0; c < inputs[i].cols(); ++c) {
        double& value = inputs[i](r, c);
        const double kept = value;
        value = kept + kStep;
        const double above = loss_of(inputs, run, lower);
        value = kept - kStep;
        const double below = loss_of(inputs, run, lower);
        value = kept;
        const double expected = (above - below) / (2.0 * kStep);
        const double own = gradients[i][static_cast<std::size_t>(r * inputs[i].cols() + c)];
        largest = std::max(largest, std::abs(expected));
        // NaN has to fail as well.
        const double error = std::abs(own - expected);
        worst = error <= worst ? worst : error;
      }
    }
  }
  return worst / std::max(largest, 1e-300);
}

struct Shape {
  Index rows, cols;
  double from = -1.0, to = 1.0;
};
struct Case {
  std::string name;
  std::vector<Shape> inputs;
  Operation run;
  bool lower = false;
};

/// Reads x twice, once as a block of it, so that gradients have to be added.
Var<double> twice(Tape<double>& tape, const Var<double>& x, const Var<double>& y) {
  const Index rows = std::min(x.rows(), y.rows());
  const Index cols = std::min(x.cols(), y.cols());
  return sum(tape, y.block(0, rows, 0, cols), x.block(0, rows, 0, cols));
}

/// Positions of three queries, ascending, the last token among them.
std::span<const std::int32_t> queries_of(Index n) {
  static std::map<Index, std::vector<std::int32_t>> kept;
  std::vector<std::int32_t>& at = kept[n];
  const auto last = static_cast<std::int32_t>(n - 1);
  at = {last / 2, std::max(last - 1, 0), last};
  return at;
}

/// Two heads of softmax attention, at all rows.
Var<double> softmax_of(Tape<double>& tape, const Vars& x, Index window) {
  static const std::vector<std::int32_t> kPositions = [] {
    std::vector<std::int32_t> positions(100);
    std::iota(positions.begin(), positions.end(), 0);
    return positions;
  }();
  static const SoftmaxHeads<double> kAll({2, 3, 2, 0}), kSome({2, 3, 2, 3});
  const SoftmaxHeads<double>& heads = window == 0 ? kAll : kSome;
  const Index n = x[0].rows();
  auto* carry = heads.begin({n, n, tape.recording()}, tape.workspace());
  const Queries all{std::span(kPositions).first(static_cast<std::size_t>(n)), true};
  return heads.run(tape, x[0], x[1], x[2], all, *carry);
}

std::vector<Case> cases(Index n) {
  using T = Tape<double>;
  const Index m = 5, d = 7;
  return {
      {"product", {{n, d}, {d, m}}, [](T& t, const Vars& x) { return product(t, x[0], x[1]); }},
      {"product into a sum",
       {{n, d}, {d, m}, {n, d}},
       [](T& t, const Vars& x) {
         const Output<double> y = t.matrix(x[0].rows(), x[1].cols());
         product(t, x[0], x[1], {y});
         return product(t, x[2], x[1], {y, true});
       }},
      {"product_bt",
       {{n, d}, {m, d}},
       [](T& t, const Vars& x) { return product_bt(t, x[0], x[1]); }},
      {"product_at",
       {{n, d}, {n, m}},
       [](T& t, const Vars& x) { return product_at(t, x[0], x[1]); }},
      {"product of a matrix with itself",
       {{n, n}},
       [](T& t, const Vars& x) { return product(t, x[0], x[0]); }},
      {"blocks",
       {{n, d}, {d, m}},
       [](T& t, const Vars& x) {
         return twice(t, x[0], product(t, x[0].columns(1, 3), x[1].rows(2, 3)));
       }},
      {"lower_product",
       {{n, d}, {n, d}},
       [](T& t, const Vars& x) { return lower_product(t, x[0], x[1]); },
       true},
      {"product_lower",
       {{n, d}, {n, d}, {n, m}},
       [](T& t, const Vars& x) { return product_lower(t, lower_product(t, x[0], x[1]), x[2]); }},
      {"product_lower_t",
       {{n, d}, {n, d}, {n, m}},
       [](T& t, const Vars& x) { return product_lower_t(t, lower_product(t, x[0], x[1]), x[2]); }},
      {"a lower matrix read twice",
       {{n, d}, {n, d}, {n, m}},
       [](T& t, const Vars& x) {
         const Var<double> l = lower_product(t, x[0], x[1]);
         return sum(t, product_lower_t(t, l, x[2]), product_lower(t, l, x[2]));
       }},
      {"product_of_lowers",
       {{n, d}, {n, d}},
       [](T& t, const Vars& x) {
         const Var<double> l = lower_product(t, x[0], x[1]);
         return product_of_lowers(t, l, product_of_lowers(t, l, lower_product(t, x[1], x[1])));
       },
       true},
      {"unit_lower_inverse",
       {{n, d, -0.4, 0.4}, {n, d}},
       [](T& t, const Vars& x) {
         const Var<double> a = lower_product(t, x[0], x[1]);
         return product_of_lowers(t, unit_lower_inverse(t, a), a);
       },
       true},
      {"scale_lower_columns",
       {{n, d}, {n, d}, {n, 1}},
       [](T& t, const Vars& x) {
         return scale_lower_columns(t, lower_product(t, x[0], x[1]), x[2]);
       },
       true},
      {"weigh",
       {{n, d}, {n, d}, {n, 1, -1.0, 0.0}, {n, 6, 0.1, 2.0}},
       [](T& t, const Vars& x) {
         return weigh(t, lower_product(t, x[0], x[1]), cumulative_sum(t, x[2]), x[3]);
       },
       true},
      {"weigh without levels",
       {{n, d}, {n, d}, {n, 1, -1.0, 0.0}},
       [](T& t, const Vars& x) {
         return weigh<double>(t, lower_product(t, x[0], x[1]), cumulative_sum(t, x[2]), {});
       },
       true},
      {"cumulative_sum", {{n, 1}}, [](T& t, const Vars& x) { return cumulative_sum(t, x[0]); }},
      {"decay_since",
       {{n, 1}, {1, 1}},
       [](T& t, const Vars& x) { return decay_since(t, x[0], x[1]); }},
      {"decay_until_end",
       {{n, 1}},
       [](T& t, const Vars& x) { return decay_until_end(t, cumulative_sum(t, x[0])); }},
      {"sum", {{n, d}, {n, d}}, [](T& t, const Vars& x) { return sum(t, x[0], x[1]); }},
      {"difference",
       {{n, d}, {n, d}},
       [](T& t, const Vars& x) { return difference(t, x[0], multiply(t, x[0], x[1])); }},
      {"multiply", {{n, d}}, [](T& t, const Vars& x) { return multiply(t, x[0], x[0]); }},
      {"scale", {{n, d}}, [](T& t, const Vars& x) { return twice(t, x[0], scale(t, x[0], -2.5)); }},
      {"exponential", {{n, d}}, [](T& t, const Vars& x) { return exponential(t, x[0]); }},
      {"sigmoid", {{n, d}}, [](T& t, const Vars& x) { return sigmoid(t, x[0], 2.0); }},
      {"silu", {{n, d, -3.0, 3.0}}, [](T& t, const Vars& x) { return silu(t, x[0]); }},
      {"softplus", {{n, d}, {1, d}}, [](T& t, const Vars& x) { return softplus(t, x[0], x[1]); }},
      {"gelu", {{n, d}, {1, d}}, [](T& t, const Vars& x) { return gelu(t, x[0], x[1]); }},
      {"scale_columns",
       {{n, d}, {1, d}},
       [](T& t, const Vars& x) { return scale_columns(t, x[0], x[1]); }},
      {"scale_columns by one",
       {{n, d}, {1, 1}},
       [](T& t, const Vars& x) { return scale_columns(t, x[0], x[1]); }},
      {"scale_rows",
       {{n, d}, {n, 3}},
       [](T& t, const Vars& x) { return scale_rows(t, x[0], x[1].columns(1, 1)); }},
      {"scale_rows by head",
       {{n, 6}, {n, 2}},
       [](T& t, const Vars& x) { return scale_rows(t, x[0], x[1]); }},
      {"scale_rows by head, the same for all rows",
       {{n, 6}, {1, 3}},
       [](T& t, const Vars& x) { return scale_rows(t, x[0], x[1]); }},
      {"scale_columns by head",
       {{n, 6}, {1, 2}},
       [](T& t, const Vars& x) { return scale_columns(t, x[0], x[1]); }},
      {"normalise_rows by head",
       {{n, 6}},
       [](T& t, const Vars& x) { return normalise_rows(t, x[0], 1e-2, true, 2); }},
      {"rotate",
       {{n, 8}},
       [](T& t, const Vars& x) {
         static const Rotary<double> kRotary = [] {
           Rotary<double> rotary(4);
           rotary.prepare(100);
           return rotary;
         }();
         static const std::vector<std::int32_t> kPositions = [] {
           std::vector<std::int32_t> positions(100);
           std::iota(positions.begin(), positions.end(), 0);
           return positions;
         }();
         return rotate(t, x[0], &kRotary,
                       std::span(kPositions).first(static_cast<std::size_t>(x[0].rows())));
       }},
      {"normalise_rows",
       {{n, d}},
       [](T& t, const Vars& x) { return normalise_rows(t, x[0], 1e-2, false); }},
      {"normalise_rows by the mean",
       {{n, d}},
       [](T& t, const Vars& x) { return normalise_rows(t, x[0], 1e-2, true); }},
      {"convolve", {{n, d}, {4, d}}, [](T& t, const Vars& x) { return convolve(t, x[0], x[1]); }},
      {"convolve after other rows",
       {{n, d}, {4, d}, {2, d}},
       [](T& t, const Vars& x) { return convolve(t, x[0], x[1], x[2]); }},
      {"convolve through silu",
       {{n, d}, {4, d}},
       [](T& t, const Vars& x) { return convolve(t, x[0], x[1], {}, Activation::kSilu); }},
      {"convolve through silu after other rows",
       {{n, d}, {4, d}, {2, d}},
       [](T& t, const Vars& x) { return convolve(t, x[0], x[1], x[2], Activation::kSilu); }},
      {"last_rows",
       {{n, d}, {2, d}},
       [](T& t, const Vars& x) { return last_rows(t, x[0], 3, x[1]); }},
      {"add_row", {{n, d}, {1, d}}, [](T& t, const Vars& x) { return add_row(t, x[0], x[1]); }},
      {"decayed_scores",
       {{n, d}, {n, d}, {n, d, -1.0, 0.0}},
       [](T& t, const Vars& x) { return decayed_scores(t, x[0], x[1], x[2]); },
       true},
      {"decayed_scores, read twice",
       {{n, d}, {n, d, -1.0, 0.0}, {n, m}},
       [](T& t, const Vars& x) {
         return product_lower(t, decayed_scores(t, x[0], multiply(t, x[0], x[0]), x[1]), x[2]);
       }},
      {"channels_since",
       {{n, d}, {n, d, -1.0, 0.0}},
       [](T& t, const Vars& x) { return twice(t, x[0], channels_since(t, x[0], x[1])); }},
      {"channels_until_end",
       {{n, d}, {n, d, -1.0, 0.0}},
       [](T& t, const Vars& x) { return twice(t, x[1], channels_until_end(t, x[0], x[1])); }},
      {"decay_state",
       {{d, m}, {n, d, -0.1, 0.0}},
       [](T& t, const Vars& x) { return twice(t, x[0], decay_state(t, x[0], x[1])); }},
      {"softmax of heads",
       {{n, 6}, {n, 6}, {n, 4}},
       [](T& t, const Vars& x) { return softmax_of(t, x, 0); }},
      {"softmax of heads through a window",
       {{n, 6}, {n, 6}, {n, 4}},
       [](T& t, const Vars& x) { return softmax_of(t, x, 3); }},
      {"gather",
       {{n, d}},
       [](T& t, const Vars& x) {
         static const std::vector<std::int32_t> kRows = {-1, 0, 2, 2};
         return gather(t, x[0], std::span(kRows).first(x[0].rows() > 2 ? 4 : 2));
       }},
      {"mask_at_queries",
       {{n, 1, -1.0, 0.0}, {3, 4, 0.2, 1.0}},
       [n](T& t, const Vars& x) { return mask_at_queries(t, n, x[0], x[1], queries_of(n)); }},
      {"mask_at_queries, one state",
       {{n, 1, -1.0, 0.0}},
       [n](T& t, const Vars& x) { return mask_at_queries(t, n, x[0], {}, queries_of(n)); }},
      {"mask_at_queries, no decay",
       {{3, 4, 0.2, 1.0}},
       [n](T& t, const Vars& x) { return mask_at_queries(t, n, {}, x[0], queries_of(n)); }},
  };
}

}  // namespace

TEST_CASE("tape: every operation's gradient is that of central differences") {
  for (const Index n : {1, 3, 16, 17, 37}) {
    for (const Case& one : cases(n)) {
      CAPTURE(n);
      CAPTURE(one.name);
      Inputs inputs;
      for (const Shape& shape : one.inputs)
        inputs.add(shape.rows, shape.cols, shape.from, shape.to);
      CHECK(gradient_error(inputs, one.run, one.lower) < 1e-8);
    }
  }
}

TEST_CASE("tape: a lower triangular inverse times its matrix is the identity") {
  for (const Index n : {1, 2, 15, 16, 17, 31, 32, 33, 48, 64, 100, 128}) {
    CAPTURE(n);
    Inputs inputs;
    const View<double> a = inputs.add(n, n, -0.5, 0.5);
    const View<double> x = inputs.add(n, n);
    const View<double> room = inputs.add(n, n);
    invert_unit_lower<double>(a, x, room);
    double worst = 0.0;
    for (Index t = 0; t < n; ++t) {
      for (Index s = 0; s <= t; ++s) {
        double product = x(t, s);
        for (Index r = s + 1; r <= t; ++r) product += x(t, r) * a(r, s);
        worst = std::max(worst, std::abs(product - (t == s ? 1.0 : 0.0)));
      }
    }
    CHECK(worst < 1e-10 * std::exp2(static_cast<double>(n) / 8.0));
  }
}

TEST_CASE("tape: the lower triangular inverse in float is that in double, whatever stands above") {
  for (const Index n : {1, 2, 15, 16, 17, 31, 48, 63, 64, 65, 80, 127, 128}) {
    CAPTURE(n);
    const FloatPair a(1, n, n, 3);
    FloatPair x(2, n, n, 3), room(3, n, n, 3);
    // A few tokens have keys in common: entries stay small, the inverse too.
    std::vector<float> small(static_cast<std::size_t>(n * n),
                             std::numeric_limits<float>::quiet_NaN());
    std::vector<double> exact(small.size());
    for (Index t = 0; t < n; ++t) {
      for (Index s = 0; s <= t; ++s) {
        const auto at = static_cast<std::size_t>(t * n + s);
        small[at] = 0.1F * a.read()(t, s);
        exact[at] = static_cast<double>(small[at]);
      }
      // Right of the diagonal, a band holds zeros, and what lies outside of it is never read.
      for (Index s = t + 1; s < band_end(t, n); ++s) {
        small[static_cast<std::size_t>(t * n + s)] = 0.0F;
      }
    }
    invert_unit_lower<float>(view<const float>(small.data(), n, n), x.write(), room.write());
    invert_unit_lower<double>(view<const double>(exact.data(), n, n), x.write_exact(),
                              room.write_exact());
    for (Index t = 0; t < n; ++t) {
      for (Index s = 0; s < band_end(t, n); ++s) {
        CAPTURE(t);
        CAPTURE(s);
        const double difference = static_cast<double>(x.write()(t, s)) - x.write_exact()(t, s);
        CHECK(std::abs(difference) < 1e-4);
        if (s > t) CHECK(x.write()(t, s) == 0.0F);
      }
    }
  }
}

TEST_CASE("tape: corners right of the diagonal are cleared, and nothing else") {
  for (const Index n : {1, 7, 16, 17, 40, 64}) {
    CAPTURE(n);
    std::vector<float> all(static_cast<std::size_t>(n * (n + 3)), 2.0F);
    clear_corners<float>(View<float>(all.data(), n, n, n + 3));
    for (Index t = 0; t < n; ++t) {
      for (Index s = 0; s < n + 3; ++s) {
        const bool corner = s > t && s < band_end(t, n);
        CHECK(all[static_cast<std::size_t>(t * (n + 3) + s)] == (corner ? 0.0F : 2.0F));
      }
    }
  }
}

TEST_CASE("tape: a convolution through silu has the bits of the two, one after the other") {
  for (const Index n : {1, 3, 31, 32, 33, 64, 100}) {
    for (const Index earlier : {0, 1, 3}) {
      for (const Index taps : {1, 2, 4, 9}) {
        if (earlier >= taps) continue;
        CAPTURE(n);
        CAPTURE(earlier);
        CAPTURE(taps);
        constexpr Index kCols = 20;
        const FloatPair z(1, n, kCols, 0), w(2, taps, kCols, 0), dy(3, n, kCols, 0);
        const FloatPair rows(4, std::max<Index>(earlier, 1), kCols, 0);
        std::vector<float> values[2], gradients[2];
        for (const bool together : {false, true}) {
          Workspace<float> workspace;
          Tape<float> tape(workspace, true);
          const Var<float> in = tape.input(z.read());
          const Var<float> by = tape.input(w.read());
          const Var<float> before = earlier == 0 ? Var<float>() : tape.input(rows.read());
          const Var<float> y = together ? convolve(tape, in, by, before, Activation::kSilu)
                                        : silu(tape, convolve(tape, in, by, before));
          std::vector<float> dz(static_cast<std::size_t>(n * kCols));
          std::vector<float> dw(static_cast<std::size_t>(taps * kCols));
          std::vector<float> d_rows(static_cast<std::size_t>(earlier * kCols));
          Tape<float>::bind(in, view(dz.data(), n, kCols), false);
          Tape<float>::bind(by, view(dw.data(), taps, kCols), false);
          if (earlier > 0) Tape<float>::bind(before, view(d_rows.data(), earlier, kCols), false);
          Tape<float>::seed(y, dy.read());
          tape.backward(nullptr);
          const std::span<const float> value(y.value().data(), static_cast<std::size_t>(n * kCols));
          values[together ? 1 : 0].assign(value.begin(), value.end());
          for (const std::vector<float>& part : {dz, dw, d_rows}) {
            gradients[together ? 1 : 0].insert(gradients[together ? 1 : 0].end(), part.begin(),
                                               part.end());
          }
        }
        CHECK(values[0] == values[1]);
        CHECK(gradients[0] == gradients[1]);
      }
    }
  }
}

TEST_CASE("tape: from the second sequence on nothing is allocated, and the bits are the same") {
  Inputs inputs;
  inputs.add(40, 8);
  inputs.add(40, 8);
  Workspace<float> workspace;
  std::vector<float> data(40 * 8, 0.25F), gradient(40 * 8), first;
  std::size_t peak = 0;
  for (int round = 0; round < 3; ++round) {
    workspace.clear();
    Tape<float> tape(workspace, true);
    const Var<float> x = tape.input(view<const float>(data.data(), 40, 8));
    const Var<float> y = product_lower(tape, lower_product(tape, silu(tape, x), x),
                                       normalise_rows(tape, x, 1e-6F, false));
    Tape<float>::bind(x, view(gradient.data(), 40, 8), false);
    std::vector<float> dy(40 * 8, 1.0F);
    Tape<float>::seed(y, view<const float>(dy.data(), 40, 8));
    tape.backward(nullptr);
    if (round == 0) {
      first = gradient;
      peak = workspace.peak_bytes();
    }
    CHECK(gradient == first);
    CHECK(workspace.peak_bytes() == peak);
  }
}

TEST_CASE("tape: parameters add to the flat gradient, and an input that nothing reads is cleared") {
  ParameterLayout layout;
  const Tensor weight = layout.add_matrix("w", 3, 2, Fill::kConstant, 1.0);
  const Tensor unused = layout.add_matrix("u", 1, 2, Fill::kConstant, 1.0);
  std::vector<double> theta = {1, 2, 3, 4, 5, 6, 7, 8}, gradient(8, 10.0);
  std::vector<double> in = {1, -1}, d_in(2, 5.0), d_idle(2, 5.0), dy = {1, 1, 1};
  Workspace<double> workspace;
  Tape<double> tape(workspace, true);
  const Var<double> x = tape.input(view<const double>(in.data(), 1, 2));
  const Var<double> idle = tape.input(view<const double>(in.data(), 1, 2));
  const Var<double> w = tape.parameter(theta.data(), weight);
  (void)tape.parameter(theta.data(), unused);
  const Var<double> y = product_bt(tape, x, w);
  CHECK(y.value()(0, 2) == -1.0);
  Tape<double>::bind(x, view(d_in.data(), 1, 2), true);
  Tape<double>::bind(idle, view(d_idle.data(), 1, 2), false);
  Tape<double>::seed(y, view<const double>(dy.data(), 1, 3));
  tape.backward(gradient.data());
  CHECK(gradient == std::vector<double>{11, 9, 11, 9, 11, 9, 10, 10});
  CHECK(d_in == std::vector<double>{5 + 1 + 3 + 5, 5 + 2 + 4 + 6});
  CHECK(d_idle == std::vector<double>{0, 0});
}

}  // namespace recollect::tape
