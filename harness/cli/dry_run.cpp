#include "harness/cli/dry_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "harness/cli/step_time.hpp"
#include "harness/live/time_text.hpp"
#include "harness/sweep/job_array.hpp"
#include "harness/train/cell_model.hpp"

namespace recollect::cli {
namespace {

struct Shape {
  const Cell* cell = nullptr;  ///< the first of its cells
  std::size_t cells = 0;
  std::int64_t parameters = 0;
  double bytes = 0.0;
  double step_seconds = 0.0;
};

/// The task's options that are not the same for all shapes, "pairs 8, length 128".
std::string task_text(const Cell& cell, const std::set<std::string>& varying) {
  std::string text(cell.task->name());
  const std::unique_ptr<TaskSettings> settings = cell.task->clone();
  for (const Field& field : settings->fields()) {
    if (field.name == "length" || varying.contains(field.name)) {
      text += fmt::format(", {} {}", field.name, field.text());
    }
  }
  return text;
}

std::set<std::string> varying_options(const std::vector<Shape>& shapes) {
  std::map<std::string, std::set<std::string>> values;
  for (const Shape& shape : shapes) {
    const std::unique_ptr<TaskSettings> settings = shape.cell->task->clone();
    for (const Field& field : settings->fields()) values[field.name].insert(field.text());
  }
  std::set<std::string> varying;
  for (const auto& [name, texts] : values) {
    if (texts.size() > 1) varying.insert(name);
  }
  return varying;
}

}  // namespace

std::string describe_dry_run(const RunPlan& plan, const std::string& out) {
  const std::size_t restore = plan.count(Work::kRestore);
  std::string text = fmt::format(
      "cells    {}: {} done, {}{} only to score, {} to train; folder {}\n"
      "jobs     {}, with {} each\n",
      plan.cells.size(), plan.count(Work::kNone),
      restore > 0 ? fmt::format("{} from archives, ", restore) : "", plan.count(Work::kScore),
      plan.count(Work::kTrain), out, plan.jobs, plural(plan.threads, "thread"));

  std::vector<Shape> shapes;
  std::map<std::string, std::size_t> places;
  std::vector<double> seconds;
  bool may_stop = false;
  for (const PlannedCell& planned : plan.cells) {
    if (planned.work != Work::kTrain) continue;
    const Cell& cell = *planned.cell;
    may_stop = may_stop || cell.train.stop_at;
    const std::string identity = shape_of(cell).identity();
    auto found = places.find(identity);
    if (found == places.end()) {
      const Shape shape{&cell, 0, model_sizes(cell).layout().size(),
                        planned.memory.bytes(plan.threads),
                        measure_step(cell, plan.threads, plan.jobs)};
      found = places.emplace(identity, shapes.size()).first;
      shapes.push_back(shape);
    }
    Shape& shape = shapes[found->second];
    ++shape.cells;
    seconds.push_back(work_seconds(planned, shape.step_seconds));
  }
  if (shapes.empty()) return text;

  const std::set<std::string> varying = varying_options(shapes);
  constexpr double kMebi = 1024.0 * 1024.0;
  text += fmt::format("\n{:<24} {:>6} {:>12} {:>8} {:>9}  {}\n", "variant", "cells", "parameters",
                      "MiB", "ms/step", "task");
  for (const Shape& shape : shapes) {
    text += fmt::format("{:<24} {:>6} {:>12} {:>8.1f} {:>9.2f}  {}\n", shape.cell->variant.label,
                        shape.cells, shape.parameters, shape.bytes / kMebi,
                        1e3 * shape.step_seconds, task_text(*shape.cell, varying));
  }
  text += fmt::format("\nmemory   about {:.0f} MiB for {} at once\n", plan.bytes / kMebi + 1.0,
                      plural(plan.jobs, "job"));
  text +=
      fmt::format("time     about {} at the speed of this moment, measured with {} at once{}\n",
                  live::duration_text(packed_seconds(seconds, plan.jobs)), plural(plan.jobs, "job"),
                  may_stop ? "; cells that reach train.stop_at end earlier" : "");
  if (plan.count(Work::kScore) > 0) text += "         without the cells that are only scored\n";
  return text;
}

}  // namespace recollect::cli
