#include "harness/compare/verdicts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text.hpp"
#include "harness/stats/paired_tests.hpp"
#include "harness/stats/statistics.hpp"

namespace recollect {
namespace {

// A difference that is the tolerance but for rounding is not beyond it.
constexpr double kRounding = 1e-9;

bool larger_is_better(Metric metric) {
  return metric != Metric::kLoss && metric != Metric::kSolvedStep;
}

/// @param tests  metrics of this kind, among which this is one
void decide(PendingMetric& pending, double tests, const CompareRules& rules) {
  MetricResult& result = pending.result;
  if (!result.tolerance) return;
  if (pending.pairs.lost > 0) {
    result.verdict = Verdict::kWorse;
    result.why = fmt::format("{} without a value in NEW alone", plural(pending.pairs.lost, "seed"));
    return;
  }
  const double better = larger_is_better(result.metric) ? result.difference : -result.difference;
  if (std::abs(better) <= *result.tolerance + kRounding) {
    if (pending.pairs.gained > 0) {
      result.verdict = Verdict::kBetter;
      result.why =
          fmt::format("{} without a value in BASE alone", plural(pending.pairs.gained, "seed"));
    }
    return;
  }
  if (result.p_holm && *result.p_holm > rules.alpha) {
    result.verdict = Verdict::kUnclear;
    result.why = "beyond the tolerance, but not significant";
    return;
  }
  result.verdict = better < 0.0 ? Verdict::kWorse : Verdict::kBetter;
  if (result.p_holm) {
    result.why = "beyond the tolerance, and significant";
    return;
  }
  std::int64_t needed = result.seeds;
  while (smallest_p(needed) * tests > rules.alpha) ++needed;
  result.why = fmt::format(
      "beyond the tolerance; with {} no test can decide among {} ({} seeds could)",
      plural(result.seeds, "seed"), plural(static_cast<std::int64_t>(tests), "group"), needed);
}

/// All metrics of one kind: one of them is significant among that many.
void judge(const std::vector<PendingMetric*>& group, const CompareRules& rules) {
  // Whether a test can decide depends on the number of seeds, examples and groups alone, never on
  // the values.
  const auto tests = static_cast<double>(group.size());
  const auto can_decide = [&](std::int64_t pairs) {
    return smallest_p(pairs) * tests <= rules.alpha;
  };
  std::vector<double> p;
  std::vector<PendingMetric*> tested;
  for (PendingMetric* each : group) {
    if (can_decide(each->result.seeds)) {
      p.push_back(*each->result.p_seeds);
    } else if (each->examples.known && can_decide(each->examples.all)) {
      p.push_back(*each->result.p_examples);
    } else {
      continue;
    }
    tested.push_back(each);
  }
  const std::vector<double> corrected = holm(p);
  for (std::size_t i = 0; i < tested.size(); ++i) tested[i]->result.p_holm = corrected[i];
  for (PendingMetric* each : group) decide(*each, tests, rules);
}

}  // namespace

void Pairs::add(double before, double after) {
  if (!std::isfinite(before) && !std::isfinite(after)) return;
  if (!std::isfinite(after)) {
    ++lost;
  } else if (!std::isfinite(before)) {
    ++gained;
  } else {
    base.push_back(before);
    now.push_back(after);
  }
}

std::int64_t Pairs::count() const noexcept { return static_cast<std::int64_t>(base.size()); }

std::vector<double> Pairs::differences() const {
  std::vector<double> all;
  for (std::size_t i = 0; i < now.size(); ++i) all.push_back(now[i] - base[i]);
  return all;
}

PendingMetric measured(Metric metric, Pairs pairs, const ExampleCounts& examples,
                       const CompareRules& rules) {
  PendingMetric pending{{}, std::move(pairs), examples};
  MetricResult& result = pending.result;
  result.metric = metric;
  result.tolerance = rules.tolerance(metric);
  result.seeds = pending.pairs.count();
  if (result.seeds > 0) {
    const std::vector<double> differences = pending.pairs.differences();
    result.base = mean(pending.pairs.base);
    result.now = mean(pending.pairs.now);
    result.difference = mean(differences);
    if (result.seeds > 1) result.p_seeds = sign_flip_test(differences);
    result.p_t = paired_t_test(differences);
    result.detectable = detectable_difference(differences, rules.alpha);
  }
  if (examples.known) {
    result.examples_worse = examples.worse;
    result.examples_better = examples.better;
    result.p_examples = sign_test(examples.worse, examples.better);
    if (!result.detectable) {
      result.detectable =
          detectable_share(examples.worse + examples.better, examples.all, rules.alpha);
    }
  }
  return pending;
}

std::vector<ComparedGroup> judged(std::vector<PendingGroup> pending, const CompareRules& rules) {
  for (const Metric metric : kMetrics) {
    std::vector<PendingMetric*> group;
    for (PendingGroup& one : pending) {
      for (PendingMetric& each : one.metrics) {
        if (each.result.metric == metric) group.push_back(&each);
      }
    }
    judge(group, rules);
  }
  std::vector<ComparedGroup> groups;
  for (PendingGroup& one : pending) {
    ComparedGroup& group = groups.emplace_back(
        ComparedGroup{std::move(one.name), std::move(one.score), {}, Verdict::kSame});
    for (PendingMetric& each : one.metrics) {
      group.verdict = std::max(group.verdict, each.result.verdict);
      group.metrics.push_back(std::move(each.result));
    }
  }
  return groups;
}

}  // namespace recollect
