#include <functional>
#include <string_view>
#include <utility>

#include "harness/results/group_result.hpp"

namespace recollect {
namespace {

using Group = GroupResult;
using Columns = std::vector<Column<Group>>;

constexpr std::string_view kCeiling = "ceiling_";
constexpr std::string_view kOrderSeed = "train_order_seed";

template <class Get>
Column<Group> column(std::string name, Get&& get) {
  return {std::move(name), [get](const Group& group) { return Value(get(group)); }};
}

Column<Group> word(std::string name, std::string Group::*member) {
  return {std::move(name), [member](const Group& group) { return Value(group.*member); }};
}

Column<Group> integer(std::string name, std::int64_t Group::*member) {
  return {std::move(name), [member](const Group& group) { return Value(group.*member); }};
}

Column<Group> mean_column(std::string name, std::optional<double> Group::*member) {
  return {std::move(name), [member](const Group& group) { return value_of(group.*member); }};
}

/// A column of the scores' key, or of another fact that they share.
template <class Get>
Column<Group> of_scores(std::string name, Get&& get) {
  return {std::move(name),
          [get](const Group& group) { return group.key ? Value(get(group)) : Value(); }};
}

/// One end of an interval, of a share or of a measure.
Value end_of(const std::optional<Interval>& interval, double Interval::*end) {
  return interval ? Value((*interval).*end) : Value();
}

/// Whether it is known which runs solved the task: not of another program's.
bool is_watched(const Group& group) { return group.runs() > 0 && training_is_known(group); }

/// A figure of a measure's summary.
template <class Get>
Column<Group> of_summary(const std::string& name, Measure Group::*measure, Get&& get) {
  return {name, [measure, get](const Group& group) {
            const std::optional<Summary>& summary = (group.*measure).summary;
            return summary ? get(*summary) : Value();
          }};
}

void add_spread(Columns& columns, const std::string& name, Measure Group::*measure) {
  columns.push_back(
      of_summary(name + "_mean", measure, [](const Summary& s) { return Value(s.mean); }));
  columns.push_back(
      of_summary(name + "_sd", measure, [](const Summary& s) { return value_of(s.sd); }));
}

void add_extremes(Columns& columns, const std::string& name, Measure Group::*measure) {
  columns.push_back(
      of_summary(name + "_median", measure, [](const Summary& s) { return Value(s.median); }));
  columns.push_back(
      of_summary(name + "_min", measure, [](const Summary& s) { return Value(s.min); }));
  columns.push_back(
      of_summary(name + "_max", measure, [](const Summary& s) { return Value(s.max); }));
}

void add_interval(Columns& columns, const std::string& name, Measure Group::*measure) {
  for (const auto& [end, member] :
       {std::pair("_low", &Interval::low), std::pair("_high", &Interval::high)}) {
    columns.push_back(of_summary(name + end, measure, [member = member](const Summary& s) {
      return end_of(s.interval, member);
    }));
  }
  columns.push_back(
      {name + "_values", [measure](const Group& group) { return Value((group.*measure).values); }});
}

void add_identity(Columns& columns, const std::vector<std::string>& settings) {
  columns = {word("experiment", &Group::experiment),
             word("config_hash", &Group::config_hash),
             word("code_versions", &Group::code_version),
             word("compilers", &Group::compiler),
             word("builds", &Group::build),
             word("task", &Group::task)};
  bool in_task = true;
  const auto add_variant = [&] {
    columns.push_back(word("variant", &Group::variant));
    columns.push_back(word("label", &Group::label));
    in_task = false;
  };
  for (const std::string& name : settings) {
    if (in_task && !name.starts_with("task_")) add_variant();
    columns.push_back(
        column(name == kOrderSeed ? std::string(kOrderSeed) + 's' : name,
               [name](const Group& group) { return setting_of(group.settings, name); }));
  }
  if (in_task) add_variant();
  columns.push_back(column("seeds", [](const Group& group) { return group.seeds; }));
  columns.push_back(column("n", [](const Group& group) { return group.n(); }));
  columns.push_back(integer("failed", &Group::failed));
  columns.push_back({"data_seeds", [](const Group& group) {
                       return group.data_seed ? Value(*group.data_seed)
                                              : Value(std::string("seed"));
                     }});
  columns.push_back(integer("train_length", &Group::train_length));
  columns.push_back(integer("parameters", &Group::parameters));
  columns.push_back(integer("state_floats", &Group::state_floats));
  columns.push_back(integer("state_floats_peak", &Group::state_floats_peak));
}

void add_measures(Columns& columns) {
  columns.push_back(mean_column("training_flops_mean", &Group::training_flops));
  columns.push_back(mean_column("steps_mean", &Group::steps));
  columns.push_back(
      of_scores("weights", [](const Group& group) { return name_of(group.key->weights); }));
  columns.push_back(of_scores(
      "split", [](const Group& group) { return std::string(name_of(group.key->split)); }));
  columns.push_back(
      of_scores("eval_length", [](const Group& group) { return group.key->eval_length; }));
  for (const auto& [name, measure] :
       {std::pair("accuracy", &Group::accuracy), std::pair("exact_match", &Group::exact_match),
        std::pair("loss", &Group::loss)}) {
    add_spread(columns, name, measure);
    add_extremes(columns, name, measure);
  }
  columns.push_back({"solved", [](const Group& group) {
                       return is_watched(group) ? Value(group.solved()) : Value();
                     }});
  columns.push_back({"solved_share", [](const Group& group) {
                       return is_watched(group) ? Value(static_cast<double>(group.solved()) /
                                                        static_cast<double>(group.runs()))
                                                : Value();
                     }});
  columns.push_back(mean_column("scored_mean", &Group::scored));
  columns.push_back(mean_column("chance_mean", &Group::chance));
  for (const Column<ScoreRow>& score : score_columns()) {
    if (!score.name.starts_with(kCeiling)) continue;
    const std::string rule = score.name.substr(kCeiling.size());
    Column<Group> ceiling = {score.name + "_mean", [rule](const Group& group) {
                               return value_of(ceiling_of(group.ceilings, rule));
                             }};
    ceiling.optional = score.optional;
    columns.push_back(std::move(ceiling));
  }
  columns.push_back(
      of_scores("unseen_level", [](const Group& group) { return group.unseen_level; }));
  columns.push_back(of_scores("examples", [](const Group& group) { return group.key->examples; }));
  columns.push_back(
      of_scores("unseen_levels", [](const Group& group) { return group.key->unseen_levels; }));
  columns.push_back(
      of_scores("foreign_selection", [](const Group& group) { return group.foreign_selection; }));
  for (const auto& [name, measure] :
       {std::pair("accuracy", &Group::accuracy), std::pair("exact_match", &Group::exact_match),
        std::pair("loss", &Group::loss)}) {
    add_interval(columns, name, measure);
  }
}

/// The settings that eval.cells gives, where some row has them.
void add_eval_settings(Columns& columns) {
  constexpr std::string_view kPrefix = "eval_";
  for (const Column<ScoreRow>& score : score_columns()) {
    if (!score.optional || !score.name.starts_with(kPrefix)) continue;
    const std::string name = score.name.substr(kPrefix.size());
    columns.push_back({score.name,
                       [name](const Group& group) {
                         if (!group.key) return Value();
                         const auto found = group.key->settings.find(name);
                         return found == group.key->settings.end()
                                    ? Value()
                                    : Value(OptionText{found->second});
                       },
                       {},
                       true});
  }
}

/// What --select took.
void add_chosen(Columns& columns) {
  for (const Column<ChosenValue>& chosen : chosen_columns()) {
    columns.push_back({chosen.name,
                       [value = chosen.value](const Group& group) {
                         return group.chosen ? value(*group.chosen) : Value();
                       },
                       {},
                       true});
  }
}

/// How far the seeds fall apart.
void add_clusters(Columns& columns) {
  columns.push_back(
      of_scores("bimodal", [](const Group& group) { return group.clusters.has_value(); }));
  columns.push_back({"upper_n", [](const Group& group) {
                       return group.clusters
                                  ? Value(static_cast<std::int64_t>(group.clusters->upper))
                                  : Value();
                     }});
  columns.push_back({"upper_mean", [](const Group& group) {
                       return group.clusters ? Value(group.clusters->upper_mean) : Value();
                     }});
  columns.push_back({"lower_mean", [](const Group& group) {
                       return group.clusters ? Value(group.clusters->lower_mean) : Value();
                     }});
}

void add_solving(Columns& columns) {
  columns.push_back(column("runs", [](const Group& group) { return group.runs(); }));
  columns.push_back(integer("diverged", &Group::diverged));
  columns.push_back({"solved_low", [](const Group& group) {
                       return end_of(group.solved_interval(), &Interval::low);
                     }});
  columns.push_back({"solved_high", [](const Group& group) {
                       return end_of(group.solved_interval(), &Interval::high);
                     }});
  columns.push_back({"solve_steps", [](const Group& group) {
                       return training_is_known(group) ? Value(group.solve_steps) : Value();
                     }});
  columns.push_back({"censored", [](const Group& group) {
                       return training_is_known(group) ? Value(group.runs() - group.solved())
                                                       : Value();
                     }});
  columns.push_back(mean_column("solve_step_median", &Group::solve_step_median));
  columns.push_back(mean_column("solve_step_median_solved", &Group::solve_step_median_solved));
  for (const auto& [name, measure] :
       {std::pair("as_published", &Group::as_published), std::pair("clean", &Group::clean)}) {
    add_spread(columns, name, measure);
    add_interval(columns, name, measure);
  }
  columns.push_back(mean_column("solve_step_mean", &Group::solve_step_mean));
  columns.push_back(column("step_limit", [](const Group& group) { return group.step_limit; }));
  for (const auto& [name, member] : {std::pair("solved_at_90", &Group::solved_at_90),
                                     std::pair("solved_at_95", &Group::solved_at_95)}) {
    columns.push_back(
        {name, [member = member](const Group& group) { return value_of(group.*member); }});
  }
  add_spread(columns, "final_clean", &Group::final_clean);
  add_interval(columns, "final_clean", &Group::final_clean);
}

}  // namespace

DataTable group_table(const std::vector<GroupResult>& groups) {
  Columns columns;
  add_identity(columns, setting_names(groups));
  add_measures(columns);
  add_clusters(columns);
  add_solving(columns);
  add_eval_settings(columns);
  add_chosen(columns);
  return to_data(columns, groups);
}

}  // namespace recollect
