#include "harness/cli/live_display.hpp"

#include <fmt/format.h>

#include "harness/cli/output.hpp"
#include "harness/live/live_lines.hpp"
#include "harness/live/sentences.hpp"

namespace recollect::cli {

LiveDisplay::LiveDisplay(const Terminal& terminal, const StopRequest& stop)
    : terminal_(terminal), stop_(stop), frame_(terminal.traits()) {}

std::chrono::milliseconds LiveDisplay::every() const { return std::chrono::milliseconds(200); }

void LiveDisplay::draw(const State& state, const std::vector<live::Line>& above, double now) {
  if (JobControl::was_continued()) frame_.forget();
  if (!Terminal::in_foreground()) {  // the shell has a prompt there: print only lines that stay
    frame_.forget();
    for (const live::Line& line : above) report(live::coloured(line, terminal_.traits().colour));
    return;
  }
  const live::View view = terminal_.view();
  std::vector<live::Line> lines;
  if (!state.running().empty()) lines = live::live_lines(state, view, now);
  if (above.empty() && frame_.shows(lines, view.width)) return;
  Terminal::write(frame_.draw(above, lines, view.width));
}

void LiveDisplay::say(const State& state, const std::string& line, double now) {
  draw(state, {{{live::shown(line, terminal_.view().utf8)}}}, now);
}

void LiveDisplay::plan(const State& state, const RunPlan& plan, const std::string& out) {
  LogDisplay::plan(state, plan, out);
  if (state.to_do() > 0) job_control_.emplace();  // from now on somebody looks, in tick()
}

void LiveDisplay::start(const State& state, const PlannedCell&, double now) {
  draw(state, {}, now);
}

void LiveDisplay::stop(const State& state, const live::RunningCell& cell, double now) {
  draw(state, {live::stopped_line(state, cell, terminal_.view())}, now);
}

void LiveDisplay::end(const State& state, const live::EndedCell& cell, double now) {
  draw(state, {live::ended_line(state, cell, terminal_.view())}, now);
}

double LiveDisplay::pause(const State& state, double now) {
  using Clock = std::chrono::steady_clock;
  const live::SweepCounts counts = state.counts();
  const std::string line =
      fmt::format(" paused at {} of {} done; fg goes on", counts.done, counts.cells);
  if (Terminal::in_foreground())
    Terminal::write(frame_.draw({{{line}}}, {}, terminal_.view().width));
  const Clock::time_point stopped = Clock::now();
  job_control_->stop();
  frame_.forget();
  const double seconds = std::chrono::duration<double>(Clock::now() - stopped).count();
  draw(state, {}, now);
  return seconds;
}

double LiveDisplay::tick(const State& state, double now) {
  if (job_control_ && JobControl::stop_is_wanted()) return pause(state, now);
  if (stop_.requested() && !told_stop_) {
    told_stop_ = true;
    say(state, "stopping; Ctrl-C or SIGTERM again stops at once", now);
  }
  draw(state, {}, now);
  return 0.0;
}

void LiveDisplay::close(const State&, double) {
  job_control_.reset();
  if (!Terminal::in_foreground()) return;
  Terminal::write(frame_.draw({}, {}, terminal_.view().width));
}

}  // namespace recollect::cli
