#include "harness/cli/dry_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <queue>
#include <set>

#include "base/text.hpp"
#include "harness/config/task_parts.hpp"
#include "harness/live/time_text.hpp"
#include "harness/sweep/jobs.hpp"
#include "harness/train/batch_step.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/scorer.hpp"
#include "harness/train/trainer.hpp"

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

/// Of one of `jobs` that train at once, as they will.
double measure_step(const Cell& cell, int threads, int jobs);

/// On average over an epoch: each component measured alone.
double measure_mixture(const Cell& cell, int threads, int jobs) {
  double seconds = 0.0;
  double batches = 0.0;
  for (const TaskPart& part : cell.mixture) {
    Cell alone = cell;
    alone.task = part.task;
    alone.mixture.clear();
    const auto share = static_cast<double>(batch_count(part.examples, cell.train.batch));
    seconds += share * measure_step(alone, threads, jobs);
    batches += share;
  }
  return seconds / batches;
}

double measure_step(const Cell& cell, int threads, int jobs) {
  if (!cell.mixture.empty()) return measure_mixture(cell, threads, jobs);
  Cell brief = cell;
  brief.train.schedule = Schedule::kConstant;
  brief.train.epochs.reset();
  brief.train.steps_per_epoch = 0;
  brief.train.steps = kSteps;
  brief.train.warmup = 0;
  brief.train.eval_every = brief.train.steps;
  brief.train.validation_examples = 1;
  brief.train.stop_at.reset();
  if (brief.train.examples) brief.train.examples = brief.train.batch;
  std::mutex guard;
  double sum = 0.0;
  double measured = 0.0;
  run_jobs(jobs, [&] {
    Stopwatch watch;
    try {
      (void)train(brief, threads, watch);
    } catch (const Stopwatch::Done&) {
    }
    const std::lock_guard lock(guard);
    sum += watch.seconds();
    measured += 1.0;
  });
  return sum / measured;
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
                        measure_step(cell, plan.threads, plan.jobs)};
      found = places.emplace(identity, shapes.size()).first;
      shapes.push_back(shape);
    }
    Shape& shape = shapes[found->second];
    ++shape.cells;
    const double steps = planned.costs.all() / planned.costs.training;
    seconds.push_back(steps * static_cast<double>(cell.train.steps) * shape.step_seconds);
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
  text += fmt::format("time     about {} at the speed of this moment, measured with {} at once{}\n",
                      live::duration_text(packed(seconds, plan.jobs)), plural(plan.jobs, "job"),
                      may_stop ? "; cells that reach train.stop_at end earlier" : "");
  if (plan.count(Work::kScore) > 0) text += "         without the cells that are only scored\n";
  return text;
}

}  // namespace recollect::cli
