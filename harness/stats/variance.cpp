#include "harness/stats/variance.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "math/rng.hpp"

namespace recollect {
namespace {

constexpr std::size_t kResamples = 10000;
constexpr double kTail = 0.025;  // of a two-sided 95 % interval

/// A pair of two different levels of a factor.
struct Pair {
  std::size_t first = 0;
  std::size_t second = 0;
};

std::vector<Pair> pairs_of(std::size_t count) {
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t k = i + 1; k < count; ++k) pairs.push_back({i, k});
  }
  return pairs;
}

/// Rows, columns, rest.
using Variances = std::array<double, 3>;

/// Holds every squared difference once, for any weights of rows and columns.
class Components {
 public:
  explicit Components(const CrossedValues& y)
      : row_pairs_(pairs_of(y.rows)), column_pairs_(pairs_of(y.columns)) {
    for (const Pair& r : row_pairs_) {
      for (std::size_t j = 0; j < y.columns; ++j) {
        const double d = y.at(r.first, j) - y.at(r.second, j);
        between_rows_.push_back(d * d / 2.0);
      }
      for (const Pair& c : column_pairs_) {
        const double d = y.at(r.first, c.first) - y.at(r.second, c.first) -
                         y.at(r.first, c.second) + y.at(r.second, c.second);
        rest_.push_back(d * d / 4.0);
      }
    }
    for (const Pair& c : column_pairs_) {
      for (std::size_t i = 0; i < y.rows; ++i) {
        const double d = y.at(i, c.first) - y.at(i, c.second);
        between_columns_.push_back(d * d / 2.0);
      }
    }
  }

  /// None where the weights leave no two different rows or columns, or no spread.
  [[nodiscard]] std::optional<Variances> estimate(const std::vector<double>& rows,
                                                  const std::vector<double>& columns) const {
    const std::vector<double> row_pairs = products(row_pairs_, rows);
    const std::vector<double> column_pairs = products(column_pairs_, columns);
    const std::optional<double> rest = weighted_mean(rest_, row_pairs, column_pairs);
    if (!rest) return std::nullopt;
    const double between_rows = *weighted_mean(between_rows_, row_pairs, columns);
    const double between_columns = *weighted_mean(between_columns_, column_pairs, rows);
    const Variances variances{std::max(0.0, between_rows - *rest),
                              std::max(0.0, between_columns - *rest), *rest};
    if (variances[0] + variances[1] + variances[2] <= 0.0) return std::nullopt;
    return variances;
  }

 private:
  static std::vector<double> products(const std::vector<Pair>& pairs,
                                      const std::vector<double>& weights) {
    std::vector<double> result;
    for (const Pair& pair : pairs) result.push_back(weights[pair.first] * weights[pair.second]);
    return result;
  }

  /// Of a matrix, outer x inner. None where the weights are all 0.
  static std::optional<double> weighted_mean(const std::vector<double>& matrix,
                                             const std::vector<double>& outer,
                                             const std::vector<double>& inner) {
    double sum = 0.0;
    double weight = 0.0;
    for (std::size_t i = 0; i < outer.size(); ++i) {
      if (outer[i] == 0.0) continue;
      for (std::size_t j = 0; j < inner.size(); ++j) {
        sum += outer[i] * inner[j] * matrix[i * inner.size() + j];
        weight += outer[i] * inner[j];
      }
    }
    if (weight == 0.0) return std::nullopt;
    return sum / weight;
  }

  std::vector<Pair> row_pairs_;
  std::vector<Pair> column_pairs_;
  std::vector<double> between_rows_;     // row pairs x columns
  std::vector<double> between_columns_;  // column pairs x rows
  std::vector<double> rest_;             // row pairs x column pairs
};

/// How often each of `count` levels is drawn in `count` draws.
std::vector<double> drawn(Rng& rng, std::size_t count) {
  std::vector<double> weights(count, 0.0);
  for (std::size_t i = 0; i < count; ++i)
    weights[rng.below(static_cast<std::uint32_t>(count))] += 1;
  return weights;
}

Interval percentile_interval(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double probability) {
    return values[static_cast<std::size_t>(probability * static_cast<double>(values.size() - 1))];
  };
  return {at(kTail), at(1.0 - kTail)};
}

}  // namespace

std::optional<VarianceSplit> split_variance(const CrossedValues& values) {
  if (values.values.size() != values.rows * values.columns) throw std::logic_error("not crossed");
  if (values.rows < 2 || values.columns < 2) return std::nullopt;
  const Components components(values);
  const std::optional<Variances> whole = components.estimate(
      std::vector<double>(values.rows, 1.0), std::vector<double>(values.columns, 1.0));
  if (!whole) return std::nullopt;

  std::array<std::vector<double>, 3> shares;
  for (std::size_t resample = 0; resample < kResamples; ++resample) {
    Rng rng(0, Stream::kBootstrap, resample);
    const std::vector<double> rows = drawn(rng, values.rows);
    const std::vector<double> columns = drawn(rng, values.columns);
    const std::optional<Variances> some = components.estimate(rows, columns);
    if (!some) continue;
    const double total = (*some)[0] + (*some)[1] + (*some)[2];
    for (std::size_t i = 0; i < 3; ++i) shares[i].push_back((*some)[i] / total);
  }

  VarianceSplit split;
  split.resamples = shares[0].size();
  const double total = (*whole)[0] + (*whole)[1] + (*whole)[2];
  std::size_t i = 0;
  for (VarianceComponent* component : {&split.rows, &split.columns, &split.rest}) {
    component->variance = (*whole)[i];
    component->share = (*whole)[i] / total;
    component->interval = shares[i].empty() ? Interval{0.0, 1.0} : percentile_interval(shares[i]);
    ++i;
  }
  return split;
}

}  // namespace recollect
