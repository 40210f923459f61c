#include "harness/cli/dry_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <queue>
#include <set>

#include "base/text.hpp"
#include "harness/cli/progress.hpp"
#include "harness/train/batch_step.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/scorer.hpp"

namespace recollect::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kSteps = 1000;  // more than are ever taken: time ends it first
constexpr std::int64_t kWarmUp = 2;
constexpr std::int64_t kFewestSteps = 3;  // measured, unless they are slow
constexpr double kEnoughSeconds = 0.2;    // of measuring, once there are that many
constexpr double kMostSeconds = 2.0;      // of measuring in any case

/// Learns the seconds of a step, and ends training as soon as it has.
class Stopwatch final : public TrainObserver {
 public:
  struct Done {};
  void on_step(std::int64_t step, std::int64_t) override {
    if (step < kWarmUp) return;
    if (step == kWarmUp) {
      start_ = Clock::now();
      return;
    }
    const std::int64_t measured = step - kWarmUp;
    const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
    seconds_ = elapsed / static_cast<double>(measured);
    if (elapsed > (measured < kFewestSteps ? kMostSeconds : kEnoughSeconds)) throw Done{};
  }
  [[nodiscard]] double seconds() const noexcept { return seconds_; }

 private:
  Clock::time_point start_{};
  double seconds_ = 0.0;
};

double measure_step(const Cell& cell, int threads) {
  Cell brief = cell;
  brief.train.steps = kSteps;
  brief.train.warmup = 0;
  brief.train.eval_every = brief.train.steps;
  brief.train.validation_examples = 1;
  brief.train.stop_at.reset();
  if (brief.train.examples) brief.train.examples = brief.train.batch;
  Stopwatch watch;
  try {
    (void)train(brief, threads, watch);
  } catch (const Stopwatch::Done&) {
  }
  return watch.seconds();
}

/// Seconds of a whole cell: its steps, its validations, and the scores at its end. A forward pass
/// alone is a third of a training sequence.
double cell_seconds(const Cell& cell, const SequenceModel<float>& model, double step_seconds) {
  const double step = step_cost(cell, model);
  const auto forward = [&](std::int64_t length, std::int64_t examples) {
    return static_cast<double>(examples) *
           model.cost({length, task_at(cell, length)->max_scored()}).multiply_adds;
  };
  const std::int64_t validations = cell.train.steps / cell.train.eval_every;
  double work = step * static_cast<double>(cell.train.steps);
  work +=
      static_cast<double>(validations) *
      forward(cell.train.select_length.value_or(cell.task->length), cell.train.validation_examples);
  for (const ScoreKey& wanted : wanted_scores(cell)) {
    work += forward(wanted.eval_length, wanted.examples);
  }
  return work / step * step_seconds;
}

/// Seconds until all are done, when `jobs` workers take the longest first.
double packed(std::vector<double> seconds, int jobs) {
  std::sort(seconds.begin(), seconds.end(), std::greater<>());
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at;
  for (int job = 0; job < jobs; ++job) free_at.push(0.0);
  double end = 0.0;
  for (const double next : seconds) {
    const double done = free_at.top() + next;
    free_at.pop();
    free_at.push(done);
    end = std::max(end, done);
  }
  return end;
}

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
    const SequenceModel<float> sizes = model_sizes(cell);
    auto found = places.find(identity);
    if (found == places.end()) {
      const Shape shape{&cell, 0, sizes.layout().size(), planned.memory.bytes(plan.threads),
                        measure_step(cell, plan.threads)};
      found = places.emplace(identity, shapes.size()).first;
      shapes.push_back(shape);
    }
    Shape& shape = shapes[found->second];
    ++shape.cells;
    seconds.push_back(cell_seconds(cell, sizes, shape.step_seconds));
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
  text += fmt::format("time     about {} at most{}\n", duration_text(packed(seconds, plan.jobs)),
                      may_stop ? "; cells that reach train.stop_at end earlier" : "");
  if (plan.count(Work::kScore) > 0) text += "         without the cells that are only scored\n";
  return text;
}

}  // namespace recollect::cli
