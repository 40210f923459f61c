#include "harness/config/overrides.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "harness/config/declarations.hpp"
#include "harness/config/read_field.hpp"

namespace recollect {

namespace {

YamlValue* find(YamlValue& map, std::string_view key) {
  return const_cast<YamlValue*>(std::as_const(map).find(key));  // NOLINT: `map` is not const
}

void set(YamlValue& map, const std::string& key, const YamlValue& value) {
  for (YamlEntry& entry : map.entries) {
    if (entry.key == key) {
      entry = {key, value.place, value};
      return;
    }
  }
  map.entries.push_back({key, value.place, value});
}

void erase(YamlValue& map, std::string_view key) {
  std::erase_if(map.entries, [&](const YamlEntry& entry) { return entry.key == key; });
}

void set_in_section(YamlValue& root, const std::string& section, const std::string& key,
                    const YamlValue& value) {
  YamlValue* grid = find(root, "grid");
  YamlValue* tasks = section == "task" && grid != nullptr ? find(*grid, "task") : nullptr;
  if (tasks != nullptr && find(root, "task") == nullptr) {
    for (YamlValue& task : tasks->items) set(task, key, value);
    return;
  }
  YamlValue* map = find(root, section);
  if (map == nullptr) {
    YamlValue empty;
    empty.kind = YamlValue::Kind::kMap;
    empty.place = value.place;
    set(root, section, empty);
    map = find(root, section);
  }
  require_map(*map, section, fmt::format("{{{}: {}}}", key, value.shown()));
  set(*map, key, value);
}

/// Whether --set of `key` leaves nothing of an earlier --set of `before`.
bool replaces(const std::string& key, const std::string& before) {
  const bool both_seeds =
      (key == "seed" || key == "seeds") && (before == "seed" || before == "seeds");
  return key == before || before.starts_with(key + ".") || both_seeds;
}

bool is_section(const std::string& name) {
  return name == "task" || name == "model" || name == "train" || name == "eval" || name == "grid";
}

}  // namespace

std::string top_key_hint(const std::string& key) {
  for (const std::string& full : section_keys()) {
    if (full.ends_with("." + key)) return fmt::format("; did you mean '{}'?", full);
  }
  std::vector<std::string> known = top_keys();
  if (key.find('.') != std::string::npos) known = section_keys();
  const std::string near = nearest_name(key, known);
  if (!near.empty()) return fmt::format("; did you mean '{}'?", near);
  return fmt::format("; known: {}", fmt::join(top_keys(), ", "));
}

std::vector<std::string> apply_overrides(YamlValue& root,
                                         const std::vector<std::string>& overrides) {
  std::vector<std::pair<std::string, std::string>> in_sections;  // key in full, place
  std::vector<std::pair<std::string, std::string>> earlier;      // likewise
  std::vector<std::string> warnings;
  for (const std::string& text : overrides) {
    const std::string place = fmt::format("--set {}", printable(text));
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw ConfigError(
          fmt::format("{}: must be key=value; write e.g. --set task.pairs=16", place));
    }
    const std::string key = text.substr(0, equals);
    const YamlValue value = parse_yaml_at(text.substr(equals + 1), place);
    if (value.kind == YamlValue::Kind::kNull) {
      throw ConfigError(fmt::format("{}: {} has no value; write e.g. --set task.pairs=16", place,
                                    printable(key)));
    }
    for (const auto& [dropped, its_place] : earlier) {
      if (!replaces(key, dropped)) continue;
      warnings.push_back(fmt::format("{} has no effect: {} comes after it", its_place, place));
    }
    std::erase_if(earlier, [&](const auto& each) { return replaces(key, each.first); });
    earlier.emplace_back(key, place);
    const std::size_t dot = key.find('.');
    const std::string head = key.substr(0, dot);
    if (dot != std::string::npos && is_section(head)) {
      set_in_section(root, head, key.substr(dot + 1), value);
      if (head != "grid") in_sections.emplace_back(key, place);
    } else if (std::find(top_keys().begin(), top_keys().end(), key) != top_keys().end()) {
      set(root, key, value);
      if (key == "seed") erase(root, "seeds");
      if (key == "seeds") erase(root, "seed");
    } else {
      throw ConfigError(
          fmt::format("{}: unknown key '{}'{}", place, printable(key), top_key_hint(key)));
    }
  }
  const YamlValue* grid = find(root, "grid");
  for (const auto& [key, place] : in_sections) {
    if (grid != nullptr && grid->find(key) != nullptr) {
      throw ConfigError(
          fmt::format("{}: the grid crosses {} already and would win; replace its values "
                      "with --set grid.{}=[...]",
                      place, key, key));
    }
  }
  return warnings;
}

}  // namespace recollect
