#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/interrupt.hpp"
#include "harness/sweep/observer.hpp"
#include "harness/train/trainer.hpp"

namespace recollect {

/// Passes the news of one cell's training on to a run's observer, under the run's lock, and gives
/// the training up once the flag says that it is of no use any more.
class Relay final : public TrainObserver {
 public:
  Relay(const PlannedCell& cell, RunObserver& observer, std::mutex& guard,
        const std::atomic<bool>& given_up)
      : cell_(cell), observer_(observer), guard_(guard), given_up_(given_up) {}

  void on_step(std::int64_t step, std::int64_t) override {
    if (given_up_) throw Interrupted(0, "given up");
    const std::lock_guard lock(guard_);
    observer_.on_step(cell_, step);
  }
  void on_evaluation(const HistoryRow& row) override {
    const std::lock_guard lock(guard_);
    observer_.on_evaluation(cell_, row);
  }
  void on_earlier_evaluation(const HistoryRow& row) override {
    const std::lock_guard lock(guard_);
    observer_.on_earlier_evaluation(cell_, row);
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
  const std::atomic<bool>& given_up_;
};

}  // namespace recollect
