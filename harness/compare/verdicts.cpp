#include "harness/compare/verdicts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/text.hpp"
#include "harness/stats/paired_tests.hpp"

namespace recollect {
namespace {

/// Fewer have no interval that could be trusted: two seeds that fell together by accident would
/// make a narrow one.
constexpr std::size_t kFewestSeeds = 3;

// A difference that is the tolerance but for rounding is not beyond it.
constexpr double kRounding = 1e-9;

/// Two-sided p values against each of the three verdicts' opposites.
struct Evidence {
  double worse = 1.0;
  double better = 1.0;
  double same = 1.0;
  [[nodiscard]] double least() const { return std::min({worse, better, same}); }
};

double two_sided(double p) { return std::min(1.0, 2.0 * p); }

bool smaller_is_better(Metric metric) { return metric == Metric::kLoss; }

/// Whether the seeds fall apart and some learned it on one side alone: their numbers decide then.
bool changed_sides(const ComparedGroup& group) {
  return group.learned && group.learned->base_alone + group.learned->now_alone > 0;
}

Evidence evidence_of(const ComparedGroup& group, const Pairs& pairs, const CompareRules& rules) {
  Evidence evidence;
  if (changed_sides(group)) {
    evidence.worse = two_sided(mcnemar_mid_p(group.learned->base_alone, group.learned->now_alone));
    evidence.better = two_sided(mcnemar_mid_p(group.learned->now_alone, group.learned->base_alone));
    return evidence;
  }
  std::vector<double> better = pairs.differences();
  if (better.size() < kFewestSeeds) return evidence;
  if (smaller_is_better(rules.metric)) {
    for (double& difference : better) difference = -difference;
  }
  const double bound = rules.tolerance() + kRounding;
  evidence.worse = two_sided(p_mean_below(better, -bound));
  evidence.better = two_sided(p_mean_above(better, bound));
  evidence.same = two_sided(std::max(p_mean_above(better, -bound), p_mean_below(better, bound)));
  return evidence;
}

Verdict verdict_of(const Evidence& evidence) {
  const double least = evidence.least();
  if (least == evidence.worse) return Verdict::kWorse;
  return least == evidence.better ? Verdict::kBetter : Verdict::kSame;
}

std::string reason(const ComparedGroup& group, const CompareRules& rules) {
  if (changed_sides(group)) {
    const Learned& learned = *group.learned;
    return fmt::format(
        "the seeds fall apart: {} of {} learned it in BASE, {} in NEW ({} in BASE alone, {} in NEW "
        "alone)",
        learned.base, group.seeds, learned.now, learned.base_alone, learned.now_alone);
  }
  if (group.pairs < static_cast<std::int64_t>(kFewestSeeds)) {
    return fmt::format("{} cannot decide; {} can",
                       plural(static_cast<std::size_t>(group.pairs), "seed"), kFewestSeeds);
  }
  const char* const where = group.verdict == Verdict::kUndecided ? "reaches across"
                            : group.verdict == Verdict::kSame    ? "lies within"
                                                                 : "lies beyond";
  return fmt::format("the interval {} the tolerance of {:.4g}", where, rules.tolerance());
}

/// Holm's order: the group of the k-th smallest p is tested at alpha / (groups - k).
void decide(std::vector<PendingGroup*> groups, const CompareRules& rules) {
  std::vector<Evidence> evidence;
  std::vector<double> p;
  for (const PendingGroup* pending : groups) {
    evidence.push_back(evidence_of(pending->group, pending->pairs, rules));
    p.push_back(evidence.back().least());
  }
  const std::vector<double> corrected = holm(p);
  std::vector<std::size_t> order(groups.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const std::size_t i = order[rank];
    ComparedGroup& group = groups[i]->group;
    group.confidence = 1.0 - rules.alpha / static_cast<double>(order.size() - rank);
    if (!changed_sides(group)) {
      group.interval = paired_mean_interval(groups[i]->pairs.differences(), group.confidence);
    }
    if (p[i] < 1.0) group.p = corrected[i];
    group.verdict = corrected[i] <= rules.alpha ? verdict_of(evidence[i]) : Verdict::kUndecided;
    group.why = reason(group, rules);
  }
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

std::optional<Learned> learned_of(const Pairs& pairs, bool smaller_is_better) {
  std::vector<double> all = pairs.base;
  all.insert(all.end(), pairs.now.begin(), pairs.now.end());
  const std::optional<TwoClusters> clusters = two_clusters(all);
  if (!clusters && pairs.lost + pairs.gained == 0) return std::nullopt;
  Learned learned;
  if (clusters) learned.threshold = clusters->threshold;
  const auto has_learned = [&](double value) {
    // Without clusters every seed with a value has, in comparison with one that has none.
    return !learned.threshold ||
           (smaller_is_better ? value <= *learned.threshold : value > *learned.threshold);
  };
  for (std::size_t i = 0; i < pairs.base.size(); ++i) {
    const bool before = has_learned(pairs.base[i]);
    const bool after = has_learned(pairs.now[i]);
    learned.base += before ? 1 : 0;
    learned.now += after ? 1 : 0;
    learned.base_alone += before && !after ? 1 : 0;
    learned.now_alone += after && !before ? 1 : 0;
  }
  learned.base += pairs.lost;
  learned.base_alone += pairs.lost;
  learned.now += pairs.gained;
  learned.now_alone += pairs.gained;
  return learned;
}

Described described(std::string score, Metric metric, const Pairs& pairs) {
  Described result{std::move(score), metric, pairs.count(), 0.0, 0.0, 0.0, std::nullopt};
  if (result.seeds == 0) return result;
  const std::vector<double> differences = pairs.differences();
  result.base = mean(pairs.base);
  result.now = mean(pairs.now);
  result.difference = mean(differences);
  result.interval = paired_mean_interval(differences, 0.95);
  return result;
}

std::vector<ComparedGroup> judged(std::vector<PendingGroup> pending, const CompareRules& rules) {
  std::vector<PendingGroup*> differing;
  for (PendingGroup& one : pending) {
    ComparedGroup& group = one.group;
    const Described values = described(group.score, rules.metric, one.pairs);
    group.pairs = values.seeds;
    group.base = values.base;
    group.now = values.now;
    group.difference = values.difference;
    group.lost = one.pairs.lost;
    group.gained = one.pairs.gained;
    group.learned = learned_of(one.pairs, smaller_is_better(rules.metric));
    const double worse = smaller_is_better(rules.metric) ? group.difference : -group.difference;
    group.beyond = group.lost > 0 || worse > rules.tolerance() + kRounding;
    if (group.changed > 0) differing.push_back(&one);
  }
  decide(differing, rules);
  std::vector<ComparedGroup> groups;
  for (PendingGroup& one : pending) groups.push_back(std::move(one.group));
  return groups;
}

}  // namespace recollect
