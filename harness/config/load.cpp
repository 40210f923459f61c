#include "harness/config/load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/misread.hpp"
#include "base/text.hpp"
#include "harness/config/bounds.hpp"
#include "harness/config/declarations.hpp"
#include "harness/config/grid.hpp"
#include "harness/config/overrides.hpp"
#include "harness/config/pattern.hpp"
#include "harness/config/pinned_files.hpp"
#include "harness/config/read_field.hpp"
#include "harness/config/reporter.hpp"
#include "harness/config/resolved.hpp"
#include "harness/config/rules.hpp"
#include "harness/config/task_parts.hpp"
#include "harness/config/variant_model.hpp"
#include "harness/config/yaml_tree.hpp"
#include "models/outside.hpp"
#include "models/registry.hpp"
#include "tasks/examples.hpp"
#include "tasks/registry.hpp"

namespace recollect {

namespace {

using Kind = YamlValue::Kind;

class Loader {
 public:
  Loader(const YamlValue& root, std::string file, AllowedNames names)
      : root_(root),
        file_(std::move(file)),
        names_(names),
        pinned_files_(std::filesystem::path(file_).parent_path(), names == AllowedNames::kToday) {
    for (const YamlEntry& entry : root.entries) {
      const auto& known = top_keys();
      if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
        throw ConfigError(fmt::format("{}: unknown key '{}'{}", entry.place, printable(entry.key),
                                      top_key_hint(entry.key)));
      }
      places_[entry.key] = entry.place;
    }
    places_[""] = fmt::format("{}:1", printable(file_, kWhole));
  }

  [[nodiscard]] Experiment load() {
    Plan plan;
    plan.experiment = read_experiment();
    plan.axes = read_grid(root_.find("grid"), crossable_keys());
    plan.points = cross(plan.axes);
    plan.variants = read_variants();
    plan.seeds = read_seeds();
    const std::size_t cells = plan.points.size() * plan.variants.size() * plan.seeds.size();
    if (cells > kMaxCells) {
      throw ConfigError(
          fmt::format("{}: {} cells are more than {}; shorten the grid, the variants or "
                      "the seeds",
                      places_[""], cells, kMaxCells));
    }
    for (const GridPoint& point : plan.points) plan.drafts.push_back(read_draft(plan.axes, point));
    check_used(plan);
    return lay_out(plan);
  }

 private:
  std::string read_experiment() const {
    const YamlValue* value = root_.find("experiment");
    if (value != nullptr)
      return checked(read_file_name(*value, "experiment"), *value, "experiment");
    YamlValue stem;
    stem.kind = Kind::kScalar;
    stem.text = std::filesystem::path(file_).stem().string();
    stem.place = places_.at("");
    const char* key = "experiment (from the file's name)";
    return checked(read_file_name(stem, key), stem, key);
  }

  /// A name that tables keep. @throws ConfigError where other programs take it for something else
  std::string checked(std::string name, const YamlValue& value, const std::string& key) const {
    const std::string as = names_ == AllowedNames::kToday ? misread_as(name) : "";
    if (as.empty()) return name;
    throw ConfigError(fmt::format(
        "{}: {} = {}: programs that read tables take it for {}; take another name, e.g. {}",
        value.place, key, value.shown(), as, yaml_quoted(fmt::format("run {}", name))));
  }

  /// A label that is another variant's name would make tables say what is not.
  void check_label(const VariantEntry& variant, const std::string& key) const {
    if (names_ == AllowedNames::kAny || variant.label == variant.name) return;
    if (mixers().find(variant.label) == nullptr) return;
    throw ConfigError(
        fmt::format("{}: {}.label = {}: is the name of another variant than {}; take another label",
                    variant.place, key, variant.label, variant.name));
  }

