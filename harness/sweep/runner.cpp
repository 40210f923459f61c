#include "harness/sweep/runner.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/store/claim.hpp"
#include "harness/store/experiment_file.hpp"
#include "harness/sweep/jobs.hpp"
#include "harness/sweep/relay.hpp"

namespace recollect {
namespace {

/// A cell that is this process's to work on.
struct ClaimedCell {
  PlannedCell* cell;
  Claim claim;
};

/// The cells that are left, given out to the jobs one at a time, those that other processes have
/// last.
class Queue {
 public:
  Queue(RunPlan& plan, std::filesystem::path out) : out_(std::move(out)) {
    for (PlannedCell& planned : plan.cells) {
      if (planned.work != Work::kNone) free_.push_back(&planned);
    }
    // What only has to be copied, then the longest first, so that no long cell is left to run alone
    // at the end.
    const auto rank = [](const PlannedCell* cell) {
      return std::pair(cell->work != Work::kRestore, -cell->cost);
    };
    std::stable_sort(free_.begin(), free_.end(),
                     [&](const PlannedCell* a, const PlannedCell* b) { return rank(a) < rank(b); });
  }

  /// None once all are given out, or where stopped() says so before. Calls waits(cell, owner) once
  /// for each cell that it has to wait for. @throws IoError where a claim cannot be made
  template <class Stopped, class Waits>
  std::optional<ClaimedCell> next(Stopped&& stopped, Waits&& waits) {
    while (true) {
      {
        const std::lock_guard lock(guard_);
        if (free_.empty() && elsewhere_.empty()) return std::nullopt;
        if (stopped()) return std::nullopt;
        while (!free_.empty()) {
          PlannedCell* cell = free_.front();
          free_.pop_front();
          if (auto claim = Claim::try_take(file_of(*cell))) {
            return ClaimedCell{cell, std::move(*claim)};
          }
          elsewhere_.push_back({cell, false});
        }
        for (auto held = elsewhere_.begin(); held != elsewhere_.end(); ++held) {
          if (auto claim = Claim::try_take(file_of(*held->cell))) {
            ClaimedCell claimed{held->cell, std::move(*claim)};
            elsewhere_.erase(held);
            return claimed;
          }
          if (!std::exchange(held->told, true)) {
            waits(*held->cell, Claim::owner(file_of(*held->cell)));
          }
        }
      }
      std::this_thread::sleep_for(kBetweenLooks);
    }
  }

 private:
  static constexpr std::chrono::milliseconds kBetweenLooks{200};

  struct Held {
    PlannedCell* cell;
    bool told;
  };

  [[nodiscard]] std::filesystem::path file_of(const PlannedCell& cell) const {
    return cell_claim(out_, cell.hash);
  }

  std::filesystem::path out_;
  std::mutex guard_;
  std::deque<PlannedCell*> free_;
  std::vector<Held> elsewhere_;
};

/// Removes what a process left that was killed just after the cell was done: the state of its
/// training, and its claim.
void tidy(const PlannedCell& done, const std::filesystem::path& out) {
  CellFolder(out, done.hash).remove_state();
  const std::filesystem::path claim = cell_claim(out, done.hash);
  if (file_exists(claim)) (void)Claim::try_take(claim);
}

}  // namespace

RunSummary run_experiment(const Experiment& experiment, const std::filesystem::path& out,
                          const RunOptions& options, RunObserver& observer,
                          const RunControl& control) {
  check_place(out);
  RunPlan plan = plan_run(experiment, out, options);
  if (!plan.refusal.empty()) throw ConfigError(plan.refusal);
  write_experiment(experiment, out);
  observer.on_plan(plan);

  std::size_t done = 0;
  for (const PlannedCell& planned : plan.cells) {
    if (planned.work != Work::kNone) continue;
    ++done;
    tidy(planned, out);
  }

  std::mutex guard;
  std::exception_ptr failure;
  std::atomic<bool> stop{false};
  std::atomic<bool> interrupted{false};
  const std::atomic<bool> given_up{false};  // where one cell fails, those that run are finished
  Queue queue(plan, out);
  const auto stopped = [&] {
    if (stop) return true;
    if (!control.stop.requested()) return false;
    interrupted = true;
    return true;
  };
  const auto waits = [&](const PlannedCell& cell, const std::string& owner) {
    const std::lock_guard lock(guard);
    observer.on_wait(cell, owner);
  };
  const auto work = [&] {
    while (!stop) {
      const PlannedCell* current = nullptr;
      try {
        const std::optional<ClaimedCell> claimed = queue.next(stopped, waits);
        if (!claimed) return;
        PlannedCell& planned = *claimed->cell;
        current = &planned;
        const bool was_to_restore = planned.work == Work::kRestore;
        plan_again(planned, out, options);
        const CellFolder folder(out, planned.hash);
        if (planned.work == Work::kNone) folder.remove_state();
        if (planned.work == Work::kRestore) restore_cell(*planned.archived, folder);
        {
          const std::lock_guard lock(guard);
          if (planned.work == Work::kNone || planned.work == Work::kRestore) {
            ++done;
            if (!was_to_restore) observer.on_done_elsewhere(planned);
            continue;
          }
          observer.on_start(planned);
        }
        Relay relay(planned, observer, guard, given_up);
        const CellOutcome outcome =
            run_cell(planned, experiment.name, out, plan.threads, relay, control);
        const std::lock_guard lock(guard);
        ++done;
        planned.status = outcome.status;
        observer.on_end(planned, outcome);
      } catch (const Interrupted&) {
        interrupted = true;
        const std::lock_guard lock(guard);
        observer.on_stop(*current);
        return;
      } catch (...) {  // files: the other cells would fare no better
        stop = true;
        const std::lock_guard lock(guard);
        if (!failure) failure = std::current_exception();
      }
    }
  };
  run_jobs(plan.jobs, work);
  if (failure) std::rethrow_exception(failure);

  if (interrupted) {
    const int signal = control.stop.signal();
    throw Interrupted(
        signal, fmt::format("stopped by {}; {} of {} cells are done, and the same "
                            "command goes on from here",
                            signal == SIGTERM ? "SIGTERM" : "SIGINT", done, plan.cells.size()));
  }

  RunSummary summary;
  for (const PlannedCell& planned : plan.cells) {
    const CellStatus& status = *planned.status;
    if (status.ending == Ending::kFinished) {
      ++summary.finished;
    } else {
      summary.problems.push_back(fmt::format(
          "cell {} of {} ({}, {}, seed {}, folder {}) {}: {}", planned.index + 1,
          experiment.cells.size(), planned.cell->variant.label, planned.cell->task->name(),
          planned.cell->seed, planned.hash, name_of(status.ending), status.reason));
    }
  }
  return summary;
}

}  // namespace recollect
