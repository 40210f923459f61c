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

std::string name_of(const PlannedCell& cell) {
  return fmt::format("{} {} seed {}", cell.cell->variant.label, cell.cell->task->name(),
                     cell.cell->seed);
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
  time_left_.plan(plan);
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
  running_[cell.index] = Running{&cell, 0, std::nullopt};
  time_left_.start(cell.index, now());
}

void Progress::on_wait(const PlannedCell& cell, const std::string& owner) {
  const std::lock_guard lock(guard_);
  say(fmt::format("waiting for {}, which {} works on", name_of(cell), owner));
}

void Progress::on_done_elsewhere(const PlannedCell& cell) {
  const std::lock_guard lock(guard_);
  ++ended_;
  time_left_.drop(cell.index);
  say(fmt::format("[cell {} of {}] {}: {} by another process{}", ended_, to_do_, name_of(cell),
                  recollect::name_of(cell.status->ending), time_left()));
}

void Progress::on_step(const PlannedCell& cell, std::int64_t step) {
  const std::lock_guard lock(guard_);
  running_[cell.index].step = step;
  time_left_.step(cell.index, step, now());
}

void Progress::on_evaluation(const PlannedCell& cell, const HistoryRow& row) {
  const std::lock_guard lock(guard_);
  running_[cell.index].accuracy = row.validation_accuracy;
}

void Progress::on_resume(const PlannedCell& cell, std::int64_t step) {
  const std::lock_guard lock(guard_);
  running_[cell.index].step = step;
  time_left_.resume(cell.index, step);
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
  running_.erase(cell.index);
  ++ended_;
  time_left_.end(cell.index, outcome.status.steps, now());
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
  time_left_.end(cell.index, running_[cell.index].step, now());
  running_.erase(cell.index);
  ++ended_;
  say(fmt::format("[cell {} of {}] {}: {}, {:.1f} s{}", ended_, to_do_, name_of(cell),
                  same ? "the same bytes again" : "cannot be compared", seconds, time_left()));
}

void Progress::say(const std::string& line) {
  if (terminal_) std::fputs("\r\x1b[K", stderr);
  report(line);
}

std::vector<std::string> Progress::running_texts() const {
  std::vector<std::string> texts;
  for (const auto& [index, running] : running_) {
    texts.push_back(fmt::format("{} seed {} {}/{}", running.cell->cell->variant.label,
                                running.cell->cell->seed, running.step,
                                running.cell->cell->train.steps));
    if (running.accuracy) {
      texts.back() += fmt::format(" (validation {:.3f})", *running.accuracy);
    }
  }
  return texts;
}

void Progress::show_running() const {
  const std::string ended = fmt::format("{} of {} cells ended", ended_, to_do_);
  const std::vector<std::string> texts = running_texts();
  const std::string left = time_left();
  if (!terminal_) {
    std::string line = ended;
    for (const std::string& text : texts) line += fmt::format("; {}", text);
    report(line + left);
    return;
  }
  // As many of the running cells as have room, each of them whole.
  const std::size_t width = terminal_width() - 1;
  std::string line = ended;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string others =
        i + 1 < texts.size() ? fmt::format("; {} more", texts.size() - i) : "";
    if (line.size() + 2 + texts[i].size() + others.size() + left.size() > width) {
      line += fmt::format("; {} {}", texts.size() - i, i == 0 ? "running" : "more");
      break;
    }
    line += fmt::format("; {}", texts[i]);
  }
  line += left;
  if (line.size() > width) line = ended.size() <= width ? ended : "";
  std::fputs("\r\x1b[K", stderr);
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

double Progress::now() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

std::string Progress::time_left() const {
  const std::optional<TimeLeft::Estimate> estimate = time_left_.estimate(now());
  if (!estimate) return {};
  return fmt::format("; {} {} left", estimate->at_most ? "at most" : "about",
                     duration_text(estimate->seconds));
}

}  // namespace recollect::cli
