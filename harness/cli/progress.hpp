#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/interrupt.hpp"
#include "harness/cli/display.hpp"
#include "harness/cli/terminal.hpp"
#include "harness/sweep/observer.hpp"

namespace recollect::cli {

/// How the progress of a run is reported.
enum class Telling {
  kForPeople,  ///< live lines on a terminal, lines that stay elsewhere
  kQuiet,      ///< not at all
  kJsonLines,  ///< events on stdout
};

/// Follows a run and shows how it goes, from a thread of its own.
class Progress final : public RunObserver {
 public:
  using Of = live::SweepState::Of;
  /// @param stop  outlives it
  Progress(std::string out, Telling telling, const StopRequest& stop, Of what = Of::kRun);
  ~Progress() override;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Takes away what was shown for a while. Nothing more is shown after it.
  void close();

  [[nodiscard]] live::SweepCounts counts() const { return state_.counts(); }
  /// "80 of 80 cells done, 62 solved, 1 failed; took 55m12s"
  [[nodiscard]] std::string last_sentence() const;
  [[nodiscard]] double elapsed() const { return now(); }

  void on_plan(const RunPlan& plan) override;
  void on_start(const PlannedCell& cell) override;
  void on_wait(const PlannedCell& cell, const std::string& owner) override;
  void on_done_elsewhere(const PlannedCell& cell) override;
  void on_step(const PlannedCell& cell, std::int64_t step) override;
  void on_evaluation(const PlannedCell& cell, const HistoryRow& row) override;
  void on_earlier_evaluation(const PlannedCell& cell, const HistoryRow& row) override;
  void on_resume(const PlannedCell& cell, std::int64_t step) override;
  void on_note(const PlannedCell& cell, const std::string& note) override;
  void on_stop(const PlannedCell& cell) override;
  void on_end(const PlannedCell& cell, const CellOutcome& outcome) override;
  void on_verified(const PlannedCell& cell, bool same, double seconds) override;

 private:
  using Clock = std::chrono::steady_clock;
  void tick(const std::stop_token& stop);
  [[nodiscard]] double now() const;  ///< seconds since the plan, less those of Ctrl-Z

  std::string out_;
  Terminal terminal_;
  std::unique_ptr<Display> display_;
  live::SweepState state_;
  Clock::time_point start_ = Clock::now();
  double paused_ = 0.0;
  std::mutex guard_;  // over all of the above: the ticker reads it
  std::condition_variable_any wake_;
  std::jthread ticker_;  // the last member: it ends before the others do
};

}  // namespace recollect::cli
