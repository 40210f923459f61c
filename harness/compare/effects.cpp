#include "harness/compare/effects.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "harness/compare/runs_by_value.hpp"
#include "harness/compare/verdicts.hpp"
#include "harness/stats/paired_tests.hpp"
#include "harness/stats/survival.hpp"

namespace recollect {
namespace {

constexpr std::uint64_t kResamples = 10000;

std::vector<Waiting> waits(const std::vector<RunWithValue>& runs) {
  std::vector<Waiting> all;
  for (const RunWithValue& run : runs) all.push_back(run.wait);
  return all;
}

double limit_of(const PairedRuns& runs) {
  double limit = std::numeric_limits<double>::infinity();
  for (const std::vector<RunWithValue>* side : {&runs.a, &runs.b}) {
    for (const RunWithValue& run : *side) limit = std::min(limit, run.limit);
  }
  return limit;
}

/// Geometric mean over the settings of the ratio of restricted means, of those seeds.
double ratio_of(const std::vector<PairedRuns>& settings,
                const std::map<std::int64_t, std::int64_t>& times) {
  double sum = 0.0;
  for (const PairedRuns& runs : settings) {
    std::vector<Waiting> a, b;
    for (std::size_t i = 0; i < runs.seeds.size(); ++i) {
      const auto drawn = times.find(runs.seeds[i]);
      const std::int64_t count = drawn == times.end() ? 0 : drawn->second;
      a.insert(a.end(), static_cast<std::size_t>(count), runs.a[i].wait);
      b.insert(b.end(), static_cast<std::size_t>(count), runs.b[i].wait);
    }
    const double limit = limit_of(runs);
    if (a.empty()) return std::numeric_limits<double>::quiet_NaN();
    sum += std::log(restricted_mean(b, limit) / restricted_mean(a, limit));
  }
  return std::exp(sum / static_cast<double>(settings.size()));
}

/// Seeds are drawn with replacement, the same ones in every setting and on both sides, as they
/// share their data and initial weights.
std::optional<Interval> ratio_interval(const std::vector<PairedRuns>& settings) {
  std::set<std::int64_t> known;
  for (const PairedRuns& runs : settings) known.insert(runs.seeds.begin(), runs.seeds.end());
  const std::vector<std::int64_t> seeds(known.begin(), known.end());
  if (seeds.size() < 3) return std::nullopt;
  std::vector<double> ratios;
  for (std::uint64_t draw = 0; draw < kResamples; ++draw) {
    const std::vector<std::int64_t> counts = resampled(seeds.size(), draw);
    std::map<std::int64_t, std::int64_t> times;
    for (std::size_t i = 0; i < seeds.size(); ++i) times[seeds[i]] = counts[i];
    const double ratio = ratio_of(settings, times);
    if (std::isfinite(ratio)) ratios.push_back(ratio);
  }
  if (ratios.size() < kResamples / 2) return std::nullopt;
  std::sort(ratios.begin(), ratios.end());
  const auto quantile = [&](double share) {
    return ratios[static_cast<std::size_t>(share * static_cast<double>(ratios.size() - 1))];
  };
  return Interval{quantile(0.025), quantile(0.975)};
}

void add_accuracy(Effect& effect, const std::vector<PairedRuns>& settings) {
  Pairs pairs;
  for (const PairedRuns& runs : settings) {
    for (std::size_t i = 0; i < runs.seeds.size(); ++i) {
      if (std::isnan(runs.a[i].accuracy) || std::isnan(runs.b[i].accuracy)) continue;
      pairs.add(runs.a[i].accuracy, runs.b[i].accuracy);
    }
  }
  const Described values = described("", Metric::kAccuracy, pairs);
  effect.pairs = values.seeds;
  effect.accuracy_a = values.base;
  effect.accuracy_b = values.now;
  effect.difference = values.difference;
  if (settings.size() > 1) return;  // differences of several settings are not of one kind
  if (const std::optional<Learned> learned = learned_of(pairs)) {
    effect.p = mcnemar_test(learned->base_alone, learned->now_alone);
    return;
  }
  const std::vector<double> differences = pairs.differences();
  effect.interval = values.interval;
  if (differences.size() < 3) return;
  effect.p =
      std::min(1.0, 2.0 * std::min(p_mean_below(differences, 0.0), p_mean_above(differences, 0.0)));
}

void add_solving(Effect& effect, const std::vector<PairedRuns>& settings, bool ratio_intervals) {
  std::int64_t a_alone = 0, b_alone = 0;
  for (const PairedRuns& runs : settings) {
    for (std::size_t i = 0; i < runs.seeds.size(); ++i) {
      effect.training_known = effect.training_known && runs.a[i].watched && runs.b[i].watched;
      effect.solved_a += runs.a[i].solved ? 1 : 0;
      effect.solved_b += runs.b[i].solved ? 1 : 0;
      a_alone += runs.a[i].solved && !runs.b[i].solved ? 1 : 0;
      b_alone += runs.b[i].solved && !runs.a[i].solved ? 1 : 0;
    }
  }
  if (!effect.training_known) return;
  if (effect.seeds > 1) effect.p_solved = mcnemar_test(a_alone, b_alone);
  if (!effect.has_steps()) return;
  std::map<std::int64_t, std::int64_t> once;
  for (const PairedRuns& runs : settings) {
    for (const std::int64_t seed : runs.seeds) once[seed] = 1;
  }
  effect.ratio = ratio_of(settings, once);
  if (ratio_intervals) effect.ratio_interval = ratio_interval(settings);
  if (settings.size() > 1) return;
  effect.limit = limit_of(settings.front());
  const std::vector<Waiting> a = waits(settings.front().a);
  const std::vector<Waiting> b = waits(settings.front().b);
  effect.steps_a = restricted_mean(a, effect.limit);
  effect.steps_b = restricted_mean(b, effect.limit);
  if (effect.seeds > 1) effect.p_log_rank = log_rank_test(a, b);
}

/// @param settings  one, or all that are pooled
Effect effect_of(const std::string& a, const std::string& b,
                 const std::vector<PairedRuns>& settings, bool ratio_intervals) {
  Effect effect;
  effect.settings = settings.size();
  effect.a = a;
  effect.b = b;
  for (const PairedRuns& runs : settings) {
    effect.seeds += static_cast<std::int64_t>(runs.seeds.size());
  }
  add_accuracy(effect, settings);
  add_solving(effect, settings, ratio_intervals);
  return effect;
}

void correct(std::vector<Effect>& effects, std::optional<double> Effect::*p) {
  std::vector<double> known;
  for (const Effect& effect : effects) {
    if (effect.*p) known.push_back(*(effect.*p));
  }
  const std::vector<double> corrected = holm(known);
  std::size_t at = 0;
  for (Effect& effect : effects) {
    if (effect.*p) effect.*p = corrected[at++];
  }
}

}  // namespace

std::string Effect::where() const {
  if (pooled()) return fmt::format("all {} settings", settings);
  std::string text;
  for (const Setting& shared : setting) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", shared.name, shared.value.text);
  }
  return text.empty() ? "all cells" : text;
}

