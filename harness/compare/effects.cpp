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
#include "harness/compare/verdicts.hpp"
#include "harness/results/group_result.hpp"
#include "harness/stats/paired_tests.hpp"
#include "harness/stats/survival.hpp"

namespace recollect {
namespace {

constexpr std::uint64_t kResamples = 10000;

/// One run with one value: how it ended, and its score.
struct Run {
  bool watched = true;  ///< its training, so that `solved` and `wait` say something
  bool solved = false;
  double accuracy = std::numeric_limits<double>::quiet_NaN();
  Waiting wait;        ///< for the step at which it solved the task
  double limit = 0.0;  ///< steps that it was to be watched
  std::int64_t distance = std::numeric_limits<std::int64_t>::max();  ///< of the score's length
};

using Seeds = std::map<std::int64_t, Run>;
/// The runs of one setting, by value and seed.
struct Stratum {
  std::vector<std::string> texts;  ///< of the columns that name it
  std::map<std::string, Seeds> values;
};

/// "train.learning_rate" is the column train_learning_rate.
std::string column_of(const std::string& by) {
  if (by == "variant") return "label";
  std::string column = by;
  std::replace(column.begin(), column.end(), '.', '_');
  return column;
}

bool belongs_to_variant(const std::string& column) {
  return column == "variant" || column == "label" || column.starts_with("model_");
}

Waiting wait_of(const CellStatus& status) {
  if (status.solved_step) return {static_cast<double>(*status.solved_step), false};
  if (status.ending == Ending::kDiverged) {
    return {std::numeric_limits<double>::infinity(), true};  // it never will
  }
  return {static_cast<double>(status.steps), true};
}

class Collection {
 public:
  Collection(const ResultSet& set, const EffectQuestion& question)
      : question_(question), by_(column_of(question.by)) {
    std::vector<CellResult> cells = set.cells;
    name_following_seeds(cells);
    for (const std::string& column : cell_table(cells).header) {
      const bool names = column == "task" || column == "label" || column == "variant" ||
                         column == "data_seed" || is_setting_column(column);
      known_ = known_ || column == by_;
      if (!names || column == by_) continue;
      if (by_ == "label" && belongs_to_variant(column)) continue;
      // A label is often made to tell these very values apart.
      if (by_.starts_with("model_") && column == "label") continue;
      columns_.push_back(column);
    }
    if (!known_ || !(by_ == "label" || is_setting_column(by_))) refuse_option(cells);
    for (const CellResult& cell : cells) add(cell);
    if (values_.size() < 2) {
      throw IoError(fmt::format("{} has one {} alone, {}; nothing can be set against it", set.name,
                                question.by, values_.empty() ? "none" : values_.front()));
    }
    const bool known = question.against.empty() ||
                       std::find(values_.begin(), values_.end(), question.against) != values_.end();
    if (!known) {
      throw IoError(fmt::format("{} has no {} {}; it has {}", set.name, question.by,
                                printable(question.against), fmt::join(values_, ", ")));
    }
  }

  [[nodiscard]] const std::vector<std::string>& values() const noexcept { return values_; }
  [[nodiscard]] const std::vector<Stratum>& settings() const noexcept { return settings_; }

  /// The columns in which the settings differ, with their values: "task_pairs 8".
  [[nodiscard]] std::string name(const Stratum& setting) const {
    std::string text;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const bool varies = std::any_of(settings_.begin(), settings_.end(), [&](const Stratum& one) {
        return one.texts[i] != settings_.front().texts[i];
      });
      if (!varies || setting.texts[i].empty()) continue;
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", columns_[i], setting.texts[i]);
    }
    return text.empty() ? "all cells" : text;
  }

 private:
  [[noreturn]] void refuse_option(const std::vector<CellResult>& cells) const {
    std::vector<std::string> known = {"variant"};
    for (const std::string& name : setting_names(cells)) {
      std::string option = name;
      option[option.find('_')] = '.';
      known.push_back(std::move(option));
    }
    std::string near = nearest_name(question_.by, known);
    for (const std::string& option : known) {
      if (option.ends_with("." + question_.by)) near = option;
    }
    throw IoError(fmt::format("--by {}: the results have no such option{}", printable(question_.by),
                              near.empty()
                                  ? "; give variant, or an option such as train.learning_rate"
                                  : fmt::format("; did you mean '{}'?", near)));
  }

