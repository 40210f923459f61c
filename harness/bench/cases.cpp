#include "harness/bench/cases.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.hpp"
#include "harness/config/load.hpp"

namespace recollect {

std::vector<Cell> bench_cells(const BenchShape& shape) {
  for (const std::string& text : shape.overrides) {
    if (!text.starts_with("model.")) {
      throw ConfigError(
          fmt::format("--set {}: a benchmark takes options of the model alone; write e.g. --set "
                      "model.width=128",
                      text));
    }
  }
  const std::string text = fmt::format(
      "task: {{name: mqar, pairs: {}}}\n"
      "train: {{batch: {}, examples: online}}\n"
      "variants: [{}]\n"
      "grid: {{task.length: [{}]}}\n",
      shape.pairs, shape.batch, fmt::join(shape.variants, ", "), fmt::join(shape.lengths, ", "));
  std::vector<Cell> cells = parse_experiment(text, "bench", shape.overrides).cells;
  for (Cell& cell : cells) cell.variant.model.savings = shape.savings;
  return cells;
}

}  // namespace recollect
