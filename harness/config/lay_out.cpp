#include "harness/config/lay_out.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "harness/config/grid.hpp"
#include "harness/config/option_use.hpp"
#include "harness/config/reporter.hpp"
#include "harness/config/resolved.hpp"
#include "harness/config/rules.hpp"
#include "harness/config/task_parts.hpp"
#include "harness/config/variant_model.hpp"
#include "harness/config/yaml_tree.hpp"

namespace recollect {
namespace {

/// A cell of a draft and a variant, but for the seeds.
Cell cell_of(const Draft& draft, const VariantEntry& variant, std::size_t index,
             const std::string& combination) {
  Cell cell;
  cell.task = draft.task;
  cell.mixture = draft.mixture;
  cell.scored = draft.scored;
  cell.variant = resolve_variant(draft, variant, index, combination);
  cell.train = draft.train;
  cell.eval = draft.eval;
  cell.levels = levels_of(cell);
  return cell;
}

void set_seeds(Cell& cell, const Draft& draft, std::int64_t seed) {
  cell.seed = seed;
  cell.data_seed = draft.data_seed.value_or(seed);
  cell.order_seed = draft.train.order_seed.value_or(seed);
  if (cell.train.examples) cell.train.order_seed = cell.order_seed;
}

/// Lets every task of the cell know what the cell trains on.
void set_training(Cell& cell) {
  std::vector<TrainingSet> sets;
  for (const TaskPart& part : training_parts(cell)) {
    sets.push_back({static_cast<std::uint64_t>(cell.data_seed), part.task->length, part.examples});
  }
  const auto set = [&](std::shared_ptr<const TaskSettings>& task) {
    const std::shared_ptr<TaskSettings> own = task->clone();
    own->training = sets;
    task = own;
  };
  set(cell.task);
  for (TaskPart& part : cell.mixture) set(part.task);
  for (TaskPart& part : cell.scored) set(part.task);
}

/// Warnings of lengths that need levels beyond the trained ones, each once with the labels of its
/// variants.
class LevelWarnings {
 public:
  void add(const Cell& cell, const Reporter& report) {
    const std::string warning = unseen_levels_warning(cell);
    if (warning.empty()) return;
    const std::string line =
        fmt::format("{}: {}", report.place(warning.substr(0, warning.find(' '))), warning);
    auto found = std::find_if(lines_.begin(), lines_.end(),
                              [&](const auto& entry) { return entry.first == line; });
    if (found == lines_.end()) found = lines_.insert(lines_.end(), {line, {}});
    auto& labels = found->second;
    if (std::find(labels.begin(), labels.end(), cell.variant.label) == labels.end()) {
      labels.push_back(cell.variant.label);
    }
  }

  void append_to(std::vector<std::string>& warnings) const {
    for (const auto& [line, labels] : lines_) {
      warnings.push_back(fmt::format("{} ({})", line, fmt::join(labels, ", ")));
    }
  }

 private:
  std::vector<std::pair<std::string, std::vector<std::string>>> lines_;  // line, labels
};

/// No two cells of an experiment may be the same.
class DistinctCells {
 public:
  explicit DistinctCells(const PlaceMap& places) : places_(places) {}

  /// @throws ConfigError where an earlier cell is the same
  void add(const Cell& cell, const std::string& combination) {
    const std::string name =
        fmt::format("{}, seed {}{}", cell.variant.label, cell.seed, combination);
    const auto [other, is_new] = names_.emplace(cell.hash(), name);
    if (is_new) return;
    const char* section = places_.contains("grid") ? "grid" : "variants";
    throw ConfigError(fmt::format(
        "{}: two cells are the same: [{}] and [{}]; what tells them apart has no effect on "
        "training; "
        "remove one",
        places_.contains(section) ? places_.at(section) : places_.at(""), other->second, name));
  }

 private:
  const PlaceMap& places_;
  std::map<std::string, std::string> names_;  // by hash
};

}  // namespace

Experiment lay_out(const Plan& plan, const std::string& file, const PlaceMap& places) {
  Experiment experiment;
  experiment.name = plan.experiment;
  experiment.file = file;
  experiment.resolved = resolved_yaml(plan);
  if (const std::size_t most = YamlLimits{}.bytes; experiment.resolved.size() > most) {
    throw ConfigError(
        fmt::format("{}: has {} bytes with every default written out, more than the {} that are "
                    "read back; split it",
                    places.at(""), experiment.resolved.size(), most));
  }

  DistinctCells distinct(places);
  LevelWarnings unseen;
  for (std::size_t p = 0; p < plan.points.size(); ++p) {
    const Draft& draft = plan.drafts[p];
    const std::string combination = combination_of(plan.axes, plan.points[p]);
    const Reporter report(draft.places, combination);
    for (std::size_t v = 0; v < plan.variants.size(); ++v) {
      Cell cell = cell_of(draft, plan.variants[v], v, combination);
      report("", [&] { check_cell(cell); });
      unseen.add(cell, report);
      if (is_folded(plan, p, plan.variants[v])) continue;
      for (const std::int64_t seed : plan.seeds) {
        set_seeds(cell, draft, seed);
        set_training(cell);
        distinct.add(cell, combination);
        experiment.cells.push_back(cell);
      }
    }
  }
  experiment.warnings = folded_warnings(plan);
  unseen.append_to(experiment.warnings);
  return experiment;
}

}  // namespace recollect
