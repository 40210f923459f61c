#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/live/cell_text.hpp"
#include "harness/live/sparkline.hpp"
#include "harness/sweep/cell_run.hpp"
#include "harness/sweep/plan.hpp"
#include "harness/sweep/time_left.hpp"

namespace recollect::live {

/// A cell that is being trained or scored, as far as is known.
struct RunningCell {
  std::string hash;
  std::size_t index = 0;  ///< PlannedCell::index
  Work work = Work::kTrain;
  CellText text;
  std::int64_t step = 0;
  std::int64_t steps = 0;  ///< of the whole training
  bool scoring = false;    ///< training is over
  double solve_at = 0.99;
  std::optional<std::int64_t> solved_step;
  std::optional<double> accuracy;  ///< of the last validation
  std::optional<double> loss;      ///< mean training loss before it, in nats
  std::vector<CurvePoint> curve;
  double started = 0.0;
  std::deque<std::pair<double, std::int64_t>> recent;  ///< seconds and steps, oldest first

  [[nodiscard]] Curve curve_view() const { return {curve, step, steps, solve_at}; }
  /// Over the last ten seconds; none as long as that says little.
  [[nodiscard]] std::optional<double> steps_a_second() const;
};

/// A cell on which nothing is left to do.
struct EndedCell {
  RunningCell last;  ///< as it was before
  Ending ending = Ending::kFinished;
  std::string reason;
  std::optional<std::int64_t> solved_step;
  std::int64_t trained = 0;        ///< steps that were made
  std::optional<double> accuracy;  ///< best weights on test examples
  std::optional<double> seconds;
  bool scored_only = false;
  bool elsewhere = false;          ///< another process has done it
  std::optional<bool> verified;    ///< whether it gave the same bytes again
  std::size_t number = 0, of = 0;  ///< the third of eight that end in this run
};

/// Of all cells of the plan, those of earlier runs included.
struct SweepCounts {
  std::size_t cells = 0;
  std::size_t done = 0;    ///< however they ended
  std::size_t solved = 0;  ///< whose validation accuracy reached train.solve_at
  std::size_t failed = 0;  ///< failed or diverged
  friend bool operator==(const SweepCounts&, const SweepCounts&) = default;
};

/// What is known of a sweep while it runs, from what an observer is told. Times are in seconds
/// since the plan. Cells are known by PlannedCell::index.
class SweepState {
 public:
  enum class Of { kRun, kVerification };
  explicit SweepState(Of what = Of::kRun) : what_(what) {}

  void plan(const RunPlan& plan);
  void start(const PlannedCell& cell, double now);
  /// A validation of an earlier run, from which the cell goes on.
  void earlier(const PlannedCell& cell, const HistoryRow& row);
  void resume(const PlannedCell& cell, std::int64_t step);
  void step(const PlannedCell& cell, std::int64_t step, double now);
  void evaluation(const PlannedCell& cell, const HistoryRow& row);
  /// @returns the cell as it was
  RunningCell stop(const PlannedCell& cell);
  EndedCell end(const PlannedCell& cell, const CellOutcome& outcome, double now);
  EndedCell end_elsewhere(const PlannedCell& cell);
  EndedCell verified(const PlannedCell& cell, bool same, double seconds, double now);

  [[nodiscard]] Of what() const noexcept { return what_; }
  [[nodiscard]] SweepCounts counts() const;
  [[nodiscard]] std::size_t to_do() const noexcept { return to_do_; }
  [[nodiscard]] const std::map<std::size_t, RunningCell>& running() const { return running_; }
  /// Of the plan, by index.
  [[nodiscard]] const std::map<std::size_t, CellText>& texts() const { return texts_; }
  [[nodiscard]] std::int64_t most_steps() const noexcept { return most_steps_; }
  [[nodiscard]] std::string name_of(const PlannedCell& cell) const;
  /// 0..1: cells that are done, and of those that run the part that is behind them.
  [[nodiscard]] double share_done() const;
  [[nodiscard]] std::optional<TimeLeft::Estimate> left(double now) const {
    return time_left_.estimate(now);
  }

 private:
  enum class Fate { kSolved, kNotSolved, kFailed };
  static Fate fate_of(const CellStatus& status);
  RunningCell take(const PlannedCell& cell);
  RunningCell new_cell(const PlannedCell& cell) const;
  void number(EndedCell& ended);

  Of what_;
  std::size_t cells_ = 0;
  std::size_t to_do_ = 0;
  std::size_t ended_ = 0;
  std::int64_t most_steps_ = 0;
  std::map<std::size_t, CellText> texts_;
  std::map<std::size_t, Fate> fates_;
  std::map<std::size_t, RunningCell> running_;
  TimeLeft time_left_;
};

}  // namespace recollect::live
