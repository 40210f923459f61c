#include "harness/stats/equivalence.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "harness/stats/paired_tests.hpp"

namespace recollect {
namespace {

IntervalAt always(double low, double high) {
  return [=](double) { return Interval{low, high}; };
}

TEST_CASE("equivalence: an end on the margin is within it") {
  const MarginRule rule{0.25, 0.05};
  CHECK(finding_of(always(-0.25, 0.25), rule) == Finding::kEquivalent);
  CHECK(finding_of(always(-0.2501, 0.25), rule) == Finding::kInconclusive);
  CHECK(finding_of(always(-0.25, 0.2501), rule) == Finding::kInconclusive);
  CHECK(finding_of(always(0.2501, 0.5), rule) == Finding::kDiffers);
  CHECK(finding_of(always(0.25, 0.5), rule) == Finding::kInconclusive);
  CHECK(finding_of(always(-0.5, -0.2501), rule) == Finding::kDiffers);
  CHECK(finding_of(always(-0.5, -0.25), rule) == Finding::kInconclusive);
  // Not 0, but within: of no interest all the same.
  CHECK(finding_of(always(0.1, 0.2), rule) == Finding::kEquivalent);
  // Not 0, and perhaps beyond.
  CHECK(finding_of(always(0.1, 0.4), rule) == Finding::kInconclusive);
}

TEST_CASE("equivalence: differs has a level of its own, equivalent always 95 %") {
  const IntervalAt interval = [](double tail) {
    return tail < kTail95 ? Interval{0.1, 0.9} : Interval{0.3, 0.7};
  };
  CHECK(finding_of(interval, {0.2, 0.05}) == Finding::kDiffers);
  CHECK(finding_of(interval, {0.2, 0.01}) == Finding::kInconclusive);
  CHECK(finding_of(interval, {0.7, 0.01}) == Finding::kEquivalent);
}

TEST_CASE("equivalence: p is the level at which an interval leaves the margin") {
  const Moments ours{0.5, 0.1, 6};
  const Moments theirs{0.9, 0.2, 8};
  const IntervalAt interval = [&](double tail) {
    return *mean_difference_interval(ours, theirs, tail);
  };
  const double p = p_beyond(interval, 0.01);
  // Twice the tail of Student's t beyond 0.39 / e, by integrating its density, with Welch's
  // e = 0.08164966 and 10.769231 degrees of freedom.
  CHECK(p == doctest::Approx(0.00060960549).epsilon(1e-6));
  CHECK(interval(0.999 * p / 2.0).high > -0.01);
  CHECK(interval(1.001 * p / 2.0).high < -0.01);
  CHECK(p_beyond(interval, 0.4) == 1.0);
  CHECK(p_beyond(always(0.5, 0.5), 0.1) == doctest::Approx(2e-15));
}

TEST_CASE("equivalence: a level of Holm's rejects what his corrected p rejects") {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> exponent(-3.0, -0.5);
  for (int trial = 0; trial < 500; ++trial) {
    std::vector<double> p(1 + static_cast<std::size_t>(trial) % 6);
    for (double& each : p) each = std::pow(10.0, exponent(random));
    const std::vector<double> corrected = holm(p);
    const std::vector<double> levels = holm_levels(p, 0.05);
    for (std::size_t i = 0; i < p.size(); ++i) CHECK((p[i] < levels[i]) == (corrected[i] < 0.05));
  }
}

/// The chances over all 2^n ways in which n seeds may turn out, one by one.
template <class Judge>
Chances by_patterns(int n, double truth, Judge&& judge) {
  Chances sum;
  for (unsigned pattern = 0; pattern < (1U << n); ++pattern) {
    int count = 0;
    double weight = 1.0;
    for (int seed = 0; seed < n; ++seed) {
      const bool yes = ((pattern >> seed) & 1U) != 0;
      count += yes ? 1 : 0;
      weight *= yes ? truth : 1.0 - truth;
    }
    const auto [at_95, corrected, margin] = judge(count, pattern);
    sum.below += corrected.high < -margin ? weight : 0.0;
    sum.above += corrected.low > margin ? weight : 0.0;
    sum.equivalent += at_95.low >= -margin && at_95.high <= margin ? weight : 0.0;
  }
  return sum;
}

struct Judged {
  Interval at_95, corrected;
  double margin;
};

void check_same(const Chances& a, const Chances& b, double tolerance) {
  CHECK(std::abs(a.below - b.below) < tolerance);
  CHECK(std::abs(a.above - b.above) < tolerance);
  CHECK(std::abs(a.equivalent - b.equivalent) < tolerance);
}

TEST_CASE("equivalence: chances of shares are those over all patterns of seeds") {
  for (const auto& counts : {std::tuple(5, 3, 5), std::tuple(8, 16, 20), std::tuple(9, 0, 40)}) {
    const auto [a, b, c] = counts;
    const int ours = a, solved = b, theirs = c;  // clang 14 captures no structured binding
    for (const double margin : {0.2, 0.45}) {
      const ChancesAt chances = share_chances(ours, solved, theirs, {margin, 0.02});
      for (const double truth : {0.0, 0.07, 0.5, 0.9, 1.0}) {
        const Chances brute = by_patterns(ours, truth, [&](int count, unsigned) {
          return Judged{share_difference_interval(count, ours, solved, theirs),
                        share_difference_interval(count, ours, solved, theirs, 0.01), margin};
        });
        check_same(chances(truth), brute, 1e-12);
      }
    }
  }
}

TEST_CASE("equivalence: chances of two groups are those over all patterns of seeds") {
  const std::vector<double> ours = {0.99, 0.99, 0.03, 0.99, 0.03, 0.99};
  const auto groups = two_clusters(ours);
  REQUIRE(groups.has_value());
  for (int step = 0; step <= 50; ++step) {  // near enough for every end to pass the margin
    const Moments theirs{0.02 * step, step % 2 == 0 ? 0.1 : 0.001, 12};
    const ChancesAt chances = two_group_chances(ours, *groups, theirs, {0.01, 0.05});
    for (const double truth : {0.0, 0.1, 0.6, 1.0}) {
      const Chances brute = by_patterns(6, truth, [&](int, unsigned pattern) {
        std::vector<double> drawn;
        for (int seed = 0; seed < 6; ++seed) {
          drawn.push_back(((pattern >> seed) & 1U) != 0 ? 0.99 : 0.03);
        }
        const Moments moments{mean(drawn), standard_deviation(drawn), 6};
        const Interval interval = *mean_difference_interval(moments, theirs);
        return Judged{interval, interval, 0.01};
      });
      check_same(chances(truth), brute, 1e-9);
    }
  }
}

TEST_CASE("equivalence: chances of normal values are those of simulated samples") {
  constexpr int kSamples = 20000;
  std::mt19937 random(7);
  for (const auto& [ours, theirs] : {std::pair(Moments{0.5, 0.05, 5}, Moments{0.6, 0.02, 5}),
                                     std::pair(Moments{0.5, 0.01, 4}, Moments{0.6, {}, 1}),
                                     std::pair(Moments{0.5, {}, 1}, Moments{0.6, 0.03, 8})}) {
    const MarginRule rule{0.05, 0.05};
    const ChancesAt chances = normal_chances(ours, theirs, rule);
    for (const double truth : {0.5, 0.58, 0.75}) {
      std::normal_distribution<double> values(truth, ours.sd.value_or(theirs.sd.value_or(0.0)));
      Chances counted;
      for (int sample = 0; sample < kSamples; ++sample) {
        std::vector<double> drawn(static_cast<std::size_t>(ours.n));
        for (double& value : drawn) value = values(random);
        const Moments moments{mean(drawn), standard_deviation(drawn), ours.n};
        const Interval interval = *mean_difference_interval(moments, theirs);
        counted.below += interval.high < -0.05 ? 1.0 / kSamples : 0.0;
        counted.above += interval.low > 0.05 ? 1.0 / kSamples : 0.0;
        counted.equivalent += interval.low >= -0.05 && interval.high <= 0.05 ? 1.0 / kSamples : 0.0;
      }
      check_same(chances(truth), counted, 0.015);
    }
  }
}

TEST_CASE("equivalence: detectable truths are where the chance crosses 80 %") {
  const ChancesAt chances = share_chances(20, 16, 20, {0.2, 0.05});
  const Detectable seen = detectable_truths(chances);
  REQUIRE(seen.below.has_value());
  CHECK(chances(*seen.below - 0.001).below > 0.8);
  CHECK(chances(*seen.below + 0.001).below < 0.8);
  CHECK_FALSE(seen.above.has_value());  // 100 % is too near to 80
  CHECK(seen.most_differs == doctest::Approx(1.0));
  // Five seeds beside a figure of this spread: whatever ours were, there was one verdict.
  const std::vector<double> ours = {0.99, 0.99, 0.03, 0.99, 0.03};
  const Detectable blind = detectable_truths(two_group_chances(
      ours, *two_clusters(ours), {0.609, 0.467 * std::sqrt(5.0 / 4.0), 5}, {0.01, 0.05}));
  CHECK_FALSE(blind.below.has_value());
  CHECK_FALSE(blind.above.has_value());
  CHECK(blind.most_differs == 0.0);
  CHECK(blind.most_equivalent == 0.0);
}

}  // namespace
}  // namespace recollect
