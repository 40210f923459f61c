#include "harness/config/task_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "harness/config/bounds.hpp"
#include "harness/config/emit.hpp"
#include "harness/config/read_field.hpp"

namespace recollect {
namespace {

Fields options_of(TaskSettings& task) {
  Fields fields = task.fields();
  std::erase_if(fields, [](const Field& field) { return field.name == "vocab"; });
  return fields;
}

Field examples_field(std::optional<std::int64_t>& examples) {
  return field("examples", examples, "examples").range(1, kMostExamples);
}

TaskPart read_part(const YamlValue& value, const std::string& key, const TaskSettings& base,
                   std::int64_t examples, PlaceMap& places, const std::string& combination) {
  require_map(value, key, "{length: 64, pairs: 4, examples: 20000}");
  const std::shared_ptr<TaskSettings> task = base.clone();
  std::optional<std::int64_t> own_examples;
  if (examples > 0) own_examples = examples;
  Fields fields = options_of(*task);
  fields.push_back(examples_field(own_examples));
  for (const char* shared : {"name", "vocab", "data_seed"}) {
    if (const YamlValue* found = value.find(shared); found != nullptr) {
      throw ConfigError(fmt::format("{}: {}.{} = {}: is the same for all entries; give it in task",
                                    found->place, key, shared, found->shown()));
    }
  }
  places[key] = value.place;
  read_section(fields, value, key, {}, places);
  if (!own_examples) {
    throw ConfigError(
        fmt::format("{}: {} has no examples; add e.g. examples: 20000", value.place, key));
  }
  task->resolve();
  Reporter(places, combination)(key + ".", [&] { task->validate(); });
  return {task, *own_examples, {}};
}

/// Those options of which `is_given` is true, and the examples.
template <class IsGiven>
std::string map_text(const TaskPart& part, const IsGiven& is_given) {
  const auto task = part.task->clone();
  const Fields own = options_of(*task);
  std::string text;
  for (std::size_t i = 0; i < own.size(); ++i) {
    const std::string value = field_text(own[i]);
    if (value.empty() || !is_given(i, own[i].name, value)) continue;
    text += fmt::format("{}: {}, ", own[i].name, value);
  }
  return fmt::format("{{{}examples: {}}}", text, part.examples);
}

std::string text_of(const TaskPart& part, const TaskSettings& base) {
  const auto other = base.clone();
  const Fields usual = options_of(*other);
  return map_text(part, [&](std::size_t i, const std::string& name, const std::string& value) {
    return name == "length" || value != field_text(usual[i]);
  });
}

}  // namespace

std::vector<TaskPart> read_task_parts(const YamlValue& list, const std::string& key,
                                      const TaskSettings& base, std::int64_t examples,
                                      PlaceMap& places, const std::string& combination) {
  require_list(list, key, "[{length: 64, pairs: 4, examples: 20000}]");
  std::vector<TaskPart> parts;
  std::set<std::string> known;
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    parts.push_back(read_part(list.items[i], fmt::format("{}[{}]", key, i), base, examples, places,
                              combination));
    TaskPart same = parts.back();
    same.examples = 0;
    if (!known.insert(text_of(same, base)).second) {
      throw ConfigError(
          fmt::format("{}: {}[{}] = {}: has the settings of an entry before it; keep "
                      "one",
                      list.items[i].place, key, i, list.items[i].shown()));
    }
  }
  return parts;
}

std::shared_ptr<TaskSettings> longest_of(const std::vector<TaskPart>& parts) {
  const auto longest = std::max_element(
      parts.begin(), parts.end(),
      [](const TaskPart& a, const TaskPart& b) { return a.task->length < b.task->length; });
  return longest->task->clone();
}

std::vector<std::string> part_texts(const std::vector<TaskPart>& parts, const TaskSettings& base) {
  std::vector<std::string> texts;
  for (const TaskPart& part : parts) texts.push_back(text_of(part, base));
  return texts;
}

std::vector<std::string> written_texts(const std::vector<TaskPart>& parts, const YamlValue& list) {
  std::vector<std::string> texts;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    texts.push_back(
        map_text(parts[p], [&](std::size_t, const std::string& name, const std::string&) {
          return list.items[p].find(name) != nullptr;
        }));
  }
  return texts;
}

std::shared_ptr<TaskSettings> at_length(const TaskSettings& task, std::int64_t length) {
  std::shared_ptr<TaskSettings> other = task.clone();
  other->length = length;
  return other;
}

std::vector<TaskPart> training_parts(const Cell& cell) {
  if (!cell.mixture.empty()) return cell.mixture;
  return {{cell.task, cell.train.examples.value_or(cell.train.steps * cell.train.batch), {}}};
}

std::vector<TaskPart> scored_parts(const Cell& cell) {
  if (!cell.scored.empty()) return cell.scored;
  std::vector<TaskPart> parts;
  const std::set<std::int64_t> lengths(cell.eval.lengths.begin(), cell.eval.lengths.end());
  for (const std::int64_t length : lengths) {
    parts.push_back({at_length(*cell.task, length), cell.eval.examples, {}});
  }
  return parts;
}

void name_settings(std::vector<TaskPart>& parts, const TaskSettings& base) {
  std::vector<std::shared_ptr<TaskSettings>> copies = {base.clone()};
  std::vector<Fields> fields = {options_of(*copies.front())};
  for (TaskPart& part : parts) {
    part.settings.clear();
    fields.push_back(options_of(*copies.emplace_back(part.task->clone())));
  }
  for (std::size_t i = 0; i < fields.front().size(); ++i) {
    const std::string& name = fields.front()[i].name;
    const bool same = std::all_of(fields.begin(), fields.end(), [&](const Fields& other) {
      return other[i].text() == fields.front()[i].text();
    });
    if (same || name == "length") continue;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      parts[p].settings[name] = fields[p + 1][i].text();
    }
  }
}

}  // namespace recollect
