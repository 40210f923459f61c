#include "harness/plot/study.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/text.hpp"
#include "harness/plot/numbers.hpp"
#include "harness/results/size_order.hpp"

namespace recollect::plot {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

bool shown(const GroupResult& group) {
  return !group.key || (group.key->weights == Weights::kBest && group.key->split == Split::kTest);
}

std::string data_seed_text(const GroupResult& group) {
  return group.data_seed ? std::to_string(*group.data_seed) : std::string();
}

/// Of eval.cells each entry is a section, as if it alone had been asked.
void put_scored(Settings& settings, const ScoreKey& key) {
  for (auto& [name, value] : settings) {
    const auto scored =
        name.starts_with("task_") ? key.settings.find(name.substr(5)) : key.settings.end();
    if (scored != key.settings.end()) value = scored->second;
    if (name == "task_length") value = std::to_string(key.eval_length);
  }
}

/// What makes a row, or a section: of scores, or of trainings.
enum class Part { kModel, kScored, kTrained };

/// Those of the model, or those of task and training.
Settings settings_of(const GroupResult& group, Part part) {
  const bool of_model = part == Part::kModel;
  Settings settings;
  if (!of_model) settings.emplace_back("task", group.task);
  for (const Setting& setting : group.settings) {
    // Follows the length where it is not set.
    const bool follows = setting.name == "train_select_length" &&
                         setting.value.text == std::to_string(group.train_length);
    if (setting.name.starts_with("model_") == of_model && !follows) {
      settings.emplace_back(setting.name, setting.value.text);
    }
  }
  if (part == Part::kScored && group.key && !group.key->settings.empty()) {
    put_scored(settings, *group.key);
  }
  if (!of_model) settings.emplace_back("data_seed", data_seed_text(group));
  return settings;
}

std::string value_in(const Settings& settings, std::string_view name) {
  for (const auto& [own, value] : settings) {
    if (own == name) return value;
  }
  return "";
}

/// The names of the settings that are not the same throughout.
std::vector<std::string> varying(const std::vector<Settings>& all) {
  std::vector<std::string> names, different;
  for (const Settings& settings : all) {
    for (const auto& [name, value] : settings) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  for (const std::string& name : names) {
    std::set<std::string> values;
    for (const Settings& settings : all) values.insert(value_in(settings, name));
    if (values.size() > 1) different.push_back(name);
  }
  // What a task is about comes first.
  std::stable_partition(different.begin(), different.end(), [](const std::string& name) {
    return name == "task" || name == "task_pairs" || name == "task_tokens";
  });
  return different;
}

std::string task_name(std::string name) {
  if (name == "mqar") return "MQAR";
  std::replace(name.begin(), name.end(), '-', ' ');
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 32);
  return name;
}

/// One setting in words: "16 pairs".
std::string in_words(const std::string& name, const std::string& value) {
  if (name == "task") return task_name(value);
  if (name == "task_pairs") return value + (value == "1" ? " pair" : " pairs");
  if (name == "task_length") return value + " tokens";
  if (name == "task_tokens") return value + " to copy";
  if (name == "train_steps") return with_commas(std::atoll(value.c_str())) + " steps";
  const std::size_t prefix = name.find('_');
  const bool has_prefix =
      name.starts_with("task_") || name.starts_with("train_") || name.starts_with("model_");
  std::string plain = has_prefix ? name.substr(prefix + 1) : name;
  std::replace(plain.begin(), plain.end(), '_', ' ');
  return fmt::format("{} {}", plain, value.empty() ? "not set" : value);
}

std::string in_words(const Settings& settings, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    const std::string value = value_in(settings, name);
    if (value.empty() && name.starts_with("task_")) continue;  // an option of another task
    if (!text.empty()) text += ", ";
    text += in_words(name, value);
  }
  return text;
}

