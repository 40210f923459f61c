#include "harness/sweep/time_left.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "harness/config/load.hpp"

namespace recollect {
namespace {

/// A sweep on a clock of its own: jobs that train cells of several shapes, each with seconds a unit
/// of nominal work that nobody has told, on a machine whose load changes.
class SimulatedSweep {
 public:
  SimulatedSweep(const std::string& train, int jobs)
      : experiment_(parse_experiment(fmt::format(R"(experiment: x
task: {{name: mqar, length: 64, pairs: 4}}
model: {{width: 16}}
variants: [fixed-decay, adaptive-decay, full-quadratic, gated-linear]
train: {{steps: 1000, eval_every: 100, {}}}
seeds: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
)",
                                                 train),
                                     "x.yaml")) {
    plan_ = plan_run(experiment_, "/nonexistent/folder");
    plan_.jobs = jobs;
    left_.plan(plan_);
    for (const PlannedCell* cell : in_working_order(plan_)) queue_.push_back(cell);
    std::reverse(queue_.begin(), queue_.end());  // taken from the back
  }

  /// Seconds of a step of a cell on an idle machine: nominal work says it to a factor of 3.
  static double step_seconds(const PlannedCell& cell) {
    static const std::map<std::string, double> speed = {{"fixed-decay", 1.0},
                                                        {"adaptive-decay", 1.6},
                                                        {"full-quadratic", 0.6},
                                                        {"gated-linear", 1.8}};
    return 4e-9 * cell.cost / 1000.0 * speed.at(cell.cell->variant.name);
  }

  struct Guess {
    double at;
    double seconds;
    bool at_most;
  };

  /// @param load  how many times longer everything takes, at a time
  /// @param steps  that a cell makes
  template <class Load, class Steps>
  void run(Load&& load, Steps&& steps) {
    struct Job {
      const PlannedCell* cell = nullptr;
      double step = 0.0;
    };
    std::vector<Job> jobs(static_cast<std::size_t>(plan_.jobs));
    constexpr double kTick = 0.2;
    constexpr double kBetweenGuesses = 40.0;
    double next_guess = 0.0;
    bool busy = true;
    while (busy) {
      busy = false;
      for (Job& job : jobs) {
        if (job.cell == nullptr && !queue_.empty()) {
          job = {queue_.back(), 0.0};
          queue_.pop_back();
          left_.start(job.cell->index, now_);
        }
        if (job.cell == nullptr) continue;
        busy = true;
        job.step += kTick / (step_seconds(*job.cell) * load(now_));
        const double last = steps(*job.cell);
        // Scores take as long as so many steps.
        const double scoring = 1000.0 * job.cell->costs.scoring / job.cell->cost * 0.5;
        if (job.step >= last && job.step < last + scoring) continue;
        if (job.step < last) {
          left_.step(job.cell->index, static_cast<std::int64_t>(job.step), now_ + kTick);
        } else {
          left_.end(job.cell->index, static_cast<std::int64_t>(last), now_ + kTick);
          job.cell = nullptr;
        }
      }
      if (!busy) break;
      now_ += kTick;
      if (now_ < next_guess) continue;
      next_guess = now_ + kBetweenGuesses;
      if (const auto estimate = left_.estimate(now_)) {
        guesses.push_back({now_, estimate->seconds, estimate->at_most});
      }
    }
  }

  [[nodiscard]] double end() const { return now_; }
  std::vector<Guess> guesses;

 private:
  Experiment experiment_;
  RunPlan plan_;
  TimeLeft left_;
  std::vector<const PlannedCell*> queue_;
  double now_ = 0.0;
};

double all_steps(const PlannedCell&) { return 1000.0; }

}  // namespace

TEST_CASE("time left: within a factor of 1.5 from a quarter on, once the load is steady") {
  for (const int jobs : {1, 2, 7}) {
    // Idle, then three times as slow, then twice, each for a seventh of the sweep and more.
    SimulatedSweep idle("examples: 1000", jobs);
    idle.run([](double) { return 1.0; }, all_steps);
    const double part = idle.end() / 7.0;
    const auto load = [&](double now) { return now < part ? 1.0 : now < 3.0 * part ? 3.0 : 2.0; };
    const double steady_from = std::max(3.0 * part + 120.0, 0.0);
    SimulatedSweep sweep("examples: 1000", jobs);
    sweep.run(load, all_steps);
    CAPTURE(jobs);
    CAPTURE(sweep.end());
    int checked = 0;
    for (const auto& guess : sweep.guesses) {
      const double truth = sweep.end() - guess.at;
      if (guess.at < std::max(sweep.end() / 4.0, steady_from) || truth < 5.0) continue;
      ++checked;
      CAPTURE(guess.at);
      CAPTURE(guess.seconds);
      CHECK(guess.seconds < 1.5 * truth);
      CHECK(guess.seconds > truth / 1.5);
      CHECK_FALSE(guess.at_most);
    }
    CHECK(checked > 20);
  }
}

TEST_CASE("time left: cells that stop early are expected to stop where their kind did") {
  SimulatedSweep sweep("stop_at: 0.99", 2);
  const auto steps = [](const PlannedCell& cell) {
    return cell.cell->variant.name == "full-quadratic" ? 1000.0 : 300.0;
  };
  sweep.run([](double) { return 1.0; }, steps);
  int checked = 0;
  for (const auto& guess : sweep.guesses) {
    const double truth = sweep.end() - guess.at;
    if (guess.at_most || guess.at < sweep.end() / 4.0 || truth < 5.0) continue;
    ++checked;
    CAPTURE(guess.at);
    CAPTURE(guess.seconds);
    CAPTURE(truth);
    CHECK(guess.seconds < 1.5 * truth);
    CHECK(guess.seconds > truth / 1.5);
  }
  CHECK(checked > 20);
  // Before any of a kind has ended the estimate is said to be a bound.
  REQUIRE_FALSE(sweep.guesses.empty());
  CHECK(sweep.guesses.front().at_most);
}

TEST_CASE("time left: jobs take one cell of each shape first, then the longest") {
  const Experiment experiment = parse_experiment(R"(experiment: x
task: {name: mqar, pairs: 4}
model: {width: 16}
variants: [fixed-decay, full-quadratic]
grid: {task.length: [64, 128]}
seeds: [0, 1, 2]
)",
                                                 "x.yaml");
  RunPlan plan = plan_run(experiment, "/nonexistent/folder");
  const std::vector<PlannedCell*> order = in_working_order(plan);
  REQUIRE(order.size() == 12);
  std::vector<std::string> first, rest;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Cell& cell = *order[i]->cell;
    (i < 4 ? first : rest).push_back(fmt::format("{} {}", cell.variant.name, cell.task->length));
  }
  std::vector<std::string> shapes = first;
  std::sort(shapes.begin(), shapes.end());
  CHECK(std::unique(shapes.begin(), shapes.end()) == shapes.end());
  for (std::size_t i = 5; i < order.size(); ++i) CHECK(order[i - 1]->cost >= order[i]->cost);
}

TEST_CASE("time left: nothing to go by, nothing left") {
  TimeLeft left;
  CHECK_FALSE(left.estimate(10.0).has_value());
  RunPlan plan;
  left.plan(plan);
  CHECK_FALSE(left.estimate(10.0).has_value());
  left.step(3, 5, 1.0);  // a cell that the plan does not have
  left.end(3, 5, 2.0);
  left.drop(4);
  CHECK_FALSE(left.estimate(10.0).has_value());
}

}  // namespace recollect
