#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "harness/sweep/runner.hpp"
#include "harness/sweep/time_left.hpp"

namespace recollect::cli {

/// "45s", "2m10s", "3h05m", "2d04h".
[[nodiscard]] std::string duration_text(double seconds);

/// Tells on stderr how a run goes: the plan, a line for each cell that ends, and between them where
/// the running cells are, on a terminal as one line that is written over, elsewhere as a line every
/// ten seconds. How long it still takes is TimeLeft's estimate.
class Progress final : public RunObserver {
 public:
  enum class Of { kRun, kVerification };
  explicit Progress(std::string out, Of what = Of::kRun);
  ~Progress() override;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void on_plan(const RunPlan& plan) override;
  void on_start(const PlannedCell& cell) override;
  void on_wait(const PlannedCell& cell, const std::string& owner) override;
  void on_done_elsewhere(const PlannedCell& cell) override;
  void on_step(const PlannedCell& cell, std::int64_t step) override;
  void on_evaluation(const PlannedCell& cell, const HistoryRow& row) override;
  void on_resume(const PlannedCell& cell, std::int64_t step) override;
  void on_note(const PlannedCell& cell, const std::string& note) override;
  void on_stop(const PlannedCell& cell) override;
  void on_end(const PlannedCell& cell, const CellOutcome& outcome) override;
  void on_verified(const PlannedCell& cell, bool same, double seconds) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Running {
    const PlannedCell* cell = nullptr;
    std::int64_t step = 0;
    std::optional<double> accuracy;
  };

  // The following expect guard_ to be held.
  void say(const std::string& line);
  void show_running() const;
  [[nodiscard]] std::vector<std::string> running_texts() const;
  void tick(const std::stop_token& stop);
  /// ", about 2m10s left", or "" as long as there is nothing to estimate from.
  [[nodiscard]] std::string time_left() const;
  [[nodiscard]] double now() const;  ///< seconds since the plan

  std::string out_;
  Of what_;
  bool terminal_;
  Clock::time_point start_ = Clock::now();
  std::size_t to_do_ = 0;
  std::size_t ended_ = 0;
  TimeLeft time_left_;
  std::map<std::size_t, Running> running_;
  std::mutex guard_;  // over all of the above: the ticker reads it
  std::condition_variable_any wake_;
  std::jthread ticker_;  // the last member: it ends before the others do
};

}  // namespace recollect::cli
