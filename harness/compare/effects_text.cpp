#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "harness/compare/effects.hpp"
#include "harness/render/json.hpp"
#include "harness/render/readable_table.hpp"
#include "harness/render/text_table.hpp"
#include "harness/store/csv.hpp"

namespace recollect {
namespace {

std::string per_cent(double share) { return fmt::format("{:.1f}", 100.0 * share); }

std::string p_text(const std::optional<double>& p) {
  if (!p) return "-";
  return *p < 0.001 ? fmt::format("{:.0e}", *p) : fmt::format("{:.3f}", *p);
}

std::string interval_text(const std::optional<Interval>& interval, double scale, int digits) {
  if (!interval) return "-";
  return fmt::format("{:.{}f}..{:.{}f}", scale * interval->low, digits, scale * interval->high,
                     digits);
}

TextTable table_of(const std::vector<Effect>& effects, std::string title, bool pooled) {
  TextTable table;
  table.title = std::move(title);
  table.caption = pooled
                      ? "Pooled over the settings. The ratio of steps is the geometric mean of the "
                        "settings' ratios."
                      : "b against a, paired by seed.";
  table.header = {"where",       "a",    "b",     "seeds",    "accuracy a", "b",
                  "difference",  "95 %", "p",     "solved a", "b",          "p solved",
                  "mean step a", "b",    "b / a", "95 %",     "p log-rank"};
  for (const Effect& effect : effects) {
    const bool steps = effect.has_steps();
    const auto solved = [&](std::int64_t count) {
      return effect.training_known ? std::to_string(count) : "-";
    };
    const auto step = [&](double value) {
      return steps && !pooled ? fmt::format("{:.0f}", value) : "-";
    };
    table.rows.push_back({effect.where(), effect.a, effect.b, std::to_string(effect.seeds),
                          per_cent(effect.accuracy_a), per_cent(effect.accuracy_b),
                          fmt::format("{:+.1f}", 100.0 * effect.difference),
                          interval_text(effect.interval, 100.0, 1), p_text(effect.p),
                          solved(effect.solved_a), solved(effect.solved_b), p_text(effect.p_solved),
                          step(effect.steps_a), step(effect.steps_b),
                          steps ? fmt::format("{:.2f}", effect.ratio) : "-",
                          interval_text(effect.ratio_interval, 1.0, 2), p_text(effect.p_log_rank)});
  }
  table.notes = {
      "Accuracies in per cent, of the seeds with a score on both sides; p of Student's t on the "
      "paired differences, or where the seeds fall apart (no interval then) of McNemar's test on "
      "who learned the task.",
      "p solved: McNemar's test with mid-p on the seeds that one side alone solved.",
      "Mean step: restricted mean of the step at which a run solved the task, a run that did not "
      "counting as the last step. Its interval is from 10,000 resamples of the seeds.",
      fmt::format("p values are corrected after Holm, each test over the {} of this table; "
                  "intervals are not.",
                  plural(effects.size(), "line"))};
  return table;
}

/// "0.44 that chance alone makes such a difference" is what a p says; here it is short.
std::string with_p(const char* name, const std::optional<double>& p) {
  return p ? fmt::format(", {} {}", name, p_text(p)) : "";
}

/// Three lines on a pair of values.
std::string lines_of(const Effect& effect) {
  const bool pooled = effect.pooled();
  std::string text =
      fmt::format("  {} against {} ({})\n", effect.b, effect.a,
                  plural(static_cast<std::size_t>(effect.seeds), pooled ? "run" : "seed"));
  const std::string spread = effect.interval
                                 ? fmt::format(" [{}]", interval_text(effect.interval, 100.0, 1))
                             : effect.p ? ", the seeds fall apart"
                                        : "";
  text += fmt::format("    accuracy   {:>6} -> {:<6}  {:+.1f} points{}{}\n",
                      per_cent(effect.accuracy_a), per_cent(effect.accuracy_b),
                      100.0 * effect.difference, spread, with_p("p", effect.p));
  if (!effect.training_known) return text;
  text += fmt::format("    solved     {:>6} -> {:<6}{}\n", effect.solved_a, effect.solved_b,
                      effect.p_solved ? fmt::format("  p {}", p_text(effect.p_solved)) : "");
  if (!effect.has_steps()) return text;
  const std::string steps =
      pooled ? std::string(16, ' ')
             : fmt::format("{:>6.0f} -> {:<6.0f}", effect.steps_a, effect.steps_b);
  return text + fmt::format("    mean step  {}  x {:.2f} [{}]{}\n", steps, effect.ratio,
                            interval_text(effect.ratio_interval, 1.0, 2),
                            with_p("log-rank p", effect.p_log_rank));
}

/// "mamba-2, task_pairs 8: train.learning_rate 0.003 of 4"
std::string choice_text(const SelectedValue& value) {
  return fmt::format("{}{}{}: {}", value.label, value.setting.empty() ? "" : ", ", value.setting,
                     chosen_text(value.chosen));
}

/// A line for each choice.
std::string choices_of(const Effects& effects) {
  if (effects.selected.empty()) return "";
  std::string text = fmt::format("Each at the value that its {} scores prefer:\n",
                                 effects.selected.front().chosen.by_test ? "test" : "validation");
  for (const SelectedValue& value : effects.selected) {
    text += fmt::format("  {}\n", choice_text(value));
  }
  return text + "\n";
}

std::string blocks_of(const std::vector<Effect>& effects) {
  std::string text;
  std::vector<std::string> places;
  for (const Effect& effect : effects) {
    if (std::find(places.begin(), places.end(), effect.where()) == places.end()) {
      places.push_back(effect.where());
    }
  }
  for (const std::string& place : places) {
    text += place + "\n";
    for (const Effect& effect : effects) {
      if (effect.where() == place) text += lines_of(effect);
    }
  }
  return text;
}

std::string tables_of(const Effects& effects, const ResultSet& set) {
  TextTable each =
      table_of(effects.each, fmt::format("{}: by {}", set.name, effects.question.by), false);
  for (const SelectedValue& value : effects.selected) {
    each.notes.push_back(fmt::format("{}.", choice_text(value)));
  }
  std::string text = to_markdown(each);
  if (effects.pooled.empty()) return text;
  return text + "\n" +
         to_markdown(table_of(effects.pooled,
                              fmt::format("{}: by {}, all settings", set.name, effects.question.by),
                              true));
}

template <class Get>
Column<Effect> column(std::string name, Get&& get) {
  return {std::move(name), [get](const Effect& effect) { return Value(get(effect)); }};
}

/// A figure about solving the task, absent where it says nothing.
template <class Get>
Column<Effect> of_solving(std::string name, bool (*says_something)(const Effect&), Get&& get) {
  return {std::move(name), [says_something, get](const Effect& effect) {
            return says_something(effect) ? Value(get(effect)) : Value();
          }};
}

template <class Get>
Column<Effect> optional(std::string name, Get&& get) {
  return {std::move(name), [get](const Effect& effect) { return value_of(get(effect)); }};
}

void add_ends(std::vector<Column<Effect>>& columns, const std::string& name,
              std::optional<Interval> Effect::*interval) {
  for (const auto& [end, member] :
       {std::pair("_low", &Interval::low), std::pair("_high", &Interval::high)}) {
    columns.push_back({name + end, [interval, member = member](const Effect& effect) {
                         return effect.*interval ? Value((*(effect.*interval)).*member) : Value();
                       }});
  }
}

const std::vector<Column<SelectedValue>>& selected_columns() {
  static const std::vector<Column<SelectedValue>> all = [] {
    std::vector<Column<SelectedValue>> list = {
        {"label", [](const SelectedValue& selected) { return Value(selected.label); }},
        {"setting", [](const SelectedValue& selected) { return Value(selected.setting); }}};
    for (const Column<ChosenValue>& chosen : chosen_columns()) {
      list.push_back({chosen.name, [value = chosen.value](const SelectedValue& selected) {
                        return value(selected.chosen);
                      }});
    }
    return list;
  }();
  return all;
}

const std::vector<Column<Effect>>& columns() {
  static const std::vector<Column<Effect>> all = [] {
    const auto known = [](const Effect& e) { return e.training_known; };
    const auto steps = [](const Effect& e) { return e.has_steps(); };
    std::vector<Column<Effect>> list = {
        column("where", [](const Effect& e) { return e.where(); }),
        column("a", [](const Effect& e) { return e.a; }),
        column("b", [](const Effect& e) { return e.b; }),
        column("seeds", [](const Effect& e) { return e.seeds; }),
        column("pairs", [](const Effect& e) { return e.pairs; }),
        column("accuracy_a", [](const Effect& e) { return e.accuracy_a; }),
        column("accuracy_b", [](const Effect& e) { return e.accuracy_b; }),
        column("difference", [](const Effect& e) { return e.difference; })};
    add_ends(list, "difference", &Effect::interval);
    list.push_back(optional("p", [](const Effect& e) { return e.p; }));
    list.push_back(of_solving("solved_a", known, [](const Effect& e) { return e.solved_a; }));
    list.push_back(of_solving("solved_b", known, [](const Effect& e) { return e.solved_b; }));
    list.push_back(optional("p_solved", [](const Effect& e) { return e.p_solved; }));
    list.push_back(of_solving("limit", steps, [](const Effect& e) { return e.limit; }));
    list.push_back(of_solving("mean_step_a", steps, [](const Effect& e) { return e.steps_a; }));
    list.push_back(of_solving("mean_step_b", steps, [](const Effect& e) { return e.steps_b; }));
    list.push_back(of_solving("ratio", steps, [](const Effect& e) { return e.ratio; }));
    add_ends(list, "ratio", &Effect::ratio_interval);
    list.push_back(optional("p_log_rank", [](const Effect& e) { return e.p_log_rank; }));
    return list;
  }();
  return all;
}

}  // namespace

std::string effects_text(const Effects& effects, const ResultSet& set) {
  std::string text = fmt::format("{}, by {}, paired by seed\n\n{}{}", set.name, effects.question.by,
                                 choices_of(effects), blocks_of(effects.each));
  if (!effects.pooled.empty()) text += "\n" + blocks_of(effects.pooled);
  const ScoreChoice& score = effects.question.score;
  return text +
         fmt::format(
             "\nAccuracy of the {} weights on {} examples{}, in per cent, with 95 % intervals. "
             "Mean "
             "step: restricted\nmean of the step at which a run solved the task. p values are "
             "corrected after Holm, intervals\nare not (docs/protocol.md).\n",
             name_of(score.weights), name_of(score.split),
             score.length ? fmt::format(" of length {}", *score.length) : "");
}

std::string effects_markdown(const Effects& effects, const ResultSet& set) {
  return tables_of(effects, set);
}

std::string effects_json(const Effects& effects, const ResultSet& set) {
  return json_text({{"name", set.name},
                    {"by", effects.question.by},
                    {"each", json_of(to_data(columns(), effects.each))},
                    {"pooled", json_of(to_data(columns(), effects.pooled))},
                    {"selected", json_of(to_data(selected_columns(), effects.selected))}});
}

std::string effects_csv(const Effects& effects, const ResultSet&) {
  std::vector<Effect> all = effects.each;
  all.insert(all.end(), effects.pooled.begin(), effects.pooled.end());
  return to_csv(to_table(columns(), all));
}

}  // namespace recollect
