#include "harness/stats/survival.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace recollect {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

std::vector<Waiting> runs(const std::vector<double>& events, const std::vector<double>& censored) {
  std::vector<Waiting> all;
  for (const double time : events) all.push_back({time, false});
  for (const double time : censored) all.push_back({time, true});
  return all;
}

}  // namespace

TEST_CASE("survival: without censoring before the limit the restricted mean is that of cut times") {
  std::mt19937 random(1);
  for (int repeat = 0; repeat < 100; ++repeat) {
    std::vector<Waiting> all;
    double sum = 0.0;
    const std::size_t count = 1 + random() % 12;
    for (std::size_t i = 0; i < count; ++i) {
      const double time = static_cast<double>(1 + random() % 20);
      const bool never = random() % 4 == 0;
      all.push_back(never ? Waiting{random() % 2 == 0 ? kNever : 15.0, true}
                          : Waiting{time, false});
      sum += never ? 15.0 : std::min(time, 15.0);
    }
    CHECK(restricted_mean(all, 15.0) ==
          doctest::Approx(sum / static_cast<double>(count)).epsilon(1e-12));
  }
}

TEST_CASE("survival: a run that is censored early weighs as those that were watched on") {
  // Of three, one left after 2: the curve is 1 up to 3, then 1/2 up to 5, then 0.
  CHECK(restricted_mean(runs({3.0, 5.0}, {2.0}), 10.0) == doctest::Approx(3.0 + 0.5 * 2.0));
  // Leukaemia remissions under 6-MP (Freireich and others, Blood 21, 1963; Kaplan-Meier's textbook
  // case): 23.29 weeks up to 35.
  const std::vector<Waiting> treated =
      runs({6, 6, 6, 7, 10, 13, 16, 22, 23}, {6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35});
  CHECK(restricted_mean(treated, 35.0) == doctest::Approx(23.287).epsilon(1e-3));
}

TEST_CASE("survival: the log-rank test of the textbook's two groups") {
  const std::vector<Waiting> treated =
      runs({6, 6, 6, 7, 10, 13, 16, 22, 23}, {6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35});
  const std::vector<Waiting> placebo =
      runs({1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23}, {});
  // Chi-square 16.793 on one degree of freedom, as printed for these data: p = 4.17e-5.
  CHECK(log_rank_test(treated, placebo) == doctest::Approx(4.17e-5).epsilon(0.01));
  CHECK(log_rank_test(placebo, treated) == doctest::Approx(log_rank_test(treated, placebo)));
  CHECK(log_rank_test(placebo, placebo) == 1.0);
  CHECK(log_rank_test(runs({}, {5, 5}), runs({}, {5, 5})) == 1.0);
}

}  // namespace recollect