  std::vector<VariantEntry> read_variants() const {
    std::vector<VariantEntry> variants;
    const YamlValue* list = root_.find("variants");
    if (list == nullptr) {
      for (const std::string& name : mixers().names()) {
        VariantEntry& variant = variants.emplace_back();
        variant.name = variant.label = name;
      }
      return variants;
    }
    require_list(*list, "variants", "[fixed-decay, adaptive-decay]");
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      const YamlValue& item = list->items[i];
      const std::string key = fmt::format("variants[{}]", i);
      VariantEntry variant;
      variant.place = item.place;
      if (item.kind == Kind::kMap) {
        const YamlValue* name = item.find("name");
        if (name == nullptr) {
          throw ConfigError(fmt::format("{}: {} = {}: has no name; add name: and one of {}",
                                        item.place, key, item.shown(),
                                        fmt::join(mixers().names(), ", ")));
        }
        const bool outside = names_ == AllowedNames::kAny && name->text == kOutside;
        variant.name = outside ? name->text : read_known(*name, key + ".name", mixers().names());
        const YamlValue* label = item.find("label");
        variant.label = variant.name;
        if (label != nullptr) {
          variant.label = checked(read_name(*label, key + ".label"), *label, key + ".label");
          check_label(variant, key);
        }
        variant.options = item;
        if (const YamlValue* pattern = item.find("pattern"); pattern != nullptr) {
          variant.pattern = read_pattern(*pattern, key + ".pattern");
        }
      } else {
        variant.name = read_known(item, key, mixers().names());
        variant.label = variant.name;
      }
      for (const VariantEntry& other : variants) {
        if (other.label == variant.label) {
          throw ConfigError(
              fmt::format("{}: {} has the label '{}' of another variant ({}); give it a "
                          "label of its own, {{name: {}, label: ...}}",
                          variant.place, key, variant.label, other.place, variant.name));
        }
      }
      variants.push_back(std::move(variant));
    }
    return variants;
  }

