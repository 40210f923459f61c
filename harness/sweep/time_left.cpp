#include "harness/sweep/time_left.hpp"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

#include "harness/train/cell_model.hpp"

namespace recollect {
namespace {

constexpr double kRecent = 60.0;         ///< seconds of which the load is taken to last
constexpr double kBetween = 0.25;        ///< seconds between two notes of one cell
constexpr double kLeastSeconds = 1.0;    ///< of work seen before a rate means anything
constexpr std::size_t kStretches = 200;  ///< at most; then two become one
constexpr std::size_t kSmooth = 4;       ///< stretches on either side that share a load
constexpr int kRounds = 50;              ///< of the fit
constexpr double kBetweenFits = 2.0;     ///< seconds

}  // namespace

void TimeLeft::plan(const RunPlan& plan) {
  jobs_ = std::max(1, plan.jobs);
  for (const PlannedCell& planned : plan.cells) {
    if (planned.work != Work::kTrain && planned.work != Work::kScore) continue;
    Todo todo;
    todo.shape = shape_of(*planned.cell).identity();
    todo.end_work = planned.costs.scoring;
    if (planned.work == Work::kTrain) {
      todo.steps = static_cast<double>(planned.cell->train.steps);
      todo.step_work = (planned.costs.training + planned.costs.validation) / todo.steps;
      todo.may_stop = planned.cell->train.stop_at.has_value();
    }
    todo_.emplace(planned.index, std::move(todo));
  }
}

void TimeLeft::start(std::size_t cell, double now) { running_[cell] = {0.0, now, 0.0}; }

void TimeLeft::resume(std::size_t cell, std::int64_t step) {
  Running& running = running_[cell];
  running.step = running.noted = static_cast<double>(step);
}

void TimeLeft::step(std::size_t cell, std::int64_t step, double now) {
  const auto todo = todo_.find(cell);
  if (todo == todo_.end()) return;
  Running& running = running_[cell];
  running.step = static_cast<double>(step);
  if (now - running.seen < kBetween || running.step <= running.noted) return;
  note(todo->second.shape, running, todo->second.step_work * (running.step - running.noted), now);
}

void TimeLeft::end(std::size_t cell, std::int64_t steps, double now) {
  const auto todo = todo_.find(cell);
  const auto running = running_.find(cell);
  if (todo != todo_.end() && running != running_.end()) {
    const auto made = static_cast<double>(steps);
    // Steps after the last note are a fraction of a second; the rest went by in scoring.
    note(todo->second.scores(), running->second, todo->second.end_work, now);
    if (todo->second.steps > 0.0) {
      Endings& endings = endings_[todo->second.shape];
      endings.cells += 1.0;
      endings.share += std::min(1.0, made / todo->second.steps);
    }
  }
  drop(cell);
}

void TimeLeft::drop(std::size_t cell) {
  running_.erase(cell);
  todo_.erase(cell);
}

void TimeLeft::note(const std::string& name, Running& running, double work, double now) {
  const Seen seen{now - running.seen, work};
  running.seen = now;
  running.noted = running.step;
  auto stretch = static_cast<std::size_t>(std::max(0.0, now) / stretch_seconds_);
  while (stretch >= kStretches) {
    for (std::size_t i = 0; i < stretches_.size(); ++i) {
      if (i % 2 == 0) {
        if (i > 0) stretches_[i / 2] = std::move(stretches_[i]);
        continue;
      }
      for (const auto& [other, part] : stretches_[i]) {
        stretches_[i / 2][other].seconds += part.seconds;
        stretches_[i / 2][other].work += part.work;
      }
    }
    stretches_.resize((stretches_.size() + 1) / 2);
    stretch_seconds_ *= 2.0;
    stretch /= 2;
  }
  if (stretches_.size() <= stretch) stretches_.resize(stretch + 1);
  Seen& sum = stretches_[stretch][name];
  sum.seconds += seen.seconds;
  sum.work += seen.work;
  recent_.push_back({now, name, seen});
  while (recent_.front().at < now - kRecent) recent_.pop_front();
}

double TimeLeft::Speeds::of(const std::string& name) const {
  const auto found = known.find(name);
  return found == known.end() ? average : found->second;
}

/// seconds = work * speed[shape] * load[stretch], fitted in turn; a load that nothing tells is 1.
std::vector<double> TimeLeft::smoothed_loads(const Factors& speed) const {
  std::vector<Seen> stretch(stretches_.size());
  for (std::size_t i = 0; i < stretches_.size(); ++i) {
    for (const auto& [name, seen] : stretches_[i]) {
      if (!speed.contains(name)) continue;
      stretch[i].seconds += seen.seconds;
      stretch[i].work += seen.work * speed.at(name);
    }
  }
  std::vector<double> loads(stretches_.size(), 1.0);
  for (std::size_t i = 0; i < stretches_.size(); ++i) {
    Seen near;
    for (std::size_t j = i - std::min(i, kSmooth); j <= std::min(i + kSmooth, stretch.size() - 1);
         ++j) {
      near.seconds += stretch[j].seconds;
      near.work += stretch[j].work;
    }
    if (near.seconds > 0.0 && near.work > 0.0) loads[i] = near.seconds / near.work;
  }
  return loads;
}

TimeLeft::Factors TimeLeft::fitted_speeds() const {
  Factors speed;
  std::vector<double> loads(stretches_.size(), 1.0);
  for (int round = 0; round < kRounds; ++round) {
    std::map<std::string, Seen> sums;
    for (std::size_t i = 0; i < stretches_.size(); ++i) {
      for (const auto& [name, seen] : stretches_[i]) {
        sums[name].seconds += seen.seconds;
        sums[name].work += seen.work * loads[i];
      }
    }
    for (const auto& [name, sum] : sums) {
      if (sum.work > 0.0) speed[name] = sum.seconds / sum.work;
    }
    loads = smoothed_loads(speed);
  }
  return speed;
}

double TimeLeft::recent_load(const Factors& speed) const {
  double took = 0.0, expected = 0.0;
  for (const Recent& recent : recent_) {
    if (!speed.contains(recent.name)) continue;
    took += recent.seen.seconds;
    expected += recent.seen.work * speed.at(recent.name);
  }
  return took > 0.0 && expected > 0.0 ? took / expected : 1.0;
}

TimeLeft::Speeds TimeLeft::speeds() const {
  const Factors speed = fitted_speeds();
  const double load = recent_load(speed);
  Speeds now;
  double seconds = 0.0, work = 0.0;
  for (const Stretch& stretch : stretches_) {
    for (const auto& [name, seen] : stretch) {
      if (!speed.contains(name)) continue;
      seconds += seen.work * speed.at(name);
      work += seen.work;
    }
  }
  for (const auto& [name, each] : speed) now.known[name] = each * load;
  now.average = work > 0.0 ? load * seconds / work : 0.0;
  return now;
}

double TimeLeft::expected_steps(const Todo& todo) const {
  const auto known = endings_.find(todo.shape);
  if (!todo.may_stop || known == endings_.end()) return todo.steps;
  return todo.steps * known->second.share / known->second.cells;
}

std::optional<TimeLeft::Estimate> TimeLeft::estimate(double now) const {
  double seen = 0.0;
  for (const Stretch& stretch : stretches_) {
    for (const auto& [name, part] : stretch) seen += part.work > 0.0 ? part.seconds : 0.0;
  }
  if (seen < kLeastSeconds || todo_.empty()) return std::nullopt;
  if (!fitted_ || now - fitted_at_ > kBetweenFits || now < fitted_at_) {
    fitted_ = speeds();
    fitted_at_ = now;
  }
  const Speeds& speed = *fitted_;
  const auto seconds_of = [&](const Todo& todo, double steps) {
    return todo.step_work * steps * speed.of(todo.shape) + todo.end_work * speed.of(todo.scores());
  };
  Estimate estimate;
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at;
  std::vector<double> waiting;
  for (const auto& [cell, todo] : todo_) {
    estimate.at_most = estimate.at_most || (todo.may_stop && !endings_.contains(todo.shape));
    const auto running = running_.find(cell);
    if (running == running_.end()) {
      waiting.push_back(seconds_of(todo, expected_steps(todo)));
      continue;
    }
    // One that has passed the step at which others stopped may go on to its end.
    const double expected = expected_steps(todo);
    const double until = running->second.step < expected ? expected : todo.steps;
    const double left = seconds_of(todo, std::max(0.0, until - running->second.noted));
    free_at.push(std::max(0.0, left - (now - running->second.seen)));
  }
  while (static_cast<int>(free_at.size()) < jobs_) free_at.push(0.0);
  std::sort(waiting.begin(), waiting.end(), std::greater<>());
  for (const double seconds : waiting) {
    const double end = free_at.top() + seconds;
    free_at.pop();
    free_at.push(end);
  }
  for (; !free_at.empty(); free_at.pop()) {
    estimate.seconds = std::max(estimate.seconds, free_at.top());
  }
  return estimate;
}

}  // namespace recollect
