#include "harness/config/load.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "harness/config/declarations.hpp"
#include "harness/config/draft.hpp"
#include "harness/config/grid.hpp"
#include "harness/config/lay_out.hpp"
#include "harness/config/option_use.hpp"
#include "harness/config/overrides.hpp"
#include "harness/config/pinned_files.hpp"
#include "harness/config/read_draft.hpp"
#include "harness/config/read_field.hpp"
#include "harness/config/read_variants.hpp"
#include "harness/config/yaml_tree.hpp"

namespace recollect {
namespace {

using Kind = YamlValue::Kind;

/// Where each of the keys at the top stands; the head of the file under "".
/// @throws ConfigError where one is unknown
PlaceMap places_at_top(const YamlValue& root, const std::string& file) {
  const std::vector<std::string>& known = top_keys();
  PlaceMap places;
  for (const YamlEntry& entry : root.entries) {
    if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
      throw ConfigError(fmt::format("{}: unknown key '{}'{}", entry.place, printable(entry.key),
                                    top_key_hint(entry.key)));
    }
    places[entry.key] = entry.place;
  }
  places[""] = fmt::format("{}:1", printable(file, kWhole));
  return places;
}

/// The experiment's name: as given, else that of the file.
std::string read_experiment(const YamlValue& root, const std::string& file, const PlaceMap& places,
                            AllowedNames names) {
  const auto read = [&](const YamlValue& value, const std::string& key) {
    return allowed_name(read_file_name(value, key), value, key, names);
  };
  if (const YamlValue* value = root.find("experiment"); value != nullptr) {
    return read(*value, "experiment");
  }
  YamlValue stem;
  stem.kind = Kind::kScalar;
  stem.text = std::filesystem::path(file).stem().string();
  stem.place = places.at("");
  return read(stem, "experiment (from the file's name)");
}

std::vector<std::int64_t> read_seeds(const YamlValue& root, const PlaceMap& places) {
  const YamlValue* one = root.find("seed");
  const YamlValue* list = root.find("seeds");
  if (one != nullptr && list != nullptr) {
    throw ConfigError(
        fmt::format("{}: seed and seeds are both given; keep one", places.at("seed")));
  }
  if (one != nullptr && one->kind == Kind::kList) {
    throw ConfigError(fmt::format("{}: seed = {}: must be a whole number; write seeds: {}",
                                  one->place, one->shown(), one->shown()));
  }
  if (one != nullptr) return {read_integer(*one, "seed", 0, kMaxSeed)};
  if (list == nullptr) return {0};
  require_list(*list, "seeds", "[0, 1, 2]");
  std::vector<std::int64_t> seeds;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    seeds.push_back(read_integer(list->items[i], fmt::format("seeds[{}]", i), 0, kMaxSeed));
    if (std::count(seeds.begin(), seeds.end(), seeds.back()) > 1) {
      throw ConfigError(fmt::format("{}: seeds = {} holds {} twice; keep one", list->items[i].place,
                                    list->shown(), seeds.back()));
    }
  }
  return seeds;
}

Plan read_plan(const YamlValue& root, const std::string& file, const PlaceMap& places,
               AllowedNames names) {
  Plan plan;
  plan.experiment = read_experiment(root, file, places, names);
  plan.axes = read_grid(root.find("grid"), crossable_keys());
  plan.points = cross(plan.axes);
  plan.variants = read_variants(root.find("variants"), names);
  plan.seeds = read_seeds(root, places);
  const std::size_t cells = plan.points.size() * plan.variants.size() * plan.seeds.size();
  if (cells > kMaxCells) {
    throw ConfigError(
        fmt::format("{}: {} cells are more than {}; shorten the grid, the variants or "
                    "the seeds",
                    places.at(""), cells, kMaxCells));
  }
  PinnedFiles files(std::filesystem::path(file).parent_path(), names == AllowedNames::kToday);
  DraftReader reader(root, places, plan.axes, std::move(files));
  for (const GridPoint& point : plan.points) plan.drafts.push_back(reader.read(point));
  check_used(plan, root.find("model"));
  return plan;
}

}  // namespace

Experiment load_experiment(const std::string& path, const std::vector<std::string>& overrides) {
  return parse_experiment(read_configuration_file(path), path, overrides);
}

Experiment parse_experiment(const std::string& text, const std::string& name,
                            const std::vector<std::string>& overrides, AllowedNames names) {
  YamlValue root = parse_yaml(text, name);
  if (root.kind == Kind::kNull) {
    throw ConfigError(
        fmt::format("{}:1: is empty; a configuration needs at least a task, e.g. "
                    "task: {{name: mqar}}",
                    printable(name, kWhole)));
  }
  if (root.kind != Kind::kMap) {
    throw ConfigError(fmt::format("{}: {} is not a configuration; it must be a map of {}",
                                  root.place, root.shown(), fmt::join(top_keys(), ", ")));
  }
  std::vector<std::string> warnings = apply_overrides(root, overrides);
  const PlaceMap places = places_at_top(root, name);
  Experiment experiment = lay_out(read_plan(root, name, places, names), name, places);
  experiment.warnings.insert(experiment.warnings.begin(), warnings.begin(), warnings.end());
  return experiment;
}

}  // namespace recollect
