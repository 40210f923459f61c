#include "harness/cli/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <system_error>

#include "base/text.hpp"
#include "harness/cli/output.hpp"

namespace recollect::cli {
namespace {

constexpr std::chrono::milliseconds kEveryInLog{10000};
constexpr std::chrono::milliseconds kEveryOnTerminal{200};
constexpr double kLeastSeconds = 1.0;  // before a rate means anything

std::string name_of(const PlannedCell& cell) {
  return fmt::format("{} {} seed {}", cell.cell->variant.label, cell.cell->task->name(),
                     cell.cell->seed);
}

/// Work done per step, in the plan's units.
double step_work(const PlannedCell& cell) {
  return cell.cost / static_cast<double>(cell.cell->train.steps);
}

std::size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 80;
  return size.ws_col;
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(seconds));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  const std::int64_t minutes = whole / 60;
  constexpr std::int64_t kDay = 1440;
  if (minutes < kDay) return fmt::format("{}h{:02}m", minutes / 60, minutes % 60);
  return fmt::format("{}d{:02}h", minutes / kDay, minutes / 60 % 24);
}

Progress::Progress(std::string out, Of what)
    : out_(std::move(out)), what_(what), terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  ticker_.request_stop();
  if (ticker_.joinable()) ticker_.join();
  if (terminal_) std::fputs("\r\x1b[K", stderr);
}

void Progress::on_plan(const RunPlan& plan) {
  const std::lock_guard lock(guard_);
  start_ = Clock::now();
  const std::size_t train = plan.count(Work::kTrain);
  const std::size_t score = plan.count(Work::kScore);
  to_do_ = train + score;
  for (const PlannedCell& cell : plan.cells) cost_left_ += cell.cost;
  for (const std::string& note : plan.notes) say(note);
  std::string line = fmt::format("{}: {} to train, ", plural(plan.cells.size(), "cell"), train);
  if (score > 0) line += fmt::format("{} to score, ", score);
  const std::size_t restore = plan.count(Work::kRestore);
  if (restore > 0) line += fmt::format("{} from archives, ", restore);
  line += fmt::format("{} done; {} with {} each; results in {}", plan.count(Work::kNone),
                      plural(plan.jobs, "job"), plural(plan.threads, "thread"), out_);
  if (what_ == Of::kVerification) {
    line = fmt::format("verifying {} in {}: each is run again, {} with {} each",
                       plural(to_do_, "cell"), out_, plural(plan.jobs, "job"),
                       plural(plan.threads, "thread"));
  }
  say(line);
  if (to_do_ == 0) return;
  try {
    ticker_ = std::jthread([this](const std::stop_token& stop) { tick(stop); });
  } catch (const std::system_error&) {  // no more threads: the work goes on without news of it
  }
}

void Progress::tick(const std::stop_token& stop) {
  std::unique_lock lock(guard_);
  while (!stop.stop_requested()) {
    wake_.wait_for(lock, stop, terminal_ ? kEveryOnTerminal : kEveryInLog, [] { return false; });
    if (!stop.stop_requested() && !running_.empty()) show_running();
  }
}

void Progress::on_start(const PlannedCell& cell) {
  const std::lock_guard lock(guard_);
  running_[cell.index] = Running{&cell, 0, 0, std::nullopt};
}

void Progress::on_wait(const PlannedCell& cell, const std::string& owner) {
  const std::lock_guard lock(guard_);
  say(fmt::format("waiting for {}, which {} works on", name_of(cell), owner));
}

void Progress::on_done_elsewhere(const PlannedCell& cell) {
  const std::lock_guard lock(guard_);
  ++ended_;
  cost_left_ -= cell.cost;
  say(fmt::format("[cell {} of {}] {}: {} by another process{}", ended_, to_do_, name_of(cell),
                  recollect::name_of(cell.status->ending), time_left()));
}

void Progress::on_step(const PlannedCell& cell, std::int64_t step) {
  const std::lock_guard lock(guard_);
  running_[cell.index].step = step;
}

