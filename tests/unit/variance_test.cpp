#include "harness/stats/variance.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "math/rng.hpp"

namespace recollect {
namespace {

/// Normal effects with the given standard deviations.
CrossedValues drawn(std::uint64_t seed, std::size_t rows, std::size_t columns, double row_sd,
                    double column_sd, double rest_sd) {
  Rng rng(seed, Stream::kTest, 0);
  std::vector<double> row(rows), column(columns);
  for (double& value : row) value = row_sd * rng.normal();
  for (double& value : column) value = column_sd * rng.normal();
  CrossedValues y{rows, columns, {}};
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      y.values.push_back(1.0 + row[i] + column[j] + rest_sd * rng.normal());
    }
  }
  return y;
}

/// Queries, columns, rest by the sums of squares of a textbook; negative ones stay.
std::vector<double> anova(const CrossedValues& y) {
  const auto rows = static_cast<double>(y.rows);
  const auto columns = static_cast<double>(y.columns);
  std::vector<double> row_means(y.rows, 0.0), column_means(y.columns, 0.0);
  double grand = 0.0;
  for (std::size_t i = 0; i < y.rows; ++i) {
    for (std::size_t j = 0; j < y.columns; ++j) {
      row_means[i] += y.at(i, j) / columns;
      column_means[j] += y.at(i, j) / rows;
      grand += y.at(i, j) / rows / columns;
    }
  }
  double between_rows = 0.0, between_columns = 0.0, rest = 0.0;
  for (const double m : row_means) between_rows += columns * (m - grand) * (m - grand);
  for (const double m : column_means) between_columns += rows * (m - grand) * (m - grand);
  for (std::size_t i = 0; i < y.rows; ++i) {
    for (std::size_t j = 0; j < y.columns; ++j) {
      const double e = y.at(i, j) - row_means[i] - column_means[j] + grand;
      rest += e * e;
    }
  }
  between_rows /= rows - 1.0;
  between_columns /= columns - 1.0;
  rest /= (rows - 1.0) * (columns - 1.0);
  return {(between_rows - rest) / columns, (between_columns - rest) / rows, rest};
}

CrossedValues transposed(const CrossedValues& y) {
  CrossedValues t{y.columns, y.rows, {}};
  for (std::size_t j = 0; j < y.columns; ++j) {
    for (std::size_t i = 0; i < y.rows; ++i) t.values.push_back(y.at(i, j));
  }
  return t;
}

TEST_CASE("variance: the components are those of an analysis of variance") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    const CrossedValues y =
        drawn(seed, 2 + seed % 5, 2 + seed % 7, 1.0, static_cast<double>(seed % 3), 0.7);
    const std::vector<double> expected = anova(y);
    const auto split = split_variance(y);
    REQUIRE(split.has_value());
    double total = 0.0;
    for (const double variance : expected) total += std::max(0.0, variance);
    const VarianceComponent* found[] = {&split->rows, &split->columns, &split->rest};
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(found[i]->variance == doctest::Approx(std::max(0.0, expected[i])).epsilon(1e-9));
      CHECK(found[i]->share == doctest::Approx(std::max(0.0, expected[i]) / total).epsilon(1e-9));
      CHECK(found[i]->interval.low >= 0.0);
      CHECK(found[i]->interval.low <= found[i]->interval.high);
      CHECK(found[i]->interval.high <= 1.0);
    }
  }
}

TEST_CASE("variance: pure effects are found, and exchanging the factors exchanges the shares") {
  const CrossedValues rows_only = drawn(1, 6, 4, 1.0, 0.0, 0.0);
  const auto split = split_variance(rows_only);
  REQUIRE(split.has_value());
  CHECK(split->rows.share == doctest::Approx(1.0));
  CHECK(split->rows.interval.low == doctest::Approx(1.0));
  CHECK(split->rest.interval.high < 1e-9);
  const auto other = split_variance(transposed(rows_only));
  REQUIRE(other.has_value());
  CHECK(other->columns.share == doctest::Approx(1.0));
  const CrossedValues mixed = drawn(2, 6, 4, 1.0, 0.5, 0.3);
  CHECK(split_variance(mixed)->rows.variance ==
        doctest::Approx(split_variance(transposed(mixed))->columns.variance));
}

TEST_CASE("variance: neither origin nor scale matters, and the result is the same every time") {
  const CrossedValues y = drawn(3, 5, 6, 1.0, 1.0, 1.0);
  CrossedValues scaled = y;
  for (double& value : scaled.values) value = 4.0 * value - 8.0;
  const auto a = split_variance(y), b = split_variance(scaled), again = split_variance(y);
  CHECK(a->rows.share == doctest::Approx(b->rows.share));
  CHECK(a->rows.interval.high == doctest::Approx(b->rows.interval.high).epsilon(1e-6));
  CHECK(a->rows.interval.low == again->rows.interval.low);
  CHECK(a->rows.interval.high == again->rows.interval.high);
  CHECK(a->rest.interval.low == again->rest.interval.low);
}

TEST_CASE("variance: a resample that draws rows twice is not biased towards one component") {
  // Without effects of rows and columns all is rest. Queries that were drawn twice, counted as two,
  // would make about a fifth of it look like effects, and lower the ends of the intervals by that.
  double low = 0.0;
  constexpr std::size_t kTrials = 20;
  for (std::uint64_t seed = 0; seed < kTrials; ++seed) {
    const auto split = split_variance(drawn(100 + seed, 10, 10, 0.0, 0.0, 1.0));
    low += split->rest.interval.low / kTrials;
  }
  CHECK(low > 0.58);  // 0.64; counted as two, 0.52
}

TEST_CASE("variance: no spread, one row or one column give nothing") {
  CHECK_FALSE(split_variance({3, 2, std::vector<double>(6, 0.5)}).has_value());
  CHECK_FALSE(split_variance({1, 3, {1.0, 2.0, 3.0}}).has_value());
  CHECK_FALSE(split_variance({3, 1, {1.0, 2.0, 3.0}}).has_value());
  CHECK_FALSE(split_variance({0, 0, {}}).has_value());
}

}  // namespace
}  // namespace recollect
