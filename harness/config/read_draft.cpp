#include "harness/config/read_draft.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/pinned_file.hpp"
#include "harness/config/declarations.hpp"
#include "harness/config/draft_parts.hpp"
#include "harness/config/pattern.hpp"
#include "harness/config/reporter.hpp"
#include "tasks/registry.hpp"

namespace recollect {
namespace {

using Sections = std::map<std::string, Fields>;  // by name

void read_crossed(const Sections& sections, const GridAxis& axis, const YamlValue& value,
                  const std::string& combination, PlaceMap& places) {
  const std::size_t dot = axis.key.find('.');
  const Fields& fields = sections.at(axis.key.substr(0, dot));
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& field) {
    return field.name == axis.key.substr(dot + 1);
  });
  if (found == fields.end()) {
    throw ConfigError(fmt::format("{}: grid key '{}' is not an option of this task{}", axis.place,
                                  axis.key, combination));
  }
  read_field(*found, value, fmt::format("grid.{}", axis.key));
  places[axis.key] = value.place;
}

}  // namespace

DraftReader::DraftReader(const YamlValue& root, const PlaceMap& places,
                         const std::vector<GridAxis>& axes, PinnedFiles files)
    : root_(root), places_(places), axes_(axes), files_(std::move(files)) {}

const YamlValue& DraftReader::task_section(const GridPoint& point) const {
  const YamlValue* section = root_.find("task");
  for (std::size_t a = 0; a < axes_.size(); ++a) {
    if (axes_[a].key != "task") continue;
    if (section != nullptr) {
      throw ConfigError(fmt::format("{}: task is given here and crossed by the grid ({}); keep one",
                                    places_.at("task"), axes_[a].place));
    }
    return axes_[a].values[point[a]];
  }
  if (section == nullptr) {
    throw ConfigError(fmt::format("{}: no task; add task: {{name: ...}} with one of {}",
                                  places_.at(""), fmt::join(tasks().names(), ", ")));
  }
  require_map(*section, "task", "task: {name: mqar}");
  return *section;
}

const YamlValue* DraftReader::pattern_section(const GridPoint& point) const {
  for (std::size_t a = 0; a < axes_.size(); ++a) {
    if (axes_[a].key == "model.pattern") return &axes_[a].values[point[a]];
  }
  const YamlValue* model = root_.find("model");
  return model == nullptr ? nullptr : model->find("pattern");
}

void DraftReader::read_sections(Draft& draft, const GridPoint& point) const {
  const YamlValue& task = task_section(point);
  draft.places["task"] = task.place;
  const YamlValue* name = task.find("name");
  if (name == nullptr) {
    throw ConfigError(fmt::format("{}: task has no name; add name: and one of {}", task.place,
                                  fmt::join(tasks().names(), ", ")));
  }
  draft.task = tasks().find(read_known(*name, "task.name", tasks().names()))->settings();

  Sections sections;
  sections["task"] = draft.task->fields();
  sections["task"].push_back(data_seed_field(draft.data_seed));
  sections["model"] = draft.model.fields();
  sections["train"] = draft.train.fields();
  sections["eval"] = draft.eval.fields();
  read_section(sections["task"], task, "task", {"name"}, draft.places);
  for (const std::string section : {"model", "train", "eval"}) {
    const YamlValue* value = root_.find(section);
    if (value == nullptr) continue;
    require_map(*value, section, section + ": {key: value}");
    read_section(sections[section], *value, section, {}, draft.places);
  }
  const std::string combination = combination_of(axes_, point);
  for (std::size_t a = 0; a < axes_.size(); ++a) {
    if (axes_[a].key != "task") {
      read_crossed(sections, axes_[a], axes_[a].values[point[a]], combination, draft.places);
    }
  }
}

Draft DraftReader::read(const GridPoint& point) {
  Draft draft;
  draft.places = places_;
  const std::string combination = combination_of(axes_, point);
  read_sections(draft, point);
  if (pinned_file(draft.train.init).path.empty()) {
    throw ConfigError(
        fmt::format("{}: train.init names no file; name a file of weights, or leave "
                    "it out{}",
                    draft.places.at("train.init"), combination));
  }
  files_.read_initial_weights(draft.train);
  files_.read_examples(*draft.task);
  count_in_files(draft, combination);

  draft.model.share();
  if (const YamlValue* pattern = pattern_section(point); pattern != nullptr) {
    draft.pattern = read_pattern(*pattern, "model.pattern");
  }
  read_parts(draft, root_, combination);
  const Reporter report(draft.places, combination);
  report("task.", [&] { draft.task->validate(); });
  report("train.", [&] { draft.train.validate(); });
  count_steps(draft, combination);
  report("train.", [&] { draft.train.validate_warmup(); });
  if (draft.eval.lengths.empty() && draft.scored.empty()) {
    draft.eval.lengths = {draft.task->length};
  }
  if (!draft.train.select_length) draft.train.select_length = draft.task->length;
  return draft;
}

}  // namespace recollect
