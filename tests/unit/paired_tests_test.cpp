#include "harness/stats/paired_tests.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
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

/// How many of the ways to turn signs, from the i-th on, lead to a sum at least as far from 0.
std::uint64_t ways_as_far(const std::vector<double>& differences, std::size_t i, double sum,
                          double observed) {
  if (i == differences.size()) return std::abs(sum) >= observed ? 1 : 0;
  return ways_as_far(differences, i + 1, sum + differences[i], observed) +
         ways_as_far(differences, i + 1, sum - differences[i], observed);
}

TEST_CASE("paired tests: the sign-flip test counts all ways to turn the signs") {
  std::mt19937 random(1);
  for (std::size_t n = 1; n <= 12; ++n) {
    for (int repeat = 0; repeat < 10; ++repeat) {
      std::vector<double> differences = drawn_differences(random, n);
      double sum = 0.0;
      for (const double difference : differences) sum += difference;
      const double expected = static_cast<double>(ways_as_far(differences, 0, 0.0, std::abs(sum))) /
                              std::exp2(static_cast<double>(n));
      CHECK(sign_flip_test(differences) == expected);
      // Neither order nor direction nor unit matter, not even where sums round.
      std::shuffle(differences.begin(), differences.end(), random);
      for (double& difference : differences) difference *= -0.1;
      CHECK(sign_flip_test(differences) == expected);
    }
  }
  CHECK(sign_flip_test({}) == 1.0);
}

TEST_CASE("paired tests: on wins and losses the sign-flip test is the sign test") {
  for (std::int64_t worse = 0; worse <= 7; ++worse) {
    for (std::int64_t better = 0; better <= 7; ++better) {
      std::vector<double> differences(3, 0.0);  // ties
      differences.insert(differences.end(), static_cast<std::size_t>(worse), -1.0);
      differences.insert(differences.end(), static_cast<std::size_t>(better), 1.0);
      CHECK(sign_flip_test(differences) ==
            doctest::Approx(sign_test(worse, better)).epsilon(1e-12));
    }
  }
  // Beyond 20 pairs signs are drawn: four standard errors of 100,000 draws.
  for (const std::int64_t better : {13, 15, 17, 20}) {
    const std::int64_t worse = 26 - better;
    std::vector<double> differences(static_cast<std::size_t>(worse), -1.0);
    differences.insert(differences.end(), static_cast<std::size_t>(better), 1.0);
    const double exact = sign_test(worse, better);
    const double slack = 4.0 * std::sqrt(exact * (1.0 - exact) / 1e5) + 1e-5;
    CHECK(std::abs(sign_flip_test(differences) - exact) <= slack);
  }
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
  for (std::int64_t pairs = 1; pairs <= 60; ++pairs) {
    CHECK(smallest_p(pairs) == doctest::Approx(sign_test(pairs, 0)).epsilon(1e-12));
  }
  CHECK(smallest_p(0) == 1.0);
}

TEST_CASE("paired tests: Student's t for two and three pairs has a closed form") {
  std::mt19937 random(2);
  for (int repeat = 0; repeat < 50; ++repeat) {
    for (const std::size_t n : {2, 3}) {
      const std::vector<double> differences = drawn_differences(random, n);
      const double deviation = *standard_deviation(differences);
      if (deviation == 0.0) continue;
      const double t = std::abs(mean(differences)) / deviation * std::sqrt(static_cast<double>(n));
      const double expected =
          n == 2 ? 1.0 - 2.0 / std::numbers::pi * std::atan(t) : 1.0 - t / std::sqrt(t * t + 2.0);
      CHECK(*paired_t_test(differences) == doctest::Approx(expected).epsilon(1e-9));
    }
  }
  // Student's sleep data (Biometrika 6, 1908), whose two-sided p is printed as 0.0028 everywhere.
  const std::vector<double> sleep = {1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4};
  CHECK(*paired_t_test(sleep) == doctest::Approx(0.00283289).epsilon(1e-5));
  CHECK_FALSE(paired_t_test(std::vector<double>{0.5}).has_value());
  CHECK(*paired_t_test(std::vector<double>{0.0, 0.0, 0.0}) == 1.0);
  CHECK(*paired_t_test(std::vector<double>{0.5, 0.5}) == 0.0);
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

TEST_CASE("paired tests: the detectable difference is found in four of five samples") {
  std::mt19937 random(4);
  constexpr int kSamples = 20000;
  for (const std::size_t n : {3, 6, 20}) {
    const std::vector<double> seen = drawn_differences(random, n);
    const double deviation = *standard_deviation(seen);
    const double shift = *detectable_difference(seen, 0.05);
    std::normal_distribution<double> normal(shift, deviation);
    int found = 0;
    std::vector<double> sample(n);
    for (int i = 0; i < kSamples; ++i) {
      for (double& value : sample) value = normal(random);
      found += *paired_t_test(sample) <= 0.05 ? 1 : 0;
    }
    CAPTURE(n);
    CHECK(static_cast<double>(found) / kSamples == doctest::Approx(0.8).epsilon(0.02));
  }
  CHECK_FALSE(detectable_difference(std::vector<double>{0.1}, 0.05).has_value());
  CHECK(*detectable_difference(std::vector<double>{0.1, 0.1}, 0.05) == 0.0);
}

/// Probability that the sign test of `discordant` pairs, of which one speaks for NEW with `share`,
/// comes out at alpha or less.
double sign_test_power(std::int64_t discordant, double share, double alpha) {
  const auto n = static_cast<double>(discordant);
  double power = 0.0;
  for (std::int64_t better = 0; better <= discordant; ++better) {
    if (sign_test(discordant - better, better) > alpha) continue;
    const auto k = static_cast<double>(better);
    power += std::exp(std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0) +
                      k * std::log(share) + (n - k) * std::log(1.0 - share));
  }
  return power;
}

TEST_CASE("paired tests: the detectable share is about that of the exact test") {
  for (const std::int64_t discordant : {40, 100, 300}) {
    const double share = *detectable_share(discordant, 1000, 0.05);
    const double for_new = 0.5 + share * 1000.0 / static_cast<double>(discordant) / 2.0;
    CAPTURE(discordant);
    CHECK(sign_test_power(discordant, for_new, 0.05) == doctest::Approx(0.8).epsilon(0.08));
  }
  // Where none differ, the fewest that would be significant.
  const double fewest = *detectable_share(0, 100, 0.05) * 100.0;
  const auto count = static_cast<std::int64_t>(std::lround(fewest));
  CHECK(sign_test(count, 0) <= 0.05);
  CHECK(sign_test(count - 1, 0) > 0.05);
  CHECK_FALSE(detectable_share(0, 4, 0.05).has_value());
  CHECK_FALSE(detectable_share(0, 0, 0.05).has_value());
}

}  // namespace
}  // namespace recollect
