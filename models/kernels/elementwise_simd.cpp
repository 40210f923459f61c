// The elementwise functions in single precision.
#include <algorithm>
#include <limits>

#include "models/kernels/elementwise.hpp"
#include "models/kernels/simd.hpp"

namespace recollect {
namespace {

using namespace simd;

constexpr Index kWide = 64;

/// Whether the rows of a matrix lie one after another.
template <class Matrix>
bool adjacent(const Matrix& m) {
  return m.stride() == m.cols();
}

/// How many adjacent rows are taken at once, so that short ones fill vectors.
Index rows_at_once(Index cols, bool all_adjacent) {
  return all_adjacent && cols < kWide && cols % 16 != 0 ? kWide / cols : 1;
}

/// A row of numbers, `times` after one another.
class RepeatedRow {
 public:
  RepeatedRow(const float* row, Index cols, Index times) : row_(row) {
    if (row == nullptr || times == 1) return;
    for (Index i = 0; i < times; ++i) std::copy_n(row, cols, repeated_ + i * cols);
    row_ = repeated_;
  }
  RepeatedRow(const RepeatedRow&) = delete;
  RepeatedRow& operator=(const RepeatedRow&) = delete;
  [[nodiscard]] const float* data() const { return row_; }

 private:
  alignas(64) float repeated_[kWide];
  const float* row_;
};

/// body(row, column, Whole or First) for every vector of a matrix; columns run on into the rows
/// that are taken at once.
template <class Body>
HWY_INLINE void for_each_vector_of(Index rows, Index cols, Index at_once, Body&& body) {
  for (Index r = 0; r < rows; r += at_once) {
    for_each_vector(std::min(at_once, rows - r) * cols,
                    [&](Index c, auto part) RECOLLECT_INLINE { body(r, c, part); });
  }
}

struct Result {
  Vector value;
  Vector slope;
};

/// y and slope = f(x + bias)
template <class F>
HWY_INLINE void activate(const float* bias, const ConstView<float>& x, View<float>& y,
                         View<float>& slope, F&& f) {
  const bool all_adjacent = adjacent(x) && adjacent(y) && adjacent(slope);
  const auto write = [&](Index r, Index c, auto part, Vector argument) RECOLLECT_INLINE {
    const Result result = f(argument);
    store(result.value, y.data() + r * y.stride() + c, part);
    store(result.slope, slope.data() + r * slope.stride() + c, part);
  };
  const auto argument = [&](Index r, Index c, auto part)
                            RECOLLECT_INLINE { return load(x.data() + r * x.stride() + c, part); };
  if (bias == nullptr) {
    for_each_vector_of(x.rows(), x.cols(), all_adjacent ? x.rows() : 1,
                       [&](Index r, Index c, auto part)
                           RECOLLECT_INLINE { write(r, c, part, argument(r, c, part)); });
    return;
  }
  const Index at_once = rows_at_once(x.cols(), all_adjacent);
  const RepeatedRow shift(bias, x.cols(), at_once);
  for_each_vector_of(
      x.rows(), x.cols(), at_once, [&](Index r, Index c, auto part) RECOLLECT_INLINE {
        write(r, c, part, hn::Add(argument(r, c, part), load(shift.data() + c, part)));
      });
}

/// sums (cols) += the sum over r of at(r, column, Whole or First). Four partial sums, row r in
/// number r % 4, keep the additions from waiting for each other.
template <class At>
HWY_INLINE void sum_rows(Index rows, Index cols, float* sums, At&& at) {
  for_each_sixteen(cols, [&](Index c, auto part) RECOLLECT_INLINE {
    Sixteen total[4] = {sixteen(0), sixteen(0), sixteen(0), sixteen(0)};
    Index r = 0;
    for (; r + 4 <= rows; r += 4) {
      unrolled<4>([&](int i) RECOLLECT_INLINE { total[i] = total[i] + at(r + i, c, part); });
    }
    unrolled<3>([&](int i) RECOLLECT_INLINE {
      if (r + i < rows) total[i] = total[i] + at(r + i, c, part);
    });
    const Sixteen all = (total[0] + total[1]) + (total[2] + total[3]);
    store16(load16(sums + c, part) + all, sums + c, part);
  });
}

/// The same where several rows are taken at once: those sums are added up afterwards.
template <class At>
HWY_INLINE void sum_columns(Index rows, Index cols, bool all_adjacent, float* sums, At&& at) {
  const Index at_once = rows_at_once(cols, all_adjacent);
  const Index groups = rows / at_once;
  if (at_once > 1 && groups > 1) {
    alignas(64) float wide[kWide] = {};
    sum_rows(groups, at_once * cols, wide, [&](Index r, Index c, auto part) RECOLLECT_INLINE {
      return at(r * at_once, c, part);
    });
    for (Index i = 1; i < at_once; ++i) {
      for (Index c = 0; c < cols; ++c) wide[c] += wide[i * cols + c];
    }
    for (Index c = 0; c < cols; ++c) sums[c] += wide[c];
    const Index done = groups * at_once;
    sum_rows(rows - done, cols, sums,
             [&](Index r, Index c, auto part) RECOLLECT_INLINE { return at(done + r, c, part); });
    return;
  }
  sum_rows(rows, cols, sums, at);
}

/// Rows on their way through a softmax, kRowsAtOnce of them: a row's own steps wait for each other,
/// so each step is taken for all rows before the next. Short ones are kept apart from each other,
/// in whole vectors, because a load that overlaps the unwritten end of a vector just stored waits.
constexpr Index kRowsAtOnce = 16;

template <class Row>
struct RowBlock {
  static constexpr Index kStride = 16 * Row::kHeld;
  alignas(64) float numbers[Row::kCount > 0 ? kRowsAtOnce* kStride : 1];

