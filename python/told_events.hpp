#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "harness/live/events.hpp"
#include "harness/sweep/observer.hpp"

namespace recollect::python {

/// The events of a run, handed from the threads that work to the one that called, which alone talks
/// to Python: a callback may draw, and no step waits for the interpreter's lock. Work goes on once
/// the event has been told, so that a callback can stop a run exactly where it likes.
class ToldEvents final : public RunObserver {
 public:
  using Of = live::SweepState::Of;
  /// @param told   whether anybody listens; otherwise nothing is handed over
  /// @param every  seconds between two `step` events of a cell, at least
  ToldEvents(std::string out, bool told, double every);

  // For the thread that called.

  /// Waits for an event, a moment at most; none where nothing has happened.
  [[nodiscard]] std::optional<Json> next();
  /// Lets the work go on behind the event.
  void told();
  [[nodiscard]] bool ended() const;

  // For the threads that work.

  /// The run is over.
  void end();
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

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] double now() const;
  void tell(Json event);

  std::string out_;
  bool listened_to_;
  double every_;
  Clock::time_point start_ = Clock::now();
  live::SweepState state_;                 // of the threads that work, whose calls never overlap
  std::map<std::size_t, double> told_at_;  // of each cell, its last `step` event

  mutable std::mutex guard_;  // over all below
  std::condition_variable changed_;
  std::optional<Json> event_;  // until it has been told
  bool taken_ = false;         // it is being told
  bool ended_ = false;
};

}  // namespace recollect::python
