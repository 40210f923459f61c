#include <fmt/format.h>

#include <optional>

#include "harness/render/readable_table.hpp"

namespace recollect {
namespace {

std::string share_text(const VarianceComponent& component) {
  return fmt::format("{:.0f} %", 100.0 * component.share);
}

std::string interval_text(const VarianceComponent& component) {
  return fmt::format("{:.0f}..{:.0f}", 100.0 * component.interval.low,
                     100.0 * component.interval.high);
}

std::vector<std::string> measure_line(const VarianceMeasure& measure) {
  std::vector<std::string> line = {measure.name};
  line.push_back(measure.mean ? fmt::format("{:.{}f}", *measure.mean, measure.digits) : "-");
  if (!measure.split) {  // no spread at all, or too few seeds
    line.insert(line.end(), 6, "-");
    return line;
  }
  for (const VarianceComponent* part :
       {&measure.split->rows, &measure.split->columns, &measure.split->rest}) {
    line.push_back(share_text(*part));
    line.push_back(interval_text(*part));
  }
  return line;
}

}  // namespace

std::vector<TextTable> readable_variance(const std::vector<VarianceResult>& results) {
  std::vector<TextTable> all;
  for (const VarianceResult& result : results) {
    TextTable& table = all.emplace_back();
    table.title =
        fmt::format("{}: what the spread of {} comes from", result.experiment, result.label);
    table.caption = fmt::format(
        "{} seeds of the data x {} of the initial weights{}, one run each. Shares of the variance "
        "between runs, by two-way random effects, with 95 % intervals from resampled seeds; the "
        "rest is the interaction of both. `accuracy` in per cent: best weights on test examples.",
        result.data_seeds, result.weight_seeds,
        result.orders_differ ? " and the order of the batches"
                             : "; all see batches in the same order");
    table.header = {"measure", "mean", "data", "95 %", "initial weights", "95 %", "rest", "95 %"};
    if (result.left_out > 0) {
      table.notes.push_back(fmt::format(
          "{} left out, as {} seeds were not crossed with all others.",
          result.left_out == 1 ? "1 run is" : fmt::format("{} runs are", result.left_out),
          result.left_out == 1 ? "its" : "their"));
    }
    for (const VarianceMeasure& measure : result.measures) {
      table.rows.push_back(measure_line(measure));
    }
    if (result.censored) {
      table.notes.emplace_back("A run that was not solved counts as its last step.");
    }
  }
  return all;
}

}  // namespace recollect