/// "MQAR, 32 pairs in 128 tokens, 6,000 steps", as far as it is the same throughout.
std::string shared_setting(const std::vector<Settings>& all) {
  const std::vector<std::string> different = varying(all);
  std::string text;
  const char* join = ", ";
  for (const char* name : {"task", "task_pairs", "task_tokens", "task_length", "train_steps"}) {
    const std::string value = value_in(all.front(), name);
    if (value.empty() || std::find(different.begin(), different.end(), name) != different.end()) {
      continue;
    }
    const bool is_length = name == std::string_view("task_length");
    if (!text.empty()) text += is_length ? join : ", ";
    text += in_words(name, value);
    if (name == std::string_view("task_pairs")) join = " in ";
    if (name == std::string_view("task_tokens")) join = " out of ";
  }
  return text;
}

/// Puts the groups of one row together, which differ in the length of the score alone.
void add_to_row(StudyRow& row, const GroupResult& group) {
  const auto distance = [&](const GroupResult& one) {
    return one.key ? std::abs(one.key->eval_length - one.train_length) : 1LL << 40;
  };
  if (row.trained == nullptr || distance(group) < distance(*row.trained)) row.trained = &group;
  if (!group.key) return;
  for (const GroupResult* known : row.lengths) {
    if (known->key->eval_length == group.key->eval_length) return;
  }
  row.lengths.push_back(&group);
  std::sort(row.lengths.begin(), row.lengths.end(),
            [](const auto* a, const auto* b) { return a->key->eval_length < b->key->eval_length; });
}

using RowKey = std::tuple<std::string, Named, Settings>;

/// The rows of a section, with names that tell them apart.
std::vector<StudyRow> rows_of(const std::vector<const GroupResult*>& groups, const Styles& styles) {
  std::vector<RowKey> keys;
  std::vector<StudyRow> rows;
  for (const GroupResult* group : groups) {
    const RowKey key{
        group->experiment, {group->variant, group->label}, settings_of(*group, Part::kModel)};
    const auto known = std::find(keys.begin(), keys.end(), key);
    if (known == keys.end()) {
      keys.push_back(key);
      const Named named = std::get<Named>(key);
      rows.push_back({named, named.label, &styles.of(named), nullptr, {}});
      add_to_row(rows.back(), *group);
    } else {
      add_to_row(rows[static_cast<std::size_t>(known - keys.begin())], *group);
    }
  }
  std::map<std::string, std::vector<std::size_t>> same_name;
  for (std::size_t i = 0; i < rows.size(); ++i) same_name[rows[i].name].push_back(i);
  for (const auto& [name, places] : same_name) {
    if (places.size() < 2) continue;
    std::vector<Settings> settings;
    for (const std::size_t i : places) {
      settings.push_back(std::get<Settings>(keys[i]));
      settings.back().emplace_back("of", std::get<0>(keys[i]));
    }
    const std::vector<std::string> different = varying(settings);
    for (std::size_t i = 0; i < places.size(); ++i) {
      rows[places[i]].name += ", " + in_words(settings[i], different);
    }
  }
  std::stable_sort(rows.begin(), rows.end(), [&](const StudyRow& a, const StudyRow& b) {
    return styles.rank(a.named) < styles.rank(b.named);
  });
  return rows;
}

std::vector<StudySection> sections_of(const std::vector<const GroupResult*>& groups,
                                      const Styles& styles, Part part) {
  std::vector<Settings> all;
  for (const GroupResult* group : groups) all.push_back(settings_of(*group, part));
  const std::vector<std::string> different = varying(all);
  const auto values = [&](const GroupResult* group) {
    std::vector<std::string> own;
    const Settings settings = settings_of(*group, part);
    for (const std::string& name : different) own.push_back(value_in(settings, name));
    return own;
  };
  std::vector<std::vector<std::string>> order;
  for (const GroupResult* group : groups) {
    if (std::find(order.begin(), order.end(), values(group)) == order.end()) {
      order.push_back(values(group));
    }
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), in_size_order);
  });
  std::vector<StudySection> sections;
  for (const std::vector<std::string>& own : order) {
    std::vector<const GroupResult*> members;
    for (const GroupResult* group : groups) {
      if (values(group) == own) members.push_back(group);
    }
    const Settings settings = settings_of(*members.front(), part);
    StudySection section{in_words(settings, different), std::nullopt, rows_of(members, styles)};
    const std::string pairs = value_in(settings, "task_pairs");
    if (!pairs.empty()) section.pairs = std::atoll(pairs.c_str());
    sections.push_back(std::move(section));
  }
  return sections;
}