Effects effects_of(const ResultSet& set, const EffectQuestion& question) {
  const RunsByValue runs_by_value(set, question.by, question.score);
  const std::vector<std::string>& values = runs_by_value.values();
  if (!question.against.empty() &&
      std::find(values.begin(), values.end(), question.against) == values.end()) {
    throw IoError(fmt::format("{} has no {} {}; it has {}", set.name, question.by,
                              printable(question.against), fmt::join(values, ", ")));
  }
  Effects effects{question, {}, {}};
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = i + 1; j < values.size(); ++j) {
      const bool turned = values[j] == question.against;
      const std::string& a = turned ? values[j] : values[i];
      const std::string& b = turned ? values[i] : values[j];
      if (!question.against.empty() && a != question.against) continue;
      std::vector<PairedRuns> settings;
      for (const RunsOfSetting& setting : runs_by_value.settings()) {
        PairedRuns runs = paired(setting, a, b);
        if (runs.seeds.empty()) continue;
        effects.each.push_back(effect_of(a, b, {runs}, question.ratio_intervals));
        effects.each.back().setting = runs_by_value.varying(setting);
        settings.push_back(std::move(runs));
      }
      if (settings.size() > 1) {
        effects.pooled.push_back(effect_of(a, b, settings, question.ratio_intervals));
      }
    }
  }
  if (effects.each.empty()) {
    throw IoError(fmt::format("{}: no two values of {} share their other settings and a seed",
                              set.name, question.by));
  }
  for (std::vector<Effect>* family : {&effects.each, &effects.pooled}) {
    correct(*family, &Effect::p);
    correct(*family, &Effect::p_solved);
    correct(*family, &Effect::p_log_rank);
  }
  return effects;
}

}  // namespace recollect
