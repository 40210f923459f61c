#include "harness/cli/log_display.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "harness/cli/output.hpp"
#include "harness/live/sentences.hpp"

namespace recollect::cli {

void LogDisplay::say(const State&, const std::string& line, double) { report(line); }

void LogDisplay::plan(const State& state, const RunPlan& plan, const std::string& out) {
  for (const std::string& note : plan.notes) say(state, note, 0.0);
  say(state, live::plan_sentence(state, plan, out), 0.0);
}

void LogDisplay::wait(const State& state, const PlannedCell& cell, const std::string& owner,
                      double now) {
  say(state, fmt::format("waiting for {}, which {} works on", state.name_of(cell), owner), now);
}

void LogDisplay::resume(const State& state, const PlannedCell& cell, std::int64_t step,
                        double now) {
  say(state,
      fmt::format("{} goes on from step {} of {}", state.name_of(cell), with_commas(step),
                  with_commas(cell.cell->train.steps)),
      now);
}

void LogDisplay::note(const State& state, const std::string& text, double now) {
  say(state, text, now);
}

void LogDisplay::stop(const State& state, const live::RunningCell& cell, double now) {
  say(state, live::stopped_sentence(cell), now);
}

void LogDisplay::end(const State& state, const live::EndedCell& cell, double now) {
  say(state, live::ended_sentence(cell), now);
}

double LogDisplay::tick(const State& state, double now) {
  say(state, live::sweep_sentence(state, now), now);
  return 0.0;
}

std::chrono::milliseconds LogDisplay::every() const { return std::chrono::minutes(1); }

void LogDisplay::close(const State&, double) {}

}  // namespace recollect::cli
