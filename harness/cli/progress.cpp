#include "harness/cli/progress.hpp"

#include <system_error>
#include <utility>

#include "harness/cli/json_display.hpp"
#include "harness/cli/live_display.hpp"
#include "harness/cli/log_display.hpp"
#include "harness/live/sentences.hpp"

namespace recollect::cli {
namespace {

std::unique_ptr<Display> make_display(Telling telling, const Terminal& terminal,
                                      const StopRequest& stop) {
  if (telling == Telling::kQuiet) return std::make_unique<Display>();
  if (telling == Telling::kJsonLines) return std::make_unique<JsonDisplay>();
  if (!terminal.is_live()) return std::make_unique<LogDisplay>();
  return std::make_unique<LiveDisplay>(terminal, stop);
}

}  // namespace

Progress::Progress(std::string out, Telling telling, const StopRequest& stop, Of what)
    : out_(std::move(out)), display_(make_display(telling, terminal_, stop)), state_(what) {}

Progress::~Progress() { close(); }

void Progress::close() {
  ticker_.request_stop();
  if (ticker_.joinable()) ticker_.join();
  if (!display_) return;
  display_->close(state_, now());
  display_.reset();
}

std::string Progress::last_sentence() const { return live::last_sentence(state_, now()); }

double Progress::now() const {
  return std::chrono::duration<double>(Clock::now() - start_).count() - paused_;
}

void Progress::on_plan(const RunPlan& plan) {
  const std::lock_guard lock(guard_);
  start_ = Clock::now();
  state_.plan(plan);
  display_->plan(state_, plan, out_);
  if (state_.to_do() == 0) return;
  try {
    ticker_ = std::jthread([this](const std::stop_token& stop) { tick(stop); });
  } catch (const std::system_error&) {  // no more threads: the work goes on without news of it
  }
}

void Progress::tick(const std::stop_token& stop) {
  std::unique_lock lock(guard_);
  while (!stop.stop_requested()) {
    wake_.wait_for(lock, stop, display_->every(), [] { return false; });
    if (!stop.stop_requested()) paused_ += display_->tick(state_, now());
  }
}

void Progress::on_start(const PlannedCell& cell) {
  const std::lock_guard lock(guard_);
  state_.start(cell, now());
  display_->start(state_, cell, now());
}

void Progress::on_wait(const PlannedCell& cell, const std::string& owner) {
  const std::lock_guard lock(guard_);
  display_->wait(state_, cell, owner, now());
}

void Progress::on_done_elsewhere(const PlannedCell& cell) {
  const std::lock_guard lock(guard_);
  const live::EndedCell ended = state_.end_elsewhere(cell);
  display_->end(state_, ended, now());
}

void Progress::on_step(const PlannedCell& cell, std::int64_t step) {
  const std::lock_guard lock(guard_);
  state_.step(cell, step, now());
}

void Progress::on_evaluation(const PlannedCell& cell, const HistoryRow& row) {
  const std::lock_guard lock(guard_);
  state_.evaluation(cell, row);
  display_->evaluation(state_, cell, row, now());
}

void Progress::on_earlier_evaluation(const PlannedCell& cell, const HistoryRow& row) {
  const std::lock_guard lock(guard_);
  state_.earlier(cell, row);
}

void Progress::on_resume(const PlannedCell& cell, std::int64_t step) {
  const std::lock_guard lock(guard_);
  state_.resume(cell, step);
  display_->resume(state_, cell, step, now());
}

void Progress::on_note(const PlannedCell&, const std::string& note) {
  const std::lock_guard lock(guard_);
  display_->note(state_, note, now());
}

void Progress::on_stop(const PlannedCell& cell) {
  const std::lock_guard lock(guard_);
  const live::RunningCell stopped = state_.stop(cell);
  display_->stop(state_, stopped, now());
}

void Progress::on_end(const PlannedCell& cell, const CellOutcome& outcome) {
  const std::lock_guard lock(guard_);
  const live::EndedCell ended = state_.end(cell, outcome, now());
  display_->end(state_, ended, now());
}

void Progress::on_verified(const PlannedCell& cell, bool same, double seconds) {
  const std::lock_guard lock(guard_);
  const live::EndedCell ended = state_.verified(cell, same, seconds, now());
  display_->end(state_, ended, now());
}

}  // namespace recollect::cli
