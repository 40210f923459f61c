#include "harness/page/comparisons.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "harness/stats/paired_tests.hpp"

namespace recollect::page {
namespace {

constexpr double kLevel = 0.05;
constexpr std::int64_t kFewSeeds = 5;  // fewer show no difference between curves

template <class Wanted>
ResultSet kept(const ResultSet& set, Wanted&& wanted) {
  ResultSet some;
  some.name = set.name;
  some.absent = set.absent;
  for (const CellResult& cell : set.cells) {
    if (wanted(cell)) some.cells.push_back(cell);
  }
  some.exact.resize(some.cells.size());
  return some;
}

Effects effects_or_none(const ResultSet& set, const EffectQuestion& question) {
  try {
    return effects_of(set, question);
  } catch (const IoError&) {
    return {question, {}, {}};  // one label alone, or no seed in common
  }
}

Effect turned(Effect effect) {
  std::swap(effect.a, effect.b);
  std::swap(effect.accuracy_a, effect.accuracy_b);
  std::swap(effect.solved_a, effect.solved_b);
  std::swap(effect.steps_a, effect.steps_b);
  effect.difference = -effect.difference;
  effect.ratio = 1.0 / effect.ratio;
  if (effect.interval) effect.interval = Interval{-effect.interval->high, -effect.interval->low};
  if (effect.ratio_interval) {
    effect.ratio_interval =
        Interval{1.0 / effect.ratio_interval->high, 1.0 / effect.ratio_interval->low};
  }
  return effect;
}

/// Those of a pair, b less a.
std::vector<Effect> all_in(const std::vector<Effect>& effects, const std::string& a,
                           const std::string& b) {
  std::vector<Effect> found;
  for (const Effect& effect : effects) {
    if (effect.a == a && effect.b == b) found.push_back(effect);
    if (effect.a == b && effect.b == a) found.push_back(turned(effect));
  }
  return found;
}

std::optional<Effect> found_in(const std::vector<Effect>& effects, const std::string& a,
                               const std::string& b) {
  const std::vector<Effect> found = all_in(effects, a, b);
  return found.empty() ? std::nullopt : std::optional(found.front());
}

}  // namespace

Comparisons::Comparisons(const ResultSet& set, const ScoreChoice& score)
    : set_(set), effects_(effects_or_none(set_, {"variant", "", score, false})) {}

std::optional<Effect> Comparisons::of(const std::string& a, const std::string& b) const {
  std::optional<Effect> effect = found_in(effects_.pooled, a, b);
  return effect ? effect : found_in(effects_.each, a, b);
}

std::vector<Effect> Comparisons::by_setting(const std::string& a, const std::string& b) const {
  return all_in(effects_.each, a, b);
}

Effect Comparisons::with_interval(Effect effect) const {
  const ResultSet both = kept(set_, [&](const CellResult& cell) {
    return cell.label == effect.a || cell.label == effect.b;
  });
  const Effects alone = effects_or_none(both, {"variant", effect.a, effects_.question.score, true});
  const auto again = found_in(alone.pooled, effect.a, effect.b);
  if (again) effect.ratio_interval = again->ratio_interval;
  return effect;
}

std::optional<std::int64_t> Comparisons::least_shown(std::int64_t seeds) const {
  const auto tests =
      static_cast<double>(effects_.pooled.empty() ? effects_.each.size() : effects_.pooled.size());
  for (std::int64_t alone = 1; alone <= seeds; ++alone) {
    if (mcnemar_test(alone, 0) * tests < kLevel) return alone;
  }
  return std::nullopt;
}

Outcome Comparisons::more_often(const Effect& effect) const {
  if (effect.p_solved && *effect.p_solved < kLevel) {
    return effect.solved_b > effect.solved_a ? Outcome::kYes : Outcome::kOpposite;
  }
  return least_shown(effect.seeds) ? Outcome::kNotShown : Outcome::kTooFew;
}

Outcome Comparisons::sooner(const Effect& effect) const {
  const auto by_ratio = [&] { return effect.ratio < 1.0 ? Outcome::kYes : Outcome::kOpposite; };
  if (effect.seeds < kFewSeeds) return Outcome::kTooFew;
  if (effect.p_log_rank) return *effect.p_log_rank < kLevel ? by_ratio() : Outcome::kNotShown;
  if (!effect.ratio_interval) return Outcome::kTooFew;
  return effect.ratio_interval->contains(1.0) ? Outcome::kNotShown : by_ratio();
}

Outcome Comparisons::more_accurate(const Effect& effect) const {
  if (!effect.p) return Outcome::kTooFew;
  if (*effect.p < kLevel) {
    return effect.difference > 0.0 ? Outcome::kYes : Outcome::kOpposite;
  }
  const bool could =
      effect.interval ? effect.pairs >= kFewSeeds : least_shown(effect.pairs).has_value();
  return could ? Outcome::kNotShown : Outcome::kTooFew;
}

ResultSet cells_of(const ResultSet& set, const std::vector<std::string>& cells) {
  const std::set<std::string> wanted(cells.begin(), cells.end());
  return kept(set, [&](const CellResult& cell) { return wanted.contains(cell.cell); });
}

ResultSet experiments_of(const ResultSet& set, const std::vector<std::string>& experiments) {
  return kept(set, [&](const CellResult& cell) {
    return std::find(experiments.begin(), experiments.end(), cell.experiment) != experiments.end();
  });
}

std::string p_text(double p) {
  // The blanks keep it on one line.
  return p < 0.001 ? std::string("p\u00A0<\u00A00.001")
                   : fmt::format("p\u00A0=\u00A0{:.{}f}", p, p < 0.1 ? 3 : 2);
}

}  // namespace recollect::page
