#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace recollect {

/// What is compared of a group. The first three belong to its scores, the others to its training.
enum class Metric { kAccuracy, kExactMatch, kLoss, kSolved, kSolvedStep };
inline constexpr std::array kMetrics{Metric::kAccuracy, Metric::kExactMatch, Metric::kLoss,
                                     Metric::kSolved, Metric::kSolvedStep};
[[nodiscard]] std::string_view name_of(Metric metric);

struct CompareRules {
  double alpha = 0.05;
  /// How much worse, in the metric's own unit, is not yet worse; none: the metric is shown and
  /// decides nothing. In the order of kMetrics.
  std::array<std::optional<double>, kMetrics.size()> tolerances{0.01, 0.01, 0.05, 0.0, {}};
  [[nodiscard]] const std::optional<double>& tolerance(Metric metric) const {
    return tolerances[static_cast<std::size_t>(metric)];
  }
};

enum class Verdict {
  kSame,     ///< within the tolerance
  kUnclear,  ///< beyond the tolerance, but a test that could have said so does not
  kBetter,
  kWorse,
};
[[nodiscard]] std::string_view name_of(Verdict verdict);

/// One metric of one group, over the seeds that both sides have.
struct MetricResult {
  Metric metric = Metric::kAccuracy;
  std::int64_t seeds = 0;  ///< pairs
  double base = 0.0;       ///< means over these
  double now = 0.0;
  double difference = 0.0;  ///< now - base
  std::optional<double> tolerance;
  std::optional<double> p_seeds;     ///< sign_flip_test(), from two seeds on
  std::optional<double> p_t;         ///< paired_t_test()
  std::optional<double> p_examples;  ///< sign_test() on examples; exact match alone
  std::int64_t examples_worse = 0;   ///< examples that BASE alone answers; 0 where not known
  std::int64_t examples_better = 0;
  std::optional<double> p_holm;  ///< of the one test that decides; none: the tolerance alone does
  std::optional<double> detectable;
  Verdict verdict = Verdict::kSame;
  std::string why;  ///< what decided; empty for kSame
};

/// The cells of both sides that differ in their seeds alone.
struct ComparedGroup {
  std::string name;   ///< task, label, and settings where these are not enough
  std::string score;  ///< "best, test, length 64", or "training"
  std::vector<MetricResult> metrics;
  Verdict verdict = Verdict::kSame;
};

/// Something that must be the same for a comparison to mean anything, and is not.
struct Mismatch {
  std::string where;
  std::string key;
  std::string base;
  std::string now;
};

/// BASE and NEW, group by group.
struct ResultComparison {
  std::vector<ComparedGroup> groups;
  std::vector<Mismatch> mismatches;
  [[nodiscard]] bool worse() const;
};

}  // namespace recollect
