#include "harness/cli/step_time.hpp"

#include <chrono>
#include <mutex>

#include "harness/config/task_parts.hpp"
#include "harness/sweep/jobs.hpp"
#include "harness/train/batch_step.hpp"
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

/// On average over an epoch: each component measured alone.
double measure_mixture(const Cell& cell, int threads, int jobs) {
  double seconds = 0.0;
  double batches = 0.0;
  for (const TaskPart& part : cell.mixture) {
    Cell alone = cell;
    alone.task = part.task;
    alone.mixture.clear();
    // Learned positions end with the component's length, and drawn weights fit whatever there is.
    alone.train.select_length = part.task->length;
    alone.train.init = kDrawn;
    const auto share = static_cast<double>(batch_count(part.examples, cell.train.batch));
    seconds += share * measure_step(alone, threads, jobs);
    batches += share;
  }
  return seconds / batches;
}

}  // namespace

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

double work_seconds(const PlannedCell& planned, double step_seconds) {
  const double work = planned.work == Work::kTrain   ? planned.costs.all()
                      : planned.work == Work::kScore ? planned.costs.scoring
                                                     : 0.0;
  if (work <= 0.0) return 0.0;
  return work / planned.costs.training * static_cast<double>(planned.cell->train.steps) *
         step_seconds;
}

}  // namespace recollect::cli
