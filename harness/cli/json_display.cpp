#include "harness/cli/json_display.hpp"

#include <cstdio>

#include "harness/cli/output.hpp"
#include "harness/live/events.hpp"

namespace recollect::cli {
namespace {

constexpr double kBetweenSweeps = 5.0;  // seconds

}  // namespace

void print_event(const Json& event) {
  print(live::event_line(event));
  std::fflush(stdout);  // flush_output() tells of errors in the end
}

std::chrono::milliseconds JsonDisplay::every() const { return std::chrono::seconds(1); }

void JsonDisplay::plan(const State& state, const RunPlan& plan, const std::string& out) {
  print_event(live::plan_event(state, plan, out));
  for (const std::string& note : plan.notes) print_event(live::text_event("note", note, 0.0));
}

void JsonDisplay::start(const State& state, const PlannedCell& cell, double now) {
  print_event(live::start_event(state, cell, now));
}

void JsonDisplay::wait(const State& state, const PlannedCell& cell, const std::string& owner,
                       double now) {
  print_event(live::wait_event(state, cell, owner, now));
}

void JsonDisplay::resume(const State& state, const PlannedCell& cell, std::int64_t step,
                         double now) {
  print_event(live::resume_event(state, cell, step, now));
}

void JsonDisplay::evaluation(const State& state, const PlannedCell& cell, const HistoryRow& row,
                             double now) {
  print_event(live::evaluation_event(state, cell, row, now));
}

void JsonDisplay::note(const State&, const std::string& text, double now) {
  print_event(live::text_event("note", text, now));
}

void JsonDisplay::stop(const State&, const live::RunningCell& cell, double now) {
  print_event(live::stop_event(cell, now));
}

void JsonDisplay::end(const State&, const live::EndedCell& cell, double now) {
  print_event(live::end_event(cell, now));
  told_.erase(cell.last.index);
}

double JsonDisplay::tick(const State& state, double now) {
  for (const auto& [index, cell] : state.running()) {
    if (cell.scoring || told_[index] == cell.step) continue;
    told_[index] = cell.step;
    print_event(live::step_event(cell, now));
  }
  if (now - told_sweep_ >= kBetweenSweeps) {
    told_sweep_ = now;
    print_event(live::sweep_event(state, now));
  }
  return 0.0;
}

}  // namespace recollect::cli
