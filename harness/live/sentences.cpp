#include "harness/live/sentences.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "harness/live/time_text.hpp"

namespace recollect::live {
namespace {

std::string step_count(std::int64_t steps) {
  return fmt::format("{} step{}", with_commas(steps), steps == 1 ? "" : "s");
}

std::string counts_text(const SweepState& state) {
  const SweepCounts counts = state.counts();
  std::string text = fmt::format("{} of {} ", counts.done, plural(counts.cells, "cell"));
  if (state.what() == SweepState::Of::kVerification) {
    text += "verified";
    if (counts.failed > 0) text += fmt::format(", {} cannot be compared", counts.failed);
    return text;
  }
  return text + fmt::format("done, {} solved, {} failed", counts.solved, counts.failed);
}

}  // namespace

std::string plan_sentence(const SweepState& state, const RunPlan& plan, const std::string& out) {
  const std::string jobs =
      fmt::format("{} with {} each", plural(plan.jobs, "job"), plural(plan.threads, "thread"));
  if (state.what() == SweepState::Of::kVerification) {
    return fmt::format("verifying {} in {}: each is run again, {}", plural(state.to_do(), "cell"),
                       out, jobs);
  }
  std::string line =
      fmt::format("{}: {} to train, ", plural(plan.cells.size(), "cell"), plan.count(Work::kTrain));
  const std::size_t score = plan.count(Work::kScore);
  if (score > 0) line += fmt::format("{} to score, ", score);
  const std::size_t restore = plan.count(Work::kRestore);
  if (restore > 0) line += fmt::format("{} from archives, ", restore);
  return line + fmt::format("{} done; {}; results in {}", plan.count(Work::kNone), jobs, out);
}

std::string ended_sentence(const EndedCell& cell) {
  std::string line =
      fmt::format("[cell {} of {}] {}: ", cell.number, cell.of, cell.last.text.name());
  if (cell.verified) {
    return line + fmt::format("{}, {:.1f} s",
                              *cell.verified ? "the same bytes again" : "cannot be compared",
                              cell.seconds.value_or(0.0));
  }
  if (cell.elsewhere) return line + fmt::format("{} by another process", name_of(cell.ending));
  if (cell.ending != Ending::kFinished) {
    return line + fmt::format("{}: {}", name_of(cell.ending), cell.reason);
  }
  line += cell.solved_step ? fmt::format("solved at step {}", with_commas(*cell.solved_step))
                           : "not solved";
  if (cell.accuracy) line += fmt::format(", accuracy {:.3f}", *cell.accuracy);
  return line + fmt::format(", {}{}, {:.1f} s", step_count(cell.trained),
                            cell.scored_only ? " (scored only)" : "", cell.seconds.value_or(0.0));
}

std::string saved_text(const RunningCell& cell) {
  if (cell.work == Work::kScore) return "its scores will be made anew";
  if (cell.step == 0) return "nothing to save yet";
  return fmt::format("saved at step {} of {}", with_commas(cell.step), with_commas(cell.steps));
}

std::string stopped_sentence(const RunningCell& cell) {
  return fmt::format("{} stopped: {}", cell.text.name(), saved_text(cell));
}

std::string left_text(const std::optional<TimeLeft::Estimate>& estimate) {
  if (!estimate) return "";
  return fmt::format("{} {} left", estimate->at_most ? "at most" : "about",
                     rough_duration_text(estimate->seconds));
}

std::string sweep_sentence(const SweepState& state, double now) {
  std::string line = fmt::format("sweep: {}; {} running; {} so far", counts_text(state),
                                 state.running().size(), duration_text(now));
  const std::optional<TimeLeft::Estimate> estimate = state.left(now);
  if (!estimate) return line;
  line += fmt::format(", {} if the load stays that of the last minute", left_text(estimate));
  if (estimate->at_most) line += "; cells that reach train.stop_at end earlier";
  return line;
}

std::string last_sentence(const SweepState& state, double now) {
  return fmt::format("{}; took {}", counts_text(state), duration_text(now));
}

}  // namespace recollect::live