void Progress::on_evaluation(const PlannedCell& cell, const HistoryRow& row) {
  const std::lock_guard lock(guard_);
  running_[cell.index].accuracy = row.validation_accuracy;
}

void Progress::on_resume(const PlannedCell& cell, std::int64_t step) {
  const std::lock_guard lock(guard_);
  Running& running = running_[cell.index];
  running.first = running.step = step;
  say(fmt::format("{} goes on from step {} of {}", name_of(cell), step, cell.cell->train.steps));
}

void Progress::on_note(const PlannedCell&, const std::string& note) {
  const std::lock_guard lock(guard_);
  say(note);
}

void Progress::on_stop(const PlannedCell& cell) {
  const std::lock_guard lock(guard_);
  const std::int64_t step = running_[cell.index].step;
  running_.erase(cell.index);
  std::string what = fmt::format("saved at step {} of {}", step, cell.cell->train.steps);
  if (cell.work == Work::kScore) {
    what = "its scores will be made anew";
  } else if (step == 0) {
    what = "nothing to save yet";
  }
  say(fmt::format("{} stopped: {}", name_of(cell), what));
}

void Progress::on_end(const PlannedCell& cell, const CellOutcome& outcome) {
  const std::lock_guard lock(guard_);
  const std::int64_t first = running_[cell.index].first;
  running_.erase(cell.index);
  ++ended_;
  cost_left_ -= cell.cost;
  cost_done_ += cell.work == Work::kTrain
                    ? step_work(cell) * static_cast<double>(outcome.status.steps - first)
                    : 0.0;
  std::string line = fmt::format("[cell {} of {}] {}: ", ended_, to_do_, name_of(cell));
  if (outcome.accuracy) {
    line += fmt::format("accuracy {:.3f}, {}{}, {:.1f} s", *outcome.accuracy,
                        plural(outcome.status.steps, "step"),
                        cell.work == Work::kScore ? " (scored only)" : "", outcome.seconds);
  } else {
    line += fmt::format("{}: {}", recollect::name_of(outcome.status.ending), outcome.status.reason);
  }
  line += time_left();
  say(line);
}

void Progress::on_verified(const PlannedCell& cell, bool same, double seconds) {
  const std::lock_guard lock(guard_);
  const Running running = running_[cell.index];
  running_.erase(cell.index);
  ++ended_;
  cost_left_ -= cell.cost;
  cost_done_ += step_work(cell) * static_cast<double>(running.step - running.first);
  say(fmt::format("[cell {} of {}] {}: {}, {:.1f} s{}", ended_, to_do_, name_of(cell),
                  same ? "the same bytes again" : "cannot be compared", seconds, time_left()));
}

void Progress::say(const std::string& line) {
  if (terminal_) std::fputs("\r\x1b[K", stderr);
  report(line);
}

void Progress::show_running() const {
  std::string line = fmt::format("{} of {} cells ended", ended_, to_do_);
  for (const auto& [index, running] : running_) {
    line += fmt::format("; {} seed {} {}/{}", running.cell->cell->variant.label,
                        running.cell->cell->seed, running.step, running.cell->cell->train.steps);
    if (running.accuracy) line += fmt::format(" (validation {:.3f})", *running.accuracy);
  }
  const std::string left = time_left();
  if (!terminal_) {
    line += left;
    report(line);
    return;
  }
  const std::size_t width = terminal_width() - 1;
  const std::size_t room = width > left.size() ? width - left.size() : 0;
  if (line.size() > room) line.resize(room);
  line += left;
  std::fputs("\r\x1b[K", stderr);
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

std::string Progress::time_left() const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  double done = cost_done_;
  double left = cost_left_;
  for (const auto& [index, running] : running_) {
    const double step = step_work(*running.cell);
    done += step * static_cast<double>(running.step - running.first);
    left -= step * static_cast<double>(running.step);
  }
  if (elapsed < kLeastSeconds || done <= 0.0 || ended_ == to_do_) return {};
  return fmt::format("; about {} left", duration_text(std::max(0.0, left) * elapsed / done));
}

}  // namespace recollect::cli