  void add(const CellResult& cell) {
    if (cell.status.ending == Ending::kFailed) return;
    const std::string value =
        by_ == "label" ? cell.label : same_number(setting_of(cell.settings, by_).text);
    if (value.empty()) return;                                          // it has no such option
    if (by_.starts_with("model_") && !training_is_known(cell)) return;  // what it has is not known
    std::vector<std::string> texts;
    for (const std::string& column : columns_) {
      texts.push_back(same_number(cell_column(column).text(cell)));
    }
    const auto [found, added] = places_.emplace(texts, settings_.size());
    if (added) settings_.push_back({std::move(texts), {}});
    if (std::find(values_.begin(), values_.end(), value) == values_.end()) values_.push_back(value);
    Run& run = settings_[found->second].values[value][cell.seed];
    run.watched = training_is_known(cell);
    run.solved = cell.status.solved_step.has_value();
    run.wait = wait_of(cell.status);
    const std::string& steps = setting_of(cell.settings, "train_steps").text;
    run.limit = steps.empty() ? static_cast<double>(cell.status.steps) : to_real(steps);
    if (!cell.score || cell.score->key.weights != question_.score.weights ||
        cell.score->key.split != question_.score.split) {
      return;
    }
    const std::int64_t wanted = question_.score.length.value_or(cell.train_length);
    const std::int64_t distance = std::abs(cell.score->key.eval_length - wanted);
    if (distance >= run.distance || (question_.score.length && distance > 0)) return;
    run.distance = distance;
    run.accuracy = cell.score->accuracy;
  }

  const EffectQuestion& question_;
  std::string by_;
  bool known_ = false;
  std::vector<std::string> columns_;
  std::map<std::vector<std::string>, std::size_t> places_;
  std::vector<Stratum> settings_;
  std::vector<std::string> values_;  ///< in the order in which they first appear
};

/// Both runs of every seed that has ended with both values.
struct PairedRuns {
  std::vector<std::int64_t> seeds;
  std::vector<Run> a, b;
};

PairedRuns paired(const Stratum& setting, const std::string& a, const std::string& b) {
  PairedRuns runs;
  const auto first = setting.values.find(a);
  const auto second = setting.values.find(b);
  if (first == setting.values.end() || second == setting.values.end()) return runs;
  for (const auto& [seed, run] : first->second) {
    const auto other = second->second.find(seed);
    if (other == second->second.end()) continue;
    runs.seeds.push_back(seed);
    runs.a.push_back(run);
    runs.b.push_back(other->second);
  }
  return runs;
}

std::vector<Waiting> waits(const std::vector<Run>& runs) {
  std::vector<Waiting> all;
  for (const Run& run : runs) all.push_back(run.wait);
  return all;
}

double limit_of(const PairedRuns& runs) {
  double limit = std::numeric_limits<double>::infinity();
  for (const std::vector<Run>* side : {&runs.a, &runs.b}) {
    for (const Run& run : *side) limit = std::min(limit, run.limit);
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

Effect effect_of(std::string where, const std::string& a, const std::string& b,
                 const std::vector<PairedRuns>& settings, bool ratio_intervals) {
  Effect effect;
  effect.where = std::move(where);
  effect.pooled = settings.size() > 1;
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

Effects effects_of(const ResultSet& set, const EffectQuestion& question) {
  const Collection collection(set, question);
  Effects effects{question, {}, {}};
  const std::vector<std::string>& values = collection.values();
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = i + 1; j < values.size(); ++j) {
      const bool turned = values[j] == question.against;
      const std::string& a = turned ? values[j] : values[i];
      const std::string& b = turned ? values[i] : values[j];
      if (!question.against.empty() && a != question.against) continue;
      std::vector<PairedRuns> settings;
      for (const Stratum& setting : collection.settings()) {
        PairedRuns runs = paired(setting, a, b);
        if (runs.seeds.empty()) continue;
        effects.each.push_back(
            effect_of(collection.name(setting), a, b, {runs}, question.ratio_intervals));
        settings.push_back(std::move(runs));
      }
      if (settings.size() > 1) {
        effects.pooled.push_back(effect_of(fmt::format("all {} settings", settings.size()), a, b,
                                           settings, question.ratio_intervals));
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
