#include "harness/sweep/runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/store/archive_shelf.hpp"
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
    const std::vector<PlannedCell*> order = in_working_order(plan);
    free_.assign(order.begin(), order.end());
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
          if (!std::exchange(held->reported, true)) {
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
    bool reported;
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
/// training, and its claim. Where another process holds the claim, the state is its own.
void tidy(const PlannedCell& done, const std::filesystem::path& out) {
  const std::filesystem::path file = cell_claim(out, done.hash);
  const bool claimed = file_exists(file);
  const std::optional<Claim> claim = claimed ? Claim::try_take(file) : std::nullopt;
  if (!claimed || claim) CellFolder(out, done.hash).remove_state();
}

/// The jobs of one run, which work on the plan's cells until none is left.
class Jobs {
 public:
  Jobs(const Experiment& experiment, const std::filesystem::path& out, const RunOptions& options,
       RunObserver& observer, const RunControl& control, RunPlan& plan)
      : experiment_(experiment),
        out_(out),
        options_(options),
        observer_(observer),
        control_(control),
        plan_(plan),
        queue_(plan, out) {}

  /// @throws Interrupted, or what ended the run
  void run() {
    for (const PlannedCell& planned : plan_.cells) {
      if (planned.work != Work::kNone) continue;
      ++done_;
      tidy(planned, out_);
    }
    run_jobs(plan_.jobs, [this] { work(); });
    if (failure_) std::rethrow_exception(failure_);
    if (!interrupted_) return;
    const int signal = control_.stop.signal();
    throw Interrupted(signal, fmt::format("stopped by {}; {} of {} cells are done, and the same "
                                          "command goes on from here",
                                          signal_name(signal), done_, plan_.cells.size()));
  }

 private:
  void work() {
    while (!failed_) {
      PlannedCell* current = nullptr;
      try {
        const std::optional<ClaimedCell> claimed = next();
        if (!claimed) return;
        current = claimed->cell;
        do_cell(*claimed->cell);
      } catch (const Interrupted&) {
        interrupted_ = true;
        const std::lock_guard lock(guard_);
        observer_.on_stop(*current);
        return;
      } catch (const IoError& error) {
        if (current != nullptr && concerns_one_folder(error)) {
          fail(*current, error);
          continue;
        }
        stop_all();
      } catch (...) {
        stop_all();
      }
    }
  }

  /// True where the other cells may fare better: what cannot be written is this cell's folder, not
  /// the disk.
  [[nodiscard]] bool concerns_one_folder(const IoError& error) const {
    constexpr std::array kOfOneFolder{EACCES, EPERM, EROFS, ENOTDIR, EISDIR, ENOENT, EEXIST, ELOOP};
    if (std::find(kOfOneFolder.begin(), kOfOneFolder.end(), error.code()) == kOfOneFolder.end()) {
      return false;
    }
    try {
      check_place(out_);
      return true;
    } catch (const IoError&) {
      return false;
    }
  }

  void fail(PlannedCell& planned, const IoError& error) {
    CellOutcome outcome;
    outcome.status.ending = Ending::kFailed;
    outcome.status.reason = one_line(error.what());
    const std::lock_guard lock(guard_);
    ++done_;
    planned.status = outcome.status;
    observer_.on_end(planned, outcome);
  }

  void stop_all() {
    failed_ = true;
    const std::lock_guard lock(guard_);
    if (!failure_) failure_ = std::current_exception();
  }

  /// None where there is nothing left, or the run is to end.
  std::optional<ClaimedCell> next() {
    const auto stopped = [&] {
      if (failed_) return true;
      if (!control_.stop.requested()) return false;
      interrupted_ = true;
      return true;
    };
    const auto waits = [&](const PlannedCell& cell, const std::string& owner) {
      const std::lock_guard lock(guard_);
      observer_.on_wait(cell, owner);
    };
    return queue_.next(stopped, waits);
  }

  void do_cell(PlannedCell& planned) {
    const bool was_to_restore = planned.work == Work::kRestore;
    plan_again(planned, out_, options_);
    const CellFolder folder(out_, planned.hash);
    if (planned.work == Work::kNone) folder.remove_state();
    if (planned.work == Work::kRestore) restore_cell(*planned.archived, folder);
    {
      const std::lock_guard lock(guard_);
      if (planned.work == Work::kNone || planned.work == Work::kRestore) {
        ++done_;
        if (!was_to_restore) observer_.on_done_elsewhere(planned);
        return;
      }
      observer_.on_start(planned);
    }
    Relay relay(planned, observer_, guard_, never_);
    const CellOutcome outcome =
        run_cell(planned, experiment_.name, out_, plan_.threads, relay, control_);
    const std::lock_guard lock(guard_);
    ++done_;
    planned.status = outcome.status;
    observer_.on_end(planned, outcome);
  }

  const Experiment& experiment_;
  const std::filesystem::path& out_;
  const RunOptions& options_;
  RunObserver& observer_;
  const RunControl& control_;
  RunPlan& plan_;
  Queue queue_;
  std::atomic<bool> failed_{false};
  std::atomic<bool> interrupted_{false};
  const std::atomic<bool> never_{false};  // where one cell fails, those that run are finished
  std::mutex guard_;                      // over all below, and the observer
  std::size_t done_ = 0;
  std::exception_ptr failure_;
};

RunSummary summary_of(const RunPlan& plan, std::size_t cells) {
  RunSummary summary;
  for (const PlannedCell& planned : plan.cells) {
    const CellStatus& status = *planned.status;
    if (status.ending == Ending::kFinished) {
      ++summary.finished;
    } else {
      summary.problems.push_back(fmt::format("cell {} of {} ({}, {}, seed {}, folder {}) {}: {}",
                                             planned.index + 1, cells, planned.cell->variant.label,
                                             planned.cell->task->name(), planned.cell->seed,
                                             planned.hash, name_of(status.ending), status.reason));
    }
  }
  return summary;
}

}  // namespace

RunSummary run_experiment(const Experiment& experiment, const std::filesystem::path& out,
                          const RunOptions& options, RunObserver& observer,
                          const RunControl& control) {
  RunPlan plan = plan_run(experiment, out, options);
  if (!plan.refusal.empty()) throw ConfigError(plan.refusal);
  try {
    check_place(out);
  } catch (const IoError& error) {
    if (plan.count(Work::kNone) < plan.cells.size() || plan.cells.empty()) throw;
    plan.notes.push_back(
        fmt::format("all cells are done, and nothing is written: {}", error.what()));
    observer.on_plan(plan);
    RunSummary summary = summary_of(plan, experiment.cells.size());
    summary.read_only = true;
    return summary;
  }
  if (const std::string why = write_experiment(experiment, out); !why.empty()) {
    plan.notes.push_back(
        fmt::format("the file system of {} gives no locks ({}): processes that share this folder "
                    "may do a cell twice; give each its own --shard i/n",
                    out.string(), why));
  }
  observer.on_plan(plan);
  Jobs(experiment, out, options, observer, control, plan).run();
  return summary_of(plan, experiment.cells.size());
}

}  // namespace recollect
