#include "tests/support/round_trip.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "harness/config/load.hpp"

namespace recollect {
namespace {

std::string failure(const char* what, const std::string& text) {
  return fmt::format("{}:\n{}", what, text);
}

std::string cell_failure(const Experiment& experiment, const Cell& cell) {
  const std::string text = cell.yaml(experiment.name);
  const Experiment alone = parse_experiment(text, "cell.yaml");
  if (alone.cells.size() != 1) return failure("a cell's YAML is not one cell", text);
  const Cell& back = alone.cells.front();
  if (alone.name != experiment.name) return failure("a cell's experiment changed", text);
  if (back.identity() != cell.identity()) return failure("a cell became another", text);
  if (back.hash() != cell.hash()) return failure("a cell's hash changed", text);
  if (back.yaml(alone.name) != text) return failure("a cell's YAML changed", text);
  const bool same = back.levels == cell.levels && back.variant.label == cell.variant.label &&
                    back.eval.lengths == cell.eval.lengths &&
                    back.eval.examples == cell.eval.examples &&
                    back.eval.unseen_levels == cell.eval.unseen_levels;
  return same ? "" : failure("a cell's label or scoring changed", text);
}

}  // namespace

std::string round_trip_failure(const Experiment& experiment, std::size_t most_cells) {
  try {
    const std::string& text = experiment.resolved;
    const Experiment again = parse_experiment(text, "resolved.yaml");
    if (again.name != experiment.name) return failure("the experiment's name changed", text);
    if (again.resolved != text) return failure("the resolved text changed", text);
    if (again.cells.size() != experiment.cells.size()) {
      return failure("the number of cells changed", text);
    }
    const std::size_t stride = 1 + (experiment.cells.size() - 1) / most_cells;
    for (std::size_t i = 0; i < experiment.cells.size(); ++i) {
      const Cell& cell = experiment.cells[i];
      if (again.cells[i].hash() != cell.hash()) return failure("a hash changed", text);
      if (again.cells[i].yaml(again.name) != cell.yaml(experiment.name)) {
        return failure("a cell changed", text);
      }
      if (i % stride != 0) continue;
      if (std::string wrong = cell_failure(experiment, cell); !wrong.empty()) return wrong;
    }
    return "";
  } catch (const Error& error) {
    return fmt::format("not read back: {}\n{}", error.what(), experiment.resolved);
  }
}

}  // namespace recollect
