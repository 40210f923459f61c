#include "harness/stats/paired_tests.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <random>
#include <vector>

#include "harness/stats/statistics.hpp"

namespace recollect {
namespace {

/// Small whole numbers, so that sums are exact and ties are frequent.
std::vector<double> drawn_differences(std::mt19937& random, std::size_t count) {
  std::vector<double> differences(count);
  for (double& difference : differences) difference = static_cast<double>(random() % 9) - 3.0;
  return differences;
}

TEST_CASE("paired tests: the sign test enumerates the outcomes of fair coins") {
  for (std::int64_t pairs = 0; pairs <= 14; ++pairs) {
    for (std::int64_t worse = 0; worse <= pairs; ++worse) {
      // As far from the middle as was seen, in either direction.
      std::int64_t as_far = 0;
      for (std::uint64_t way = 0; way < (std::uint64_t{1} << pairs); ++way) {
        const std::int64_t heads = __builtin_popcountll(way);
        as_far += std::abs(2 * heads - pairs) >= std::abs(2 * worse - pairs) ? 1 : 0;
      }
      const double expected = static_cast<double>(as_far) / std::exp2(static_cast<double>(pairs));
      CHECK(sign_test(worse, pairs - worse) == doctest::Approx(expected).epsilon(1e-12));
    }
  }
}

TEST_CASE("paired tests: McNemar's mid-p counts the outcomes of fair coins, the one seen by half") {
  for (std::int64_t worse = 0; worse <= 12; ++worse) {
    for (std::int64_t better = 0; better <= 12 - worse; ++better) {
      double expected = 0.0;
      const std::int64_t pairs = worse + better;
      for (std::uint64_t way = 0; way < (std::uint64_t{1} << pairs); ++way) {
        const std::int64_t heads = __builtin_popcountll(way);
        expected += heads > worse ? 1.0 : heads == worse ? 0.5 : 0.0;
      }
      expected /= std::exp2(static_cast<double>(pairs));
      CAPTURE(worse);
      CAPTURE(better);
      CHECK(mcnemar_mid_p(worse, better) ==
            doctest::Approx(worse == 0 ? 1.0 : expected).epsilon(1e-12));
      CHECK(mcnemar_test(worse, better) == mcnemar_test(better, worse));
      CHECK(mcnemar_test(worse, better) <= 1.0);
    }
  }
}

TEST_CASE("paired tests: Student's t for two and three pairs has a closed form") {
  std::mt19937 random(2);
  for (int repeat = 0; repeat < 50; ++repeat) {
    for (const std::size_t n : {2, 3}) {
      const std::vector<double> differences = drawn_differences(random, n);
      const double deviation = *standard_deviation(differences);
      if (deviation == 0.0) continue;
      for (const double bound : {-1.0, 0.0, 0.5}) {
        const double t =
            (mean(differences) - bound) / deviation * std::sqrt(static_cast<double>(n));
        const double below = n == 2 ? 0.5 + std::atan(t) / std::numbers::pi
                                    : 0.5 + t / (2.0 * std::sqrt(t * t + 2.0));
        CHECK(p_mean_below(differences, bound) == doctest::Approx(below).epsilon(1e-9));
        CHECK(p_mean_above(differences, bound) == doctest::Approx(1.0 - below).epsilon(1e-9));
      }
    }
  }
  // Student's sleep data (Biometrika 6, 1908), whose two-sided p is printed as 0.0028 everywhere.
  const std::vector<double> sleep = {1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4};
  CHECK(2.0 * p_mean_above(sleep, 0.0) == doctest::Approx(0.00283289).epsilon(1e-5));
  // Its interval ends where the test is just significant.
  const std::optional<Interval> interval = paired_mean_interval(sleep, 0.95);
  REQUIRE(interval.has_value());
  CHECK(p_mean_above(sleep, interval->low) == doctest::Approx(0.025));
  CHECK(p_mean_below(sleep, interval->high) == doctest::Approx(0.025));
  CHECK(interval->low == doctest::Approx(0.7001142));
  CHECK_FALSE(paired_mean_interval(std::vector<double>{0.5}, 0.95).has_value());
  // Where all differences are equal, the mean is known.
  const std::vector<double> same = {-0.02, -0.02, -0.02};
  CHECK(p_mean_below(same, -0.01) == 0.0);
  CHECK(p_mean_below(same, -0.02) == 1.0);
  CHECK(p_mean_above(same, -0.03) == 0.0);
  CHECK(p_mean_below(std::vector<double>{0.5}, 0.6) == 1.0);
}

TEST_CASE("paired tests: Holm's correction is the closed test of all subsets") {
  CHECK(holm({}).empty());
  const std::vector<double> corrected = holm({0.01, 0.04, 0.03, 0.005});
  const std::vector<double> expected = {0.03, 0.06, 0.06, 0.02};
  for (std::size_t i = 0; i < 4; ++i) CHECK(corrected[i] == doctest::Approx(expected[i]));
  std::mt19937 random(3);
  for (std::size_t n = 1; n <= 8; ++n) {
    for (int repeat = 0; repeat < 20; ++repeat) {
      std::vector<double> p(n);
      for (double& each : p) each = static_cast<double>(random() % 50) / 200.0;
      const std::vector<double> result = holm(p);
      for (std::size_t i = 0; i < n; ++i) {
        // A hypothesis falls where Bonferroni's test rejects every intersection that it is part of.
        double largest = 0.0;
        for (std::uint64_t subset = 0; subset < (std::uint64_t{1} << n); ++subset) {
          if (((subset >> i) & 1) == 0) continue;
          double least = 1.0;
          for (std::size_t j = 0; j < n; ++j) {
            if (((subset >> j) & 1) != 0) least = std::min(least, p[j]);
          }
          const double members = __builtin_popcountll(subset);
          largest = std::max(largest, std::min(1.0, members * least));
        }
        CHECK(result[i] == doctest::Approx(largest).epsilon(1e-12));
      }
    }
  }
}

}  // namespace
}  // namespace recollect
