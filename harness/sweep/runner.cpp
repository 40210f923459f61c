#include "harness/sweep/runner.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "harness/sweep/experiment_file.hpp"

namespace recollect {
namespace {

/// Passes the news of one cell's training on, under the run's lock.
class Relay final : public TrainObserver {
 public:
  Relay(const PlannedCell& cell, RunObserver& observer, std::mutex& guard)
      : cell_(cell), observer_(observer), guard_(guard) {}
  void on_step(std::int64_t step, std::int64_t) override {
    const std::lock_guard lock(guard_);
    observer_.on_step(cell_, step);
  }
  void on_evaluation(const HistoryRow& row) override {
    const std::lock_guard lock(guard_);
    observer_.on_evaluation(cell_, row);
  }
  void on_resume(std::int64_t step) override {
    const std::lock_guard lock(guard_);
    observer_.on_resume(cell_, step);
  }
  void on_note(const std::string& note) override {
    const std::lock_guard lock(guard_);
    observer_.on_note(cell_, note);
  }

 private:
  const PlannedCell& cell_;
  RunObserver& observer_;
  std::mutex& guard_;
};

}  // namespace

RunSummary run_experiment(const Experiment& experiment, const std::filesystem::path& out, int jobs,
                          RunObserver& observer, const RunControl& control) {
  const RunPlan plan = plan_run(experiment, out, jobs);
  write_experiment(experiment, out);
  observer.on_plan(plan);

  // The longest first, so that no long cell is left to run alone at the end.
  std::vector<const PlannedCell*> queue;
  for (const PlannedCell& planned : plan.cells) {
    if (planned.work != Work::kNone) {
      queue.push_back(&planned);
    } else {  // a kill may have come between the status and the end of the state
      CellFolder(out, planned.hash).remove_state();
    }
  }
  std::stable_sort(queue.begin(), queue.end(),
                   [](const PlannedCell* a, const PlannedCell* b) { return a->cost > b->cost; });

  std::vector<CellStatus> statuses(plan.cells.size());
  for (const PlannedCell& planned : plan.cells) {
    if (planned.status) statuses[planned.index] = *planned.status;
  }

  std::vector<bool> ended(plan.cells.size(), false);

  std::mutex guard;
  std::exception_ptr failure;
  std::atomic<bool> stop{false};
  std::atomic<bool> interrupted{false};
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    while (!stop) {
      const std::size_t at = next++;
      if (at >= queue.size()) return;
      if (control.stop.requested()) {
        interrupted = true;
        return;
      }
      const PlannedCell& planned = *queue[at];
      try {
        {
          const std::lock_guard lock(guard);
          observer.on_start(planned);
        }
        Relay relay(planned, observer, guard);
        const CellOutcome outcome =
            run_cell(planned, experiment.name, out, plan.threads, relay, control);
        const std::lock_guard lock(guard);
        statuses[planned.index] = outcome.status;
        ended[planned.index] = true;
        observer.on_end(planned, outcome);
      } catch (const Interrupted&) {
        interrupted = true;
        const std::lock_guard lock(guard);
        observer.on_stop(planned);
        return;
      } catch (...) {  // files: the other cells would fare no better
        stop = true;
        const std::lock_guard lock(guard);
        if (!failure) failure = std::current_exception();
      }
    }
  };
  std::vector<std::thread> workers;
  for (int job = 1; job < plan.jobs; ++job) workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();
  if (failure) std::rethrow_exception(failure);

  if (interrupted) {
    const auto done =
        std::count_if(plan.cells.begin(), plan.cells.end(), [&](const PlannedCell& planned) {
          return planned.work == Work::kNone || ended[planned.index];
        });
    const int signal = control.stop.signal();
    throw Interrupted(
        signal, fmt::format("stopped by {}; {} of {} cells are done, and the same "
                            "command goes on from here",
                            signal == SIGTERM ? "SIGTERM" : "SIGINT", done, plan.cells.size()));
  }

  RunSummary summary;
  for (const PlannedCell& planned : plan.cells) {
    const CellStatus& status = statuses[planned.index];
    if (status.ending == Ending::kFinished) {
      ++summary.finished;
    } else {
      summary.problems.push_back(
          fmt::format("cell {} of {} ({}, {}, seed {}, folder {}) {}: {}", planned.index + 1,
                      plan.cells.size(), planned.cell->variant.label, planned.cell->task->name(),
                      planned.cell->seed, planned.hash, name_of(status.ending), status.reason));
    }
  }
  return summary;
}

}  // namespace recollect
