#include "harness/config/grid.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "harness/config/declarations.hpp"
#include "harness/config/read_field.hpp"

namespace recollect {

namespace {

void check_key(const YamlEntry& entry, const std::vector<std::string>& crossable) {
  if (std::find(crossable.begin(), crossable.end(), entry.key) != crossable.end()) return;
  const auto fail = [&](const std::string& problem) {
    throw ConfigError(
        fmt::format("{}: grid key '{}' {}", entry.place, printable(entry.key), problem));
  };
  if (entry.key == "task.name") {
    fail(
        "cannot be crossed alone, since tasks differ in their options; cross whole tasks: "
        "grid: {task: [{name: mqar}, {name: selective-copying}]}");
  }
  if (entry.key == "seeds" || entry.key == "seed" || entry.key == "variants") {
    fail("is crossed anyway; give the list at the top level");
  }
  if (entry.key == "eval" || entry.key.starts_with("eval.")) {
    fail(
        "is a scoring option, which makes no other cells; give lists in eval (lengths: [64, 128]) "
        "or run a second configuration");
  }
  const std::vector<std::string>& known = section_keys();
  if (std::find(known.begin(), known.end(), entry.key) != known.end()) {
    fail("takes a list, and a grid crosses single values; use a configuration for each list");
  }
  for (const std::string& key : crossable) {
    if (key.ends_with("." + entry.key)) {
      fail(fmt::format("lacks its section; write '{}'", key));
    }
  }
  const std::string near = nearest_name(entry.key, crossable);
  fail(fmt::format("is unknown{}", near.empty() ? "; write keys in full, e.g. task.pairs"
                                                : fmt::format("; did you mean '{}'?", near)));
}

}  // namespace

std::vector<GridAxis> read_grid(const YamlValue* grid, const std::vector<std::string>& crossable) {
  std::vector<GridAxis> axes;
  if (grid == nullptr) return axes;
  require_map(*grid, "grid", "{task.pairs: [8, 16]}");
  std::size_t points = 1;
  for (const YamlEntry& entry : grid->entries) {
    check_key(entry, crossable);
    const bool is_task = entry.key == "task";
    const std::string key = fmt::format("grid.{}", entry.key);
    require_list(entry.value, key, is_task ? "[{name: mqar, pairs: 8}]" : "[8, 16]");
    if (is_task) {
      for (const YamlValue& item : entry.value.items) {
        require_map(item, key, "[{name: mqar, pairs: 8}]");
      }
    }
    points *= entry.value.items.size();
    if (points > kMaxCells) {
      throw ConfigError(fmt::format("{}: the grid has more than {} combinations; shorten it",
                                    entry.place, kMaxCells));
    }
    axes.push_back({entry.key, entry.place, entry.value.items});
  }
  return axes;
}

std::vector<GridPoint> cross(const std::vector<GridAxis>& axes) {
  std::vector<GridPoint> points = {GridPoint{}};
  for (const GridAxis& axis : axes) {
    std::vector<GridPoint> longer;
    for (const GridPoint& point : points) {
      for (std::size_t i = 0; i < axis.values.size(); ++i) {
        longer.push_back(point);
        longer.back().push_back(i);
      }
    }
    points = std::move(longer);
  }
  return points;
}

std::string combination_of(const std::vector<GridAxis>& axes, const GridPoint& point) {
  if (axes.empty()) return "";
  std::string text;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const YamlValue& value = axes[i].values[point[i]];
    const YamlValue* name = value.find("name");
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", axes[i].key,
                        name != nullptr ? name->shown() : value.shown());
  }
  return fmt::format(" (grid: {})", text);
}

}  // namespace recollect
