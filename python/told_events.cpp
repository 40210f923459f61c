#include "python/told_events.hpp"

#include <utility>

namespace recollect::python {

ToldEvents::ToldEvents(std::string out, bool told, double every)
    : out_(std::move(out)), listened_to_(told), every_(every) {}

std::optional<Json> ToldEvents::next() {
  // How long a Ctrl-C may wait until somebody looks for it.
  constexpr std::chrono::milliseconds kMoment{50};
  std::unique_lock lock(guard_);
  changed_.wait_for(lock, kMoment, [this] { return (event_ && !taken_) || ended_; });
  if (!event_ || taken_) return std::nullopt;
  taken_ = true;
  return event_;
}

void ToldEvents::told() {
  const std::lock_guard lock(guard_);
  event_.reset();
  taken_ = false;
  changed_.notify_all();
}

bool ToldEvents::ended() const {
  const std::lock_guard lock(guard_);
  return ended_;
}

void ToldEvents::end() {
  const std::lock_guard lock(guard_);
  ended_ = true;
  changed_.notify_all();
}

double ToldEvents::now() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

void ToldEvents::tell(Json event) {
  if (!listened_to_) return;
  std::unique_lock lock(guard_);
  event_ = std::move(event);
  changed_.notify_all();
  changed_.wait(lock, [this] { return !event_; });
}

void ToldEvents::on_plan(const RunPlan& plan) {
  start_ = Clock::now();
  state_.plan(plan);
  tell(live::plan_event(state_, plan, out_));
  for (const std::string& note : plan.notes) tell(live::text_event("note", note, 0.0));
}

void ToldEvents::on_start(const PlannedCell& cell) {
  state_.start(cell, now());
  tell(live::start_event(state_, cell, now()));
}

void ToldEvents::on_wait(const PlannedCell& cell, const std::string& owner) {
  tell(live::wait_event(state_, cell, owner, now()));
}

void ToldEvents::on_done_elsewhere(const PlannedCell& cell) {
  tell(live::end_event(state_.end_elsewhere(cell), now()));
}

void ToldEvents::on_step(const PlannedCell& cell, std::int64_t step) {
  const double at = now();
  state_.step(cell, step, at);
  double& last = told_at_.try_emplace(cell.index, 0.0).first->second;
  if (at - last < every_) return;
  last = at;
  tell(live::step_event(state_.running().at(cell.index), at));
}

void ToldEvents::on_evaluation(const PlannedCell& cell, const HistoryRow& row) {
  state_.evaluation(cell, row);
  tell(live::evaluation_event(state_, cell, row, now()));
}

void ToldEvents::on_earlier_evaluation(const PlannedCell& cell, const HistoryRow& row) {
  state_.earlier(cell, row);
}

void ToldEvents::on_resume(const PlannedCell& cell, std::int64_t step) {
  state_.resume(cell, step);
  tell(live::resume_event(state_, cell, step, now()));
}

void ToldEvents::on_note(const PlannedCell&, const std::string& note) {
  tell(live::text_event("note", note, now()));
}

void ToldEvents::on_stop(const PlannedCell& cell) {
  tell(live::stop_event(state_.stop(cell), now()));
}

void ToldEvents::on_end(const PlannedCell& cell, const CellOutcome& outcome) {
  tell(live::end_event(state_.end(cell, outcome, now()), now()));
}

}  // namespace recollect::python
