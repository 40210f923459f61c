#include "harness/bench/probe.hpp"

#include <doctest/doctest.h>

#include <cmath>

namespace recollect {

TEST_CASE("bench: the peak probe makes all its multiply-adds") {
  float sink = 0.5F;
  constexpr long kRounds = 3;
  const double operations = run_multiply_adds(kRounds, sink);
  const auto lanes = static_cast<int>(operations / (2.0 * 12.0 * kRounds));
  REQUIRE(lanes >= 1);
  double sum = 0.0;  // of what twelve chains, each starting elsewhere in each lane, must reach
  for (int chain = 0; chain < 12; ++chain) {
    for (int lane = 0; lane < lanes; ++lane) {
      float value = 0.5F + static_cast<float>(chain) + static_cast<float>(lane);
      for (long round = 0; round < kRounds; ++round) value = std::fma(value, 0.999F, 0.001F);
      sum += static_cast<double>(value);
    }
  }
  CHECK(static_cast<double>(sink) == doctest::Approx(sum).epsilon(1e-5));
}

TEST_CASE("bench: every probe gives a rate on any number of threads") {
  for (const int threads : {1, 3}) {
    RateProbe probe(threads);
    for (const Probe which : {Probe::kPeak, Probe::kEigen, Probe::kOwn}) {
      CHECK(probe.measure(which, 1e-4) > 0.0);
      CHECK(std::isfinite(probe.measure(which, 0.0)));
    }
  }
}

}  // namespace recollect
