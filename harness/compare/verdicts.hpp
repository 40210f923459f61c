#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/compare/comparison.hpp"

namespace recollect {

/// The value of a metric for the seeds that have one on both sides.
struct Pairs {
  std::vector<double> base;
  std::vector<double> now;
  std::int64_t lost = 0;    ///< seeds for which NEW alone has no finite value
  std::int64_t gained = 0;  ///< the same of BASE

  void add(double before, double after);
  [[nodiscard]] std::int64_t count() const noexcept;
  [[nodiscard]] std::vector<double> differences() const;
};

/// How many test examples are answered by one side alone. An example is counted once: where the
/// seeds share it, by the side on which more of them answer it.
struct ExampleCounts {
  bool known = false;
  std::int64_t all = 0;
  std::int64_t worse = 0;
  std::int64_t better = 0;
};

/// A metric of a group on its way to a verdict.
struct PendingMetric {
  MetricResult result;
  Pairs pairs;
  ExampleCounts examples;
};

struct PendingGroup {
  std::string name;
  std::string score;
  std::vector<PendingMetric> metrics;
};

/// A metric with its means and the p of every test that its pairs and examples allow.
[[nodiscard]] PendingMetric measured(Metric metric, Pairs pairs, const ExampleCounts& examples,
                                     const CompareRules& rules);

/// Chooses the test of each metric and group, corrects for their number, and decides.
[[nodiscard]] std::vector<ComparedGroup> judged(std::vector<PendingGroup> pending,
                                                const CompareRules& rules);

}  // namespace recollect