  /// Where row r of the block is kept: here, or, where it is long, in `row` itself.
  [[nodiscard]] HWY_INLINE float* at(Index r, float* row) {
    return Row::kCount > 0 ? numbers + r * kStride : row;
  }
  template <class Part>
  static HWY_INLINE auto part_of(Part part) {
    if constexpr (Row::kCount > 0) {
      (void)part;
      return Whole{};
    } else {
      return part;
    }
  }
};

}  // namespace

template <>
void softplus<float>(const float* bias, ConstView<float> x, View<float> y, View<float> slope) {
  activate(bias, x, y, slope, [](Vector argument) RECOLLECT_INLINE {
    const Softplus both = simd::softplus(argument);
    return Result{both.value, both.slope};
  });
}

template <>
void gelu<float>(const float* bias, ConstView<float> x, View<float> y, View<float> slope) {
  activate(bias, x, y, slope, [](Vector argument) RECOLLECT_INLINE {
    const Normal both = normal(argument);
    return Result{hn::Mul(argument, both.cdf), hn::MulAdd(argument, both.density, both.cdf)};
  });
}

template <>
void silu<float>(ConstView<float> x, View<float> y, View<float> slope) {
  activate(nullptr, x, y, slope, [](Vector argument) RECOLLECT_INLINE {
    const Vector share = simd::softplus(argument).slope;
    const Vector value = hn::Mul(argument, share);
    return Result{value, hn::Add(share, hn::NegMulAdd(value, share, value))};
  });
}

template <>
void softmax_rows<float>(const float* bias, ConstView<float> x, View<float> y) {
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  const Index cols = x.cols();
  with_row(cols, [&](auto row) {
    RowBlock<decltype(row)> block;
    float number_of[kRowsAtOnce];  // the largest of each row, then one over the sum
    for (Index first = 0; first < x.rows(); first += kRowsAtOnce) {
      const Index count = std::min(kRowsAtOnce, x.rows() - first);
      const auto y_row = [&](Index r) { return y.data() + (first + r) * y.stride(); };
      for (Index r = 0; r < count; ++r) {
        const float* from = x.data() + (first + r) * x.stride();
        float* kept = block.at(r, y_row(r));
        Sixteen top = sixteen(kLowest);
        row.for_each(cols, [&](int, Index c, auto part) RECOLLECT_INLINE {
          Sixteen numbers = load16(from + c, part);
          if (bias != nullptr) numbers = numbers + load16(bias + c, part);
          numbers = keep16(numbers, part, kLowest);
          store16(numbers, kept + c, block.part_of(part));
          top = max(top, numbers);
        });
        number_of[r] = largest(top);
      }
      for (Index r = 0; r < count; ++r) {
        float* kept = block.at(r, y_row(r));
        const Vector highest = broadcast(number_of[r]);
        Sixteen total = sixteen(0);
        row.for_each(cols, [&](int, Index c, auto part) RECOLLECT_INLINE {
          const auto power = [&](Vector v)
                                 RECOLLECT_INLINE { return simd::exp(hn::Sub(v, highest)); };
          const Sixteen powers = map(power, load16(kept + c, block.part_of(part)));
          store16(powers, kept + c, block.part_of(part));
          total = total + keep16(powers, part, 0);
        });
        number_of[r] = 1.0F / sum(total);
      }
      for (Index r = 0; r < count; ++r) {
        float* to = y_row(r);
        const float* kept = block.at(r, to);
        const Sixteen share = sixteen(number_of[r]);
        row.for_each(cols, [&](int, Index c, auto part) RECOLLECT_INLINE {
          store16(load16(kept + c, block.part_of(part)) * share, to + c, part);
        });
      }
    }
  });
}

template <>
void softmax_rows_backward<float>(ConstView<float> y, View<float> dy) {
  const Index cols = y.cols();
  with_row(cols, [&](auto row) {
    RowBlock<decltype(row)> block;
    float means[kRowsAtOnce];
    for (Index first = 0; first < y.rows(); first += kRowsAtOnce) {
      const Index count = std::min(kRowsAtOnce, y.rows() - first);
      const auto d_row = [&](Index r) { return dy.data() + (first + r) * dy.stride(); };
      for (Index r = 0; r < count; ++r) {
        const float* value = y.data() + (first + r) * y.stride();
        const float* d = d_row(r);
        float* kept = block.at(r, d_row(r));
        Sixteen total = sixteen(0);
        row.for_each(cols, [&](int, Index c, auto part) RECOLLECT_INLINE {
          const Sixteen numbers = load16(d + c, part);
          if (row.kCount > 0) store16(numbers, kept + c, block.part_of(part));
          total = multiply_add(load16(value + c, part), numbers, total);
        });
        means[r] = sum(total);
      }
      for (Index r = 0; r < count; ++r) {
        const float* value = y.data() + (first + r) * y.stride();
        float* to = d_row(r);
        const float* kept = block.at(r, to);
        const Sixteen mean = sixteen(means[r]);
        row.for_each(cols, [&](int, Index c, auto part) RECOLLECT_INLINE {
          const Sixteen numbers = load16(kept + c, block.part_of(part));
          store16((numbers - mean) * load16(value + c, part), to + c, part);
        });
      }
    }
  });
}

template <>
void multiply<float>(ConstView<float> factor, View<float> x) {
  const Index at_once = adjacent(factor) && adjacent(x) ? x.rows() : 1;
  for_each_vector_of(x.rows(), x.cols(), at_once,
                     [&](Index r, Index c, auto part) RECOLLECT_INLINE {
                       float* to = x.data() + r * x.stride() + c;
                       const Vector by = load(factor.data() + r * factor.stride() + c, part);
                       store(hn::Mul(load(to, part), by), to, part);
                     });
}

template <>
void scale_columns<float>(const float* factor, ConstView<float> x, View<float> y) {
  const Index at_once = rows_at_once(x.cols(), adjacent(x) && adjacent(y));
  const RepeatedRow by(factor, x.cols(), at_once);
  for_each_vector_of(
      x.rows(), x.cols(), at_once, [&](Index r, Index c, auto part) RECOLLECT_INLINE {
        const Vector from = load(x.data() + r * x.stride() + c, part);
        store(hn::Mul(from, load(by.data() + c, part)), y.data() + r * y.stride() + c, part);
      });
}

template <>
void add_column_sums<float>(ConstView<float> x, float* sums) {
  sum_columns(x.rows(), x.cols(), adjacent(x), sums,
              [&](Index r, Index c, auto part)
                  RECOLLECT_INLINE { return load16(x.data() + r * x.stride() + c, part); });
}

template <>
void add_column_sums_of_products<float>(ConstView<float> x, ConstView<float> y, float* sums) {
  sum_columns(x.rows(), x.cols(), adjacent(x) && adjacent(y), sums,
              [&](Index r, Index c, auto part) RECOLLECT_INLINE {
                return load16(x.data() + r * x.stride() + c, part) *
                       load16(y.data() + r * y.stride() + c, part);
              });
}

template <>
void add_row_sums<float>(ConstView<float> x, float* sums) {
  for (Index r = 0; r < x.rows(); ++r) {
    const float* row = x.data() + r * x.stride();
    Sixteen total = sixteen(0);
    for_each_sixteen(x.cols(), [&](Index c, auto part)
                                   RECOLLECT_INLINE { total = total + load16(row + c, part); });
    sums[r] += sum(total);
  }
}

template <>
void add_row_sums_of_products<float>(ConstView<float> x, ConstView<float> y, float* sums) {
  for (Index r = 0; r < x.rows(); ++r) {
    const float* x_row = x.data() + r * x.stride();
    const float* y_row = y.data() + r * y.stride();
    Sixteen total = sixteen(0);
    for_each_sixteen(x.cols(), [&](Index c, auto part) RECOLLECT_INLINE {
      total = multiply_add(load16(x_row + c, part), load16(y_row + c, part), total);
    });
    sums[r] += sum(total);
  }
}

}  // namespace recollect