  std::vector<std::int64_t> read_seeds() const {
    const YamlValue* one = root_.find("seed");
    const YamlValue* list = root_.find("seeds");
    if (one != nullptr && list != nullptr) {
      throw ConfigError(
          fmt::format("{}: seed and seeds are both given; keep one", places_.at("seed")));
    }
    if (one != nullptr && one->kind == YamlValue::Kind::kList) {
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
        throw ConfigError(fmt::format("{}: seeds = {} holds {} twice; keep one",
                                      list->items[i].place, list->shown(), seeds.back()));
      }
    }
    return seeds;
  }

  // The task section of a combination: the grid's, where it crosses whole tasks.
  const YamlValue& task_section(const std::vector<GridAxis>& axes, const GridPoint& point) const {
    const YamlValue* section = root_.find("task");
    for (std::size_t a = 0; a < axes.size(); ++a) {
      if (axes[a].key != "task") continue;
      if (section != nullptr) {
        throw ConfigError(
            fmt::format("{}: task is given here and crossed by the grid ({}); keep one",
                        places_.at("task"), axes[a].place));
      }
      return axes[a].values[point[a]];
    }
    if (section == nullptr) {
      throw ConfigError(fmt::format("{}: no task; add task: {{name: ...}} with one of {}",
                                    places_.at(""), fmt::join(tasks().names(), ", ")));
    }
    require_map(*section, "task", "task: {name: mqar}");
    return *section;
  }

  // The pattern of a combination: the grid's, where it crosses patterns.
  const YamlValue* pattern_section(const std::vector<GridAxis>& axes,
                                   const GridPoint& point) const {
    for (std::size_t a = 0; a < axes.size(); ++a) {
      if (axes[a].key == "model.pattern") return &axes[a].values[point[a]];
    }
    const YamlValue* model = root_.find("model");
    return model == nullptr ? nullptr : model->find("pattern");
  }

  Draft read_draft(const std::vector<GridAxis>& axes, const GridPoint& point) const {
    Draft draft;
    draft.places = places_;
    const YamlValue& task = task_section(axes, point);
    draft.places["task"] = task.place;
    const YamlValue* name = task.find("name");
    if (name == nullptr) {
      throw ConfigError(fmt::format("{}: task has no name; add name: and one of {}", task.place,
                                    fmt::join(tasks().names(), ", ")));
    }
    draft.task = tasks().find(read_known(*name, "task.name", tasks().names()))->settings();

    std::map<std::string, Fields> sections;
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
    const std::string combination = grid_suffix(axes, point);
    for (std::size_t a = 0; a < axes.size(); ++a) {
      if (axes[a].key != "task") {
        read_crossed(sections, axes[a], axes[a].values[point[a]], combination, draft.places);
      }
    }

    pinned_files_.read_initial_weights(draft.train);
    pinned_files_.read_examples(*draft.task);
    count_in_files(draft, combination);

    draft.model.share();
    if (const YamlValue* pattern = pattern_section(axes, point); pattern != nullptr) {
      draft.pattern = read_pattern(*pattern, "model.pattern");
    }
    read_parts(draft, combination);
    const Reporter report(draft.places, combination);
    report("task.", [&] { draft.task->validate(); });
    report("train.", [&] { draft.train.validate(); });
    count_steps(draft, report, combination);
    if (draft.eval.lengths.empty() && draft.scored.empty()) {
      draft.eval.lengths = {draft.task->length};
    }
    if (!draft.train.select_length) draft.train.select_length = draft.task->length;
    return draft;
  }

  // Examples of files are so many: all of them, unless fewer are asked for.
  static void count_in_files(Draft& draft, const std::string& combination) {
    const auto* examples = dynamic_cast<const ExamplesSettings*>(draft.task.get());
    if (examples == nullptr) return;
    for (const char* key : {"train.mixture", "eval.cells"}) {
      if (const auto found = draft.places.find(key); found != draft.places.end()) {
        throw ConfigError(
            fmt::format("{}: {} does not go with task examples, whose files have one "
                        "setting each; leave it out{}",
                        found->second, key, combination));
      }
    }
    const auto count = [&](const char* key, Split split, auto& number) {
      const auto& arrays = examples->data[static_cast<std::size_t>(split)];
      if (!arrays) return;  // the file is not there
      const std::int64_t there = arrays->examples;
      const auto found = draft.places.find(key);
      if (found == draft.places.end()) {
        number = there;
        return;
      }
      const std::optional<std::int64_t> asked = number;
      if (asked && *asked <= there) return;
      throw ConfigError(
          fmt::format("{}: {} = {}: the file has {} examples; lower it to that, or "
                      "leave it out{}",
                      found->second, key, asked ? std::to_string(*asked) : std::string("online"),
                      there, combination));
    };
    count("train.examples", Split::kTrain, draft.train.examples);
    count("train.validation_examples", Split::kValidation, draft.train.validation_examples);
    count("eval.examples", Split::kTest, draft.eval.examples);
  }

  // Two options of which one decides what the other says.
  static void refuse_beside(const Draft& draft, const std::string& key, const std::string& other,
                            const std::string& combination) {
    const auto found = draft.places.find(key);
    if (found == draft.places.end()) return;
    throw ConfigError(fmt::format("{}: {} does not go with {}, which decides it; leave one out{}",
                                  found->second, key, other, combination));
  }

  // The components of a mixture and the settings to score, as tasks; resolves the task itself.
  void read_parts(Draft& draft, const std::string& combination) const {
    const std::unique_ptr<TaskSettings> written = draft.task->clone();
    const auto list_of = [&](const char* section, const char* key,
                             const std::vector<std::string>& given) -> const YamlValue* {
      return given.empty() ? nullptr : root_.find(section)->find(key);
    };
    draft.task->resolve();
    if (const YamlValue* list = list_of("train", "mixture", draft.train.mixture)) {
      for (const char* key : {"train.examples", "train.select_length"}) {
        refuse_beside(draft, key, "train.mixture", combination);
      }
      draft.mixture =
          read_task_parts(*list, "train.mixture", *written, 0, draft.places, combination);
      if (draft.mixture.size() > kMostComponents) {
        throw ConfigError(fmt::format("{}: train.mixture has {} entries, more than {}; shorten it",
                                      list->place, draft.mixture.size(), kMostComponents));
      }
      draft.task = longest_of(draft.mixture);
      name_settings(draft.mixture, *draft.task);
      draft.train.mixture = part_texts(draft.mixture, *draft.task);
    }
    if (const YamlValue* list = list_of("eval", "cells", draft.eval.cells)) {
      refuse_beside(draft, "eval.lengths", "eval.cells", combination);
      draft.scored = read_task_parts(*list, "eval.cells", *written, draft.eval.examples,
                                     draft.places, combination);
    } else if (!draft.mixture.empty() && draft.eval.lengths.empty()) {
      draft.scored = draft.mixture;
      for (TaskPart& part : draft.scored) part.examples = draft.eval.examples;
    }
    name_settings(draft.scored, *draft.task);
    draft.eval.cells = part_texts(draft.scored, *draft.task);
  }

  // What an epoch takes, and all of them.
  static void count_steps(Draft& draft, const Reporter& report, const std::string& combination) {
    TrainSettings& train = draft.train;
    if (!train.epochs && draft.mixture.empty()) return;
    std::int64_t steps = 0;
    for (const TaskPart& part : draft.mixture) steps += batch_count(part.examples, train.batch);
    if (draft.mixture.empty()) steps = batch_count(*train.examples, train.batch);
    train.steps_per_epoch = steps;
    if (!train.epochs) return;
    refuse_beside(draft, "train.steps", "train.epochs", combination);
    report("", [&] {
      if (*train.epochs <= kMostSteps / steps) return;
      throw FieldError("train.epochs",
                       fmt::format("= {} of {} steps are more than {} steps; lower it to {}",
                                   *train.epochs, steps, kMostSteps, kMostSteps / steps));
    });
    train.steps = *train.epochs * train.steps_per_epoch;
  }

  static void read_crossed(const std::map<std::string, Fields>& sections, const GridAxis& axis,
                           const YamlValue& value, const std::string& combination,
                           PlaceMap& places) {
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

  static std::string grid_suffix(const std::vector<GridAxis>& axes, const GridPoint& point) {
    return axes.empty() ? "" : fmt::format(" (grid: {})", describe(axes, point));
  }

  // False where the option's value in the model section or the grid reaches no layer of the
  // variant.
  static bool takes_key(const Draft& draft, const VariantEntry& variant, const std::string& key) {
    return !key.starts_with("model.") || takes(draft, variant, key.substr(key.find('.') + 1));
  }

  // Whether `holds` is true of a variant at some combination of the grid.
  template <class Holds>
  static bool any_model(const Plan& plan, const Holds& holds) {
    return std::any_of(plan.drafts.begin(), plan.drafts.end(), [&](const Draft& draft) {
      return std::any_of(plan.variants.begin(), plan.variants.end(),
                         [&](const VariantEntry& variant) { return holds(draft, variant); });
    });
  }

  void check_used(const Plan& plan) const {
    if (const YamlValue* model = root_.find("model"); model != nullptr) {
      for (const YamlEntry& option : model->entries) {
        if (any_model(plan, [&](const Draft& draft, const VariantEntry& variant) {
              return has_use(draft, variant, option.key);
            })) {
          continue;
        }
        const auto named = std::find_if(plan.variants.begin(), plan.variants.end(),
                                        [&](const VariantEntry& variant) {
                                          return name_sets_option(variant.name, option.key);
                                        });
        if (named != plan.variants.end()) {
          throw ConfigError(
              fmt::format("{}: model.{} = {}: the name {} sets it; give it to the variant: {{name: "
                          "{}, {}: {}}}",
                          option.place, option.key, option.value.shown(), named->name, named->name,
                          option.key, option.value.shown()));
        }
        throw ConfigError(fmt::format(
            "{}: model.{} = {}: none of the variants listed has a use for it{}; leave "
            "it out",
            option.place, option.key, option.value.shown(), where_it_belongs(option.key)));
      }
    }
    for (const GridAxis& axis : plan.axes) {
      if (!any_model(plan, [&](const Draft& draft, const VariantEntry& variant) {
            return takes_key(draft, variant, axis.key);
          })) {
        throw ConfigError(
            fmt::format("{}: grid key '{}' has no effect on any of the variants listed; leave it "
                        "out",
                        axis.place, axis.key));
      }
    }
  }

  // True where an earlier point gives the variant the same cells: they differ in options alone that
  // it does not take. By position in the grid, so that a repeated value is not folded away.
  static bool is_folded(const Plan& plan, std::size_t point, const VariantEntry& variant) {
    for (std::size_t a = 0; a < plan.axes.size(); ++a) {
      const bool is_first = plan.points[point][a] == 0;
      if (!is_first && !takes_key(plan.drafts[point], variant, plan.axes[a].key)) return true;
    }
    return false;
  }

  static void warn_folded(std::vector<std::string>& warnings, const Plan& plan) {
    for (const GridAxis& axis : plan.axes) {
      if (axis.values.size() < 2) continue;
      std::vector<std::string> labels;
      for (const VariantEntry& variant : plan.variants) {
        if (std::any_of(plan.drafts.begin(), plan.drafts.end(),
                        [&](const Draft& draft) { return !takes_key(draft, variant, axis.key); })) {
          labels.push_back(variant.label);
        }
      }
      if (labels.empty()) continue;
      warnings.push_back(
          fmt::format("{}: grid key '{}' has no effect on some variants, which get one cell for "
                      "all its values ({})",
                      axis.place, axis.key, fmt::join(labels, ", ")));
    }
  }

  Experiment lay_out(const Plan& plan) const {
    Experiment experiment;
    experiment.name = plan.experiment;
    experiment.file = file_;
    experiment.resolved = resolved_yaml(plan);
    if (const std::size_t most = YamlLimits{}.bytes; experiment.resolved.size() > most) {
      throw ConfigError(
          fmt::format("{}: has {} bytes with every default written out, more than the {} that are "
                      "read back; split it",
                      places_.at(""), experiment.resolved.size(), most));
    }

    std::map<std::string, std::string> seen;                               // hash -> cell
    std::vector<std::pair<std::string, std::vector<std::string>>> unseen;  // warning, variants
    for (std::size_t p = 0; p < plan.points.size(); ++p) {
      const Draft& draft = plan.drafts[p];
      const std::string combination = grid_suffix(plan.axes, plan.points[p]);
      const Reporter report(draft.places, combination);
      for (std::size_t v = 0; v < plan.variants.size(); ++v) {
        const VariantEntry& variant = plan.variants[v];
        Cell cell;
        cell.task = draft.task;
        cell.mixture = draft.mixture;
        cell.scored = draft.scored;
        cell.variant = resolve_variant(draft, variant, v, combination);
        cell.train = draft.train;
        cell.eval = draft.eval;
        cell.levels = levels_of(cell);
        report("", [&] { check_cell(cell); });
        note_unseen(unseen, cell, report);
        if (is_folded(plan, p, variant)) continue;
        for (const std::int64_t seed : plan.seeds) {
          cell.seed = seed;
          cell.data_seed = draft.data_seed.value_or(seed);
          cell.order_seed = draft.train.order_seed.value_or(seed);
          if (cell.train.examples) cell.train.order_seed = cell.order_seed;
          tell_of_training(cell);
          check_new(seen, cell, combination);
          experiment.cells.push_back(cell);
        }
      }
    }
    warn_folded(experiment.warnings, plan);
    for (const auto& [text, labels] : unseen) {
      experiment.warnings.push_back(fmt::format("{} ({})", text, fmt::join(labels, ", ")));
    }
    return experiment;
  }

  // Every task of the cell, of what the cell trains on.
  static void tell_of_training(Cell& cell) {
    std::vector<TrainingSet> sets;
    for (const TaskPart& part : training_parts(cell)) {
      sets.push_back(
          {static_cast<std::uint64_t>(cell.data_seed), part.task->length, part.examples});
    }
    const auto tell = [&](std::shared_ptr<const TaskSettings>& task) {
      const std::shared_ptr<TaskSettings> told = task->clone();
      told->training = sets;
      task = told;
    };
    tell(cell.task);
    for (TaskPart& part : cell.mixture) tell(part.task);
    for (TaskPart& part : cell.scored) tell(part.task);
  }

  static void note_unseen(std::vector<std::pair<std::string, std::vector<std::string>>>& unseen,
                          const Cell& cell, const Reporter& report) {
    const std::string warning = unseen_levels_warning(cell);
    if (warning.empty()) return;
    const std::string line =
        fmt::format("{}: {}", report.place(warning.substr(0, warning.find(' '))), warning);
    auto found = std::find_if(unseen.begin(), unseen.end(),
                              [&](const auto& entry) { return entry.first == line; });
    if (found == unseen.end()) found = unseen.insert(unseen.end(), {line, {}});
    auto& labels = found->second;
    if (std::find(labels.begin(), labels.end(), cell.variant.label) == labels.end()) {
      labels.push_back(cell.variant.label);
    }
  }

  void check_new(std::map<std::string, std::string>& seen, const Cell& cell,
                 const std::string& combination) const {
    const std::string name =
        fmt::format("{}, seed {}{}", cell.variant.label, cell.seed, combination);
    const auto [other, is_new] = seen.emplace(cell.hash(), name);
    if (is_new) return;
    const char* section = places_.contains("grid") ? "grid" : "variants";
    throw ConfigError(fmt::format(
        "{}: two cells are the same: [{}] and [{}]; what tells them apart has no effect on "
        "training; "
        "remove one",
        places_.contains(section) ? places_.at(section) : places_.at(""), other->second, name));
  }

  const YamlValue& root_;
  std::string file_;
  AllowedNames names_;
  mutable PinnedFiles pinned_files_;
  PlaceMap places_;
};

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
  Experiment experiment = Loader(root, name, names).load();
  experiment.warnings.insert(experiment.warnings.begin(), warnings.begin(), warnings.end());
  return experiment;
}

}  // namespace recollect
