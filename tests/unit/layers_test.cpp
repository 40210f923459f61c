// The layers in float, which are made of vectors, against their double instantiations, which are
// written plainly; shapes that are no multiple of anything.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "models/kernels/convolution.hpp"
#include "models/kernels/rows.hpp"
#include "models/layers/convolution.hpp"
#include "models/layers/cross_entropy.hpp"
#include "models/layers/norm.hpp"
#include "models/layers/rms_norm.hpp"
#include "models/layers/rotary.hpp"
#include "tests/support/float_pair.hpp"
#include "tests/support/random_numbers.hpp"

namespace recollect {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// A buffer of weights or gradients.
struct Flat {
  FloatPair numbers;
  Flat(std::uint64_t seed, Index size) : numbers(seed, 1, size, 0, 1.0) {}
  [[nodiscard]] const float* read() const { return numbers.read().data(); }
  [[nodiscard]] const double* read_exact() const { return numbers.read_exact().data(); }
  [[nodiscard]] float* write() { return numbers.write().data(); }
  [[nodiscard]] double* write_exact() { return numbers.write_exact().data(); }
};

template <class Check>
void for_each_shape(Check&& check) {
  for (const Index rows : {1, 2, 3, 5, 15, 16, 17, 31, 33, 70}) {
    for (const Index cols : {1, 3, 8, 16, 17, 48, 64, 72, 130}) {
      for (const Index gap : {0, 3}) {
        CAPTURE(rows);
        CAPTURE(cols);
        CAPTURE(gap);
        check(rows, cols, gap);
      }
    }
  }
}

TEST_CASE("layers: the norm in float agrees with double for any shape and stride") {
  for_each_shape([](Index rows, Index cols, Index gap) {
    const LayerNorm norm{Tensor{0, 1, cols}, Tensor{cols, 1, cols}};
    const Flat theta(1, 2 * cols);
    Flat gradient(2, 2 * cols);
    FloatPair x(3, rows, cols, gap), normal(4, rows, cols, gap), y(5, rows, cols, gap);
    FloatPair inverse_sd(6, 1, rows, 0);
    norm.forward<float>(theta.read(), x.read(), normal.write(), inverse_sd.write().data(),
                        y.write());
    norm.forward<double>(theta.read_exact(), x.read_exact(), normal.write_exact(),
                         inverse_sd.write_exact().data(), y.write_exact());
    normal.check(1e-5);
    y.check(1e-5);
    inverse_sd.check(1e-5 * eigen(inverse_sd.read_exact()).maxCoeff());

    // The normal may take the place of x, and the gradient of x that of y's.
    norm.forward<float>(theta.read(), x.read(), x.write(), inverse_sd.write().data(), y.write());
    CHECK(eigen(x.read()) == eigen(normal.read()));
    FloatPair d(7, rows, cols, gap);
    FloatPair apart(8, rows, cols, gap);
    norm.backward<float>(theta.read(), gradient.write(), normal.read(), inverse_sd.read().data(),
                         d.read(), apart.write());
    gradient = Flat(2, 2 * cols);
    norm.backward<float>(theta.read(), gradient.write(), normal.read(), inverse_sd.read().data(),
                         d.read(), d.write());
    CHECK(eigen(apart.read()) == eigen(d.read()));
    norm.backward<double>(theta.read_exact(), gradient.write_exact(), normal.read_exact(),
                          inverse_sd.read_exact().data(), d.read_exact(), d.write_exact());
    d.check(2e-5 * eigen(inverse_sd.read_exact()).maxCoeff());
    gradient.numbers.check(2e-4);
  });
}

TEST_CASE(
    "layers: the root-mean-square norm in float agrees with double for any shape and stride") {
  for_each_shape([](Index rows, Index cols, Index gap) {
    const RmsNorm norm{Tensor{0, 1, cols}};
    const Flat theta(1, cols);
    Flat gradient(2, cols);
    FloatPair x(3, rows, cols, gap), normal(4, rows, cols, gap), y(5, rows, cols, gap);
    FloatPair inverse(6, 1, rows, 0);
    norm.forward<float>(theta.read(), x.read(), normal.write(), inverse.write().data(), y.write());
    norm.forward<double>(theta.read_exact(), x.read_exact(), normal.write_exact(),
                         inverse.write_exact().data(), y.write_exact());
    normal.check(1e-5);
    y.check(1e-5);
    inverse.check(1e-5 * eigen(inverse.read_exact()).maxCoeff());

    // The normal may take the place of x, and the gradient of x that of y's.
    norm.forward<float>(theta.read(), x.read(), x.write(), inverse.write().data(), y.write());
    CHECK(eigen(x.read()) == eigen(normal.read()));
    FloatPair d(7, rows, cols, gap);
    FloatPair apart(8, rows, cols, gap);
    norm.backward<float>(theta.read(), gradient.write(), normal.read(), inverse.read().data(),
                         d.read(), apart.write());
    gradient = Flat(2, cols);
    norm.backward<float>(theta.read(), gradient.write(), normal.read(), inverse.read().data(),
                         d.read(), d.write());
    CHECK(eigen(apart.read()) == eigen(d.read()));
    norm.backward<double>(theta.read_exact(), gradient.write_exact(), normal.read_exact(),
                          inverse.read_exact().data(), d.read_exact(), d.write_exact());
    d.check(2e-5 * eigen(inverse.read_exact()).maxCoeff());
    gradient.numbers.check(2e-4);
  });
}

TEST_CASE("layers: the root-mean-square norm is the formula, and its row stands alone") {
  constexpr Index kCols = 72;
  const RmsNorm norm{Tensor{0, 1, kCols}};
  const Flat theta(1, kCols);
  const Matrix<float> x = normal_matrix<float>(2, 70, kCols);
  Matrix<float> normal(70, kCols), y(70, kCols), some_normal(11, kCols), some_y(11, kCols);
  std::vector<float> inverse(70), some_inverse(11);
  norm.forward<float>(theta.read(), read_of(x), view_of(normal), inverse.data(), view_of(y));
  for (Index t = 0; t < 70; ++t) {
    double squares = 0.0;
    for (Index c = 0; c < kCols; ++c) squares += double{x(t, c)} * double{x(t, c)};
    for (Index c = 0; c < kCols; ++c) {
      const double right = x(t, c) / std::sqrt(squares / kCols + 1e-5) * theta.read()[c];
      CHECK(std::abs(y(t, c) - right) <= 1e-5);
    }
  }
  norm.forward<float>(theta.read(), rows(read_of(x), 7, 11), view_of(some_normal),
                      some_inverse.data(), view_of(some_y));
  CHECK(some_normal == normal.middleRows(7, 11));
  CHECK(some_y == y.middleRows(7, 11));
  CHECK(some_inverse[3] == inverse[10]);
}

TEST_CASE("layers: a row's norm has the same bits whatever rows stand beside it") {
  for (const Index cols : {8, 64, 72}) {
    const LayerNorm norm{Tensor{0, 1, cols}, Tensor{cols, 1, cols}};
    const Flat theta(1, 2 * cols);
    const Matrix<float> x = normal_matrix<float>(2, 70, cols);
    Matrix<float> normal(70, cols), y(70, cols), some_normal(11, cols), some_y(11, cols);
    std::vector<float> inverse_sd(70), some_inverse_sd(11);
    norm.forward<float>(theta.read(), read_of(x), view_of(normal), inverse_sd.data(), view_of(y));
    norm.forward<float>(theta.read(), rows(read_of(x), 7, 11), view_of(some_normal),
                        some_inverse_sd.data(), view_of(some_y));
    CHECK(some_normal == normal.middleRows(7, 11));
    CHECK(some_y == y.middleRows(7, 11));
    CHECK(some_inverse_sd[3] == inverse_sd[10]);
  }
}

TEST_CASE("layers: the convolution in float agrees with double for any shape, stride and taps") {
  for_each_shape([](Index rows, Index cols, Index gap) {
    for (const Index taps : {1, 2, 3, 4, 5, 7, 8, 9, 21}) {
      CAPTURE(taps);
      const ShortConvolution convolution{Tensor{0, taps, cols}};
      const Flat theta(1, taps * cols);
      Flat gradient(2, taps * cols);
      const FloatPair z(3, rows, cols, gap), dy(4, rows, cols, gap);
      FloatPair y(5, rows, cols, gap), dz(6, rows, cols, gap);
      convolution.forward<float>(theta.read(), z.read(), y.write());
      convolution.forward<double>(theta.read_exact(), z.read_exact(), y.write_exact());
      y.check(2e-5);
      convolution.backward<float>(theta.read(), gradient.write(), z.read(), dy.read(), dz.write());
      convolution.backward<double>(theta.read_exact(), gradient.write_exact(), z.read_exact(),
                                   dy.read_exact(), dz.write_exact());
      dz.check(2e-5);
      gradient.numbers.check(2e-4);
    }
  });
}

TEST_CASE("layers: a convolution after other rows is its last part of all rows") {
  for_each_shape([](Index rows, Index cols, Index gap) {
    for (const Index taps : {1, 2, 4, 9, 21}) {
      for (const Index before : {Index{0}, Index{1}, Index{3}, rows - 1}) {
        if (before < 0 || before >= rows) continue;
        CAPTURE(taps);
        CAPTURE(before);
        const FloatPair z(1, rows, cols, gap), w(2, taps, cols, 0);
        const FloatPair dy(3, rows - before, cols, gap);
        FloatPair y(4, rows - before, cols, gap), dz(5, rows, cols, gap), dw(6, taps, cols, 0);
        convolve<float>(w.read(), z.read(), Residual::kNo, y.write());
        convolve<double>(w.read_exact(), z.read_exact(), Residual::kNo, y.write_exact());
        y.check(5e-5);
        convolve_backward<float>(w.read(), z.read(), Residual::kNo, dy.read(), dz.write(),
                                 dw.write());
        convolve_backward<double>(w.read_exact(), z.read_exact(), Residual::kNo, dy.read_exact(),
                                  dz.write_exact(), dw.write_exact());
        dz.check(5e-5);
        dw.check(4e-4);
        // By the definition, in double.
        for (Index t = 0; t < rows - before; ++t) {
          for (Index c = 0; c < cols; ++c) {
            double sum = 0.0;
            for (Index j = 0; j < taps && before + t - j >= 0; ++j) {
              sum += w.read_exact()(j, c) * z.read_exact()(before + t - j, c);
            }
            CHECK(std::abs(sum - y.write_exact()(t, c)) < 1e-10);
          }
        }
      }
    }
  });
}

TEST_CASE("layers: rotary positions in float agree with double for any width and number of heads") {
  const std::vector<std::int32_t> positions{40, 3, 3, 0, 17};
  for (const Index head_width : {2, 4, 6, 8, 10, 16, 24, 32, 64, 72}) {
    for (const Index heads : {1, 2, 3, 7}) {
      for (const Index gap : {0, 3}) {
        for (const bool back : {false, true}) {
          CAPTURE(head_width);
          CAPTURE(heads);
          Rotary<float> rotary(head_width);
          Rotary<double> exact(head_width);
          rotary.prepare(41);
          exact.prepare(41);
          FloatPair x(1, 33, heads * head_width, gap);
          rotary.rotate({}, x.write(), back);
          exact.rotate({}, x.write_exact(), back);
          x.check(2e-6);
          FloatPair some(2, 5, heads * head_width, gap);
          rotary.rotate(positions, some.write(), back);
          exact.rotate(positions, some.write_exact(), back);
          some.check(2e-6);
        }
      }
    }
  }
}

TEST_CASE("layers: rows picked by index and added back, for any width and stride") {
  const std::vector<std::int32_t> index = {3, 0, 3, 5, 1, 3};
  const auto count = static_cast<Index>(index.size());
  for (const Index cols : {1, 9, 16, 33, 64}) {
    CAPTURE(cols);
    const Matrix<float> table = normal_matrix<float>(1, 6, cols + 2);
    const Matrix<float> few = normal_matrix<float>(2, count, cols + 2);
    Matrix<float> picked = few, added = few, back = table;
    gather_rows<float>(columns(read_of(table), 1, cols), index, columns(view_of(picked), 1, cols));
    add_gathered_rows<float>(columns(read_of(table), 1, cols), index,
                             columns(view_of(added), 1, cols));
    add_to_rows<float>(columns(read_of(few), 1, cols), index, columns(view_of(back), 1, cols));
    Matrix<float> expected_picked = few, expected_added = few, expected_back = table;
    for (Index i = 0; i < count; ++i) {
      const Index row = index[static_cast<std::size_t>(i)];
      for (Index c = 1; c <= cols; ++c) {
        expected_picked(i, c) = table(row, c);
        expected_added(i, c) += table(row, c);
        expected_back(row, c) += few(i, c);
      }
    }
    CHECK(picked == expected_picked);
    CHECK(added == expected_added);
    CHECK(back == expected_back);
  }
}

TEST_CASE("layers: cross-entropy in float agrees with double for any shape and stride") {
  for_each_shape([](Index rows, Index cols, Index gap) {
    std::vector<std::int32_t> labels(static_cast<std::size_t>(rows));
    for (Index r = 0; r < rows; ++r) {
      labels[static_cast<std::size_t>(r)] = static_cast<std::int32_t>(r * 7 % cols);
    }
    for (const float scale : {0.0F, 0.125F}) {
      FloatPair logits(1, rows, cols, gap, 5.0);
      const CrossEntropy fast = cross_entropy<float>(labels, scale, logits.write());
      const CrossEntropy exact = cross_entropy<double>(labels, double{scale}, logits.write_exact());
      CHECK(fast.loss == doctest::Approx(exact.loss).epsilon(1e-6).scale(1.0));
      CHECK(fast.correct == exact.correct);
      logits.check(scale == 0.0F ? 0.0 : 1e-7);
    }
  });
}

TEST_CASE("layers: of equal logits the first one counts as predicted, wherever it stands") {
  for (const Index cols : {2, 9, 16, 17, 40, 130}) {
    for (Index first = 0; first < cols; ++first) {
      for (Index second = first; second < cols; ++second) {
        Matrix<float> logits = Matrix<float>::Constant(2, cols, -3.0F);
        logits(0, first) = logits(0, second) = logits(1, first) = logits(1, second) = 1.5F;
        const std::vector<std::int32_t> labels{static_cast<std::int32_t>(first),
                                               static_cast<std::int32_t>(second)};
        const std::int64_t expected = first == second ? 2 : 1;
        CHECK(cross_entropy<float>(labels, 0.0F, view_of(logits)).correct == expected);
        const Matrix<float> below =
            -logits.cwiseAbs();  // all negative: what is no number is no zero
        logits = below;
        CHECK(cross_entropy<float>(labels, 0.0F, view_of(logits)).correct == expected);
      }
    }
  }
}

TEST_CASE("layers: a NaN or an infinite logit makes the loss NaN, in whichever lane it stands") {
  const std::vector<std::int32_t> labels{0, 0, 0};
  for (const Index cols : {1, 9, 16, 40}) {
    for (Index place = 0; place < cols; ++place) {
      for (const float wrong : {kNan, kInfinity}) {
        Matrix<float> logits = normal_matrix<float>(1, 3, cols);
        logits(1, place) = wrong;
        CHECK(std::isnan(cross_entropy<float>(labels, 0.5F, view_of(logits)).loss));
      }
    }
  }
}

TEST_CASE("layers: the norms and the convolution lose no NaN") {
  for (const Index cols : {1, 9, 64, 72}) {
    const LayerNorm norm{Tensor{0, 1, cols}, Tensor{cols, 1, cols}};
    const ShortConvolution convolution{Tensor{0, 2, cols}};
    const Flat theta(1, 2 * cols);
    for (Index place = 0; place < cols; ++place) {
      Matrix<float> x = normal_matrix<float>(2, 3, cols);
      x(1, place) = kNan;
      Matrix<float> normal(3, cols), y(3, cols);
      std::vector<float> inverse_sd(3);
      norm.forward<float>(theta.read(), read_of(x), view_of(normal), inverse_sd.data(), view_of(y));
      CHECK(y.row(1).array().isNaN().all());
      CHECK(std::isfinite(y.row(2).sum()));
      RmsNorm{Tensor{0, 1, cols}}.forward<float>(theta.read(), read_of(x), view_of(normal),
                                                 inverse_sd.data(), view_of(y));
      CHECK(y.row(1).array().isNaN().all());
      CHECK(std::isfinite(y.row(2).sum()));
      convolution.forward<float>(theta.read(), read_of(x), view_of(y));
      CHECK((std::isnan(y(1, place)) && std::isnan(y(2, place)) && std::isfinite(y(0, place))));
    }
  }
}

}  // namespace
}  // namespace recollect