std::vector<std::string> code_versions(const std::vector<const GroupResult*>& groups) {
  std::set<std::string> versions;
  for (const GroupResult* group : groups) {
    std::string_view rest = group->code_version;
    while (!rest.empty()) {
      const std::size_t end = rest.find("; ");
      versions.emplace(rest.substr(0, end));
      rest = end == std::string_view::npos ? "" : rest.substr(end + 2);
    }
  }
  return {versions.begin(), versions.end()};
}

}  // namespace

std::size_t Study::rows() const {
  std::size_t count = 0;
  for (const StudySection& section : sections) count += section.rows.size();
  return count;
}

Study Study::by_training() const {
  Study study = *this;
  study.sections = trainings;
  return study;
}

std::string Study::seeds_text() const {
  std::set<std::int64_t> counts;
  for (const StudySection& section : sections) {
    for (const StudyRow& row : section.rows) counts.insert(row.trained->runs());
  }
  if (counts.empty()) return "no seeds";
  if (counts.size() > 1)
    return fmt::format("{} to {} seeds a variant", *counts.begin(), *counts.rbegin());
  return *counts.begin() == 1 ? "1 seed a variant"
                              : fmt::format("{} seeds a variant", *counts.begin());
}

std::string Study::examples_text() const {
  return examples > 0 ? with_commas(examples) + " test examples a seed" : "test examples";
}

std::string Study::origin() const {
  return code_version.empty() ? shown : fmt::format("{} at {}", shown, code_version);
}

Study make_study(const std::vector<std::string>& experiments,
                 const std::vector<GroupResult>& groups, const Styles& styles) {
  std::vector<const GroupResult*> own;
  for (const std::string& experiment : experiments) {
    for (const GroupResult& group : groups) {
      if (group.experiment == experiment && shown(group)) own.push_back(&group);
    }
  }
  Study study;
  study.name = fmt::format("{}", fmt::join(experiments, "+"));
  study.shown = fmt::format("{}", fmt::join(experiments, ", "));
  study.experiments = experiments;
  if (own.empty()) return study;
  std::vector<Settings> all;
  for (const GroupResult* group : own) all.push_back(settings_of(*group, Part::kScored));
  study.setting = shared_setting(all);
  const std::vector<std::string> versions = code_versions(own);
  study.code_version = versions.size() > 3 ? fmt::format("{} code versions", versions.size())
                                           : fmt::format("{}", fmt::join(versions, ", "));
  std::set<std::int64_t> examples;
  for (const GroupResult* group : own) {
    if (group->key) examples.insert(group->key->examples);
  }
  if (examples.size() == 1) study.examples = *examples.begin();
  const std::string solve_at = value_in(all.front(), "train_solve_at");
  if (!solve_at.empty()) study.solve_at = std::atof(solve_at.c_str());
  study.sections = sections_of(own, styles, Part::kScored);
  std::vector<const GroupResult*> trained;
  std::copy_if(own.begin(), own.end(), std::back_inserter(trained),
               [](const GroupResult* group) { return training_is_known(*group); });
  study.trainings = sections_of(trained, styles, Part::kTrained);
  return study;
}

bool solved(const GroupResult& group, std::size_t seed) {
  return seed < group.solve_steps.size() && group.solve_steps[seed].solved;
}

std::vector<Waiting> waiting_of(const GroupResult& group) {
  std::vector<Waiting> runs(static_cast<std::size_t>(group.diverged),
                            Waiting{std::numeric_limits<double>::infinity(), true});
  for (const SolveStep& step : group.solve_steps) {
    runs.push_back({static_cast<double>(step.step), !step.solved});
  }
  return runs;
}

}  // namespace recollect::plot
