#include "harness/live/sweep_state.hpp"

#include <algorithm>

namespace recollect::live {
namespace {

constexpr double kRecent = 10.0;  ///< seconds over which a speed is taken
constexpr double kBetween = 0.5;  ///< seconds between two that are kept
constexpr double kLeast = 0.4;    ///< seconds that say something

}  // namespace

std::optional<double> RunningCell::steps_a_second() const {
  if (recent.size() < 2 || scoring) return std::nullopt;
  const auto& [from, first] = recent.front();
  const auto& [to, last] = recent.back();
  if (to - from < kLeast || last <= first) return std::nullopt;
  return static_cast<double>(last - first) / (to - from);
}

void SweepState::plan(const RunPlan& plan) {
  cells_ = what_ == Of::kRun ? plan.cells.size() : 0;
  std::vector<const Cell*> cells;
  for (const PlannedCell& planned : plan.cells) cells.push_back(planned.cell);
  std::vector<CellText> texts = cell_texts(cells);
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    const PlannedCell& planned = plan.cells[i];
    texts_[planned.index] = std::move(texts[i]);
    most_steps_ = std::max(most_steps_, planned.cell->train.steps);
    const bool to_do = planned.work == Work::kTrain || planned.work == Work::kScore;
    to_do_ += to_do ? 1 : 0;
    // Those of archives are copied in a moment.
    if (!to_do && what_ == Of::kRun && planned.status) {
      fates_[planned.index] = fate_of(*planned.status);
    }
  }
  if (what_ == Of::kVerification) cells_ = to_do_;
  time_left_.plan(plan);
}

RunningCell SweepState::new_cell(const PlannedCell& cell) const {
  RunningCell running;
  running.hash = cell.hash;
  running.index = cell.index;
  running.work = cell.work;
  const auto text = texts_.find(cell.index);
  running.text = text != texts_.end() ? text->second : cell_texts({cell.cell}).front();
  running.steps = cell.cell->train.steps;
  running.solve_at = cell.cell->train.selection.solve_at;
  if (cell.work == Work::kScore) {
    running.scoring = true;
    running.step = cell.status ? cell.status->steps : running.steps;
  }
  return running;
}

void SweepState::start(const PlannedCell& cell, double now) {
  RunningCell running = new_cell(cell);
  running.started = now;
  if (!running.scoring) running.recent.emplace_back(now, 0);
  running_[cell.index] = std::move(running);
  time_left_.start(cell.index, now);
}

void SweepState::earlier(const PlannedCell& cell, const HistoryRow& row) {
  const auto found = running_.find(cell.index);
  if (found == running_.end()) return;
  RunningCell& running = found->second;
  running.accuracy = row.validation_accuracy;
  running.loss = row.loss;
  running.curve.push_back({row.step, row.validation_accuracy});
  if (!running.solved_step && row.validation_accuracy >= running.solve_at) {
    running.solved_step = row.step;
  }
}

void SweepState::resume(const PlannedCell& cell, std::int64_t step) {
  if (const auto found = running_.find(cell.index); found != running_.end()) {
    found->second.step = step;
    if (!found->second.recent.empty()) found->second.recent.back().second = step;
    found->second.scoring = step >= found->second.steps;
  }
  time_left_.resume(cell.index, step);
}

void SweepState::step(const PlannedCell& cell, std::int64_t step, double now) {
  if (const auto found = running_.find(cell.index); found != running_.end()) {
    RunningCell& running = found->second;
    running.step = step;
    if (running.recent.empty() || now - running.recent.back().first > kBetween) {
      running.recent.emplace_back(now, step);
      while (running.recent.size() > 2 && running.recent[1].first < now - kRecent) {
        running.recent.pop_front();
      }
    }
  }
  time_left_.step(cell.index, step, now);
}

void SweepState::evaluation(const PlannedCell& cell, const HistoryRow& row) {
  earlier(cell, row);
  const TrainSettings& train = cell.cell->train;
  const double value =
      train.selection.value(row.validation_accuracy, row.validation_loss.value_or(0.0));
  const bool reached = train.stop_at && train.selection.reaches(value, *train.stop_at);
  const auto found = running_.find(cell.index);
  if (found != running_.end()) found->second.scoring = reached || row.step >= train.steps;
}

RunningCell SweepState::take(const PlannedCell& cell) {
  const auto found = running_.find(cell.index);
  if (found == running_.end()) return new_cell(cell);
  RunningCell running = std::move(found->second);
  running_.erase(found);
  return running;
}

RunningCell SweepState::stop(const PlannedCell& cell) { return take(cell); }

SweepState::Fate SweepState::fate_of(const CellStatus& status) {
  if (status.ending != Ending::kFinished) return Fate::kFailed;
  return status.solved_step ? Fate::kSolved : Fate::kNotSolved;
}

void SweepState::number(EndedCell& ended) {
  ended.number = ++ended_;
  ended.of = to_do_;
}

EndedCell SweepState::end(const PlannedCell& cell, const CellOutcome& outcome, double now) {
  EndedCell ended;
  ended.last = take(cell);
  ended.ending = outcome.status.ending;
  ended.reason = outcome.status.reason;
  ended.solved_step = outcome.status.solved_step;
  ended.trained = outcome.status.steps;
  ended.accuracy = outcome.accuracy;
  ended.seconds = outcome.seconds;
  ended.scored_only = cell.work == Work::kScore;
  number(ended);
  fates_[cell.index] = fate_of(outcome.status);
  if (outcome.status.ending == Ending::kFinished) {
    time_left_.end(cell.index, outcome.status.steps, now);
  } else {
    time_left_.drop(cell.index);  // it made no scores, and says nothing of when others stop
  }
  return ended;
}

EndedCell SweepState::end_elsewhere(const PlannedCell& cell) {
  EndedCell ended;
  ended.last = take(cell);
  ended.elsewhere = true;
  if (cell.status) {
    ended.ending = cell.status->ending;
    ended.reason = cell.status->reason;
    ended.solved_step = cell.status->solved_step;
    ended.trained = ended.last.step = cell.status->steps;
    fates_[cell.index] = fate_of(*cell.status);
  }
  number(ended);
  time_left_.drop(cell.index);
  return ended;
}

EndedCell SweepState::verified(const PlannedCell& cell, bool same, double seconds, double now) {
  EndedCell ended;
  ended.last = take(cell);
  ended.trained = ended.last.step;
  ended.verified = same;
  ended.seconds = seconds;
  number(ended);
  fates_[cell.index] = same ? Fate::kNotSolved : Fate::kFailed;
  time_left_.end(cell.index, ended.trained, now);
  return ended;
}

SweepCounts SweepState::counts() const {
  SweepCounts counts;
  counts.cells = cells_;
  counts.done = fates_.size();
  for (const auto& [index, fate] : fates_) {
    counts.solved += fate == Fate::kSolved ? 1 : 0;
    counts.failed += fate == Fate::kFailed ? 1 : 0;
  }
  return counts;
}

double SweepState::share_done() const {
  if (cells_ == 0) return 1.0;
  auto sum = static_cast<double>(fates_.size());
  for (const auto& [index, running] : running_) {
    if (fates_.contains(index)) continue;
    sum += static_cast<double>(running.step) /
           static_cast<double>(std::max<std::int64_t>(1, running.steps));
  }
  return std::min(1.0, sum / static_cast<double>(cells_));
}

std::string SweepState::name_of(const PlannedCell& cell) const {
  const auto text = texts_.find(cell.index);
  return (text != texts_.end() ? text->second : cell_texts({cell.cell}).front()).name();
}

}  // namespace recollect::live
