#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/sweep/plan.hpp"

namespace recollect {

/// Estimates how long a sweep still takes, from what its cells took so far. The nominal work of a
/// cell says little about seconds: kernels of two variants differ by a factor of two, and so does a
/// machine that others use. Therefore two factors are fitted to all that was seen, seconds a unit
/// of work for each shape of cell and the load of the machine for each stretch of time, and the
/// load of the last minute is taken to last. Cells that stop early are expected to stop where those
/// of their shape did. What is left is then given to the jobs, the longest first, as the sweep
/// does.
///
/// Times are in seconds on any clock that goes forward.
class TimeLeft {
 public:
  struct Estimate {
    double seconds = 0.0;
    bool at_most = false;  ///< cells may stop early, and none of their shape has ended yet
  };

  void plan(const RunPlan& plan);
  void start(std::size_t cell, double now);
  /// It goes on from a saved step.
  void resume(std::size_t cell, std::int64_t step);
  void step(std::size_t cell, std::int64_t step, double now);
  /// With so many steps made; all scores are made as well.
  void end(std::size_t cell, std::int64_t steps, double now);
  /// Another process has done it, or it failed.
  void drop(std::size_t cell);

  /// None as long as there is nothing to go by.
  [[nodiscard]] std::optional<Estimate> estimate(double now) const;

 private:
  struct Todo {
    std::string shape;
    double step_work = 0.0;  ///< of a step, with its share of the validations
    double end_work = 0.0;   ///< of the scores
    double steps = 0.0;
    bool may_stop = false;
    /// Scoring has a speed of its own.
    [[nodiscard]] std::string scores() const { return shape + "scores"; }
  };
  struct Running {
    double step = 0.0;
    double seen = 0.0;   ///< when that was
    double noted = 0.0;  ///< the step up to which its work was noted
  };
  /// Of one shape in one stretch of time.
  struct Seen {
    double seconds = 0.0;
    double work = 0.0;
  };
  using Stretch = std::map<std::string, Seen>;
  struct Recent {
    double at = 0.0;
    std::string name;
    Seen seen;
  };
  struct Endings {
    double cells = 0.0;
    double share = 0.0;  ///< sum of the shares of their steps that they made
  };
  /// Seconds a unit of work at the present load; on average for what was never seen.
  struct Speeds {
    std::map<std::string, double> known;
    double average = 0.0;
    [[nodiscard]] double of(const std::string& name) const;
  };

  void note(const std::string& name, Running& running, double work, double now);
  /// Seconds a unit of work at load 1, by shape.
  using Factors = std::map<std::string, double>;
  /// Of each stretch, that at which its work took its seconds. The load changes slowly: without
  /// that, shapes that never ran side by side could not be told from the load of their time.
  [[nodiscard]] std::vector<double> smoothed_loads(const Factors& speed) const;
  /// Speeds and loads in turn, each fitted to the other.
  [[nodiscard]] Factors fitted_speeds() const;
  /// That of the last minute.
  [[nodiscard]] double recent_load(const Factors& speed) const;
  [[nodiscard]] Speeds speeds() const;
  [[nodiscard]] double expected_steps(const Todo& todo) const;

  int jobs_ = 1;
  std::map<std::size_t, Todo> todo_;  ///< that have not ended
  std::map<std::size_t, Running> running_;
  std::map<std::string, Endings> endings_;  ///< by shape
  std::vector<Stretch> stretches_;
  double stretch_seconds_ = 10.0;
  std::deque<Recent> recent_;
  mutable std::optional<Speeds> fitted_;
  mutable double fitted_at_ = 0.0;
};

}  // namespace recollect
