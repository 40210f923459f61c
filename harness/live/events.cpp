#include "harness/live/events.hpp"

#include "harness/live/sentences.hpp"

namespace recollect::live {
namespace {

Json event(std::string_view name, double now) {
  Json json;
  json["event"] = name;
  json["elapsed"] = now;
  return json;
}

void add_cell(Json& json, const std::string& hash, std::size_t index, const CellText& text) {
  json["cell"] = hash;
  json["number"] = index + 1;
  json["variant"] = text.variant;
  json["task"] = text.task;
  json["seed"] = text.seed;
  Json settings = Json::object();
  for (const auto& [name, value] : text.settings) {
    if (name != "task") settings[name] = value;
  }
  json["settings"] = std::move(settings);
}

Json cell_event(std::string_view name, const SweepState& state, const PlannedCell& cell,
                double now) {
  Json json = event(name, now);
  const auto text = state.texts().find(cell.index);
  add_cell(json, cell.hash, cell.index,
           text != state.texts().end() ? text->second : cell_texts({cell.cell}).front());
  return json;
}

Json cell_event(std::string_view name, const RunningCell& cell, double now) {
  Json json = event(name, now);
  add_cell(json, cell.hash, cell.index, cell.text);
  return json;
}

template <class Number>
Json or_null(const std::optional<Number>& value) {
  return value ? Json(*value) : Json();
}

void add_counts(Json& json, const std::optional<SweepCounts>& counts) {
  const auto put = [&](const char* name, std::size_t SweepCounts::*member) {
    json[name] = counts ? Json((*counts).*member) : Json();
  };
  put("cells", &SweepCounts::cells);
  put("done", &SweepCounts::done);
  put("solved", &SweepCounts::solved);
  put("failed", &SweepCounts::failed);
}

}  // namespace

Json plan_event(const SweepState& state, const RunPlan& plan, const std::string& out) {
  Json json = event("plan", 0.0);
  json["of"] = state.what() == SweepState::Of::kRun ? "run" : "verification";
  json["out"] = out;
  json["cells"] = plan.cells.size();
  json["to_train"] = plan.count(Work::kTrain);
  json["to_score"] = plan.count(Work::kScore);
  json["from_archives"] = plan.count(Work::kRestore);
  json["already_done"] = plan.count(Work::kNone);
  json["jobs"] = plan.jobs;
  json["threads"] = plan.threads;
  return json;
}

Json start_event(const SweepState& state, const PlannedCell& cell, double now) {
  Json json = cell_event("start", state, cell, now);
  json["work"] = cell.work == Work::kScore ? "score" : "train";
  json["steps"] = cell.cell->train.steps;
  return json;
}

Json wait_event(const SweepState& state, const PlannedCell& cell, const std::string& owner,
                double now) {
  Json json = cell_event("wait", state, cell, now);
  json["owner"] = owner;
  return json;
}

Json resume_event(const SweepState& state, const PlannedCell& cell, std::int64_t step, double now) {
  Json json = cell_event("resume", state, cell, now);
  json["step"] = step;
  json["steps"] = cell.cell->train.steps;
  return json;
}

Json step_event(const RunningCell& cell, double now) {
  Json json = cell_event("step", cell, now);
  json["step"] = cell.step;
  json["steps"] = cell.steps;
  json["steps_a_second"] = or_null(cell.steps_a_second());
  return json;
}

Json evaluation_event(const SweepState& state, const PlannedCell& cell, const HistoryRow& row,
                      double now) {
  Json json = cell_event("evaluation", state, cell, now);
  json["step"] = row.step;
  json["steps"] = cell.cell->train.steps;
  json["loss"] = row.loss;
  json["gradient_norm"] = row.gradient_norm;
  json["learning_rate"] = row.learning_rate;
  json["validation_accuracy"] = row.validation_accuracy;
  json["validation_exact_match"] = row.validation_exact_match;
  json["validation_loss"] = or_null(row.validation_loss);
  return json;
}

Json stop_event(const RunningCell& cell, double now) {
  Json json = cell_event("stop", cell, now);
  json["step"] = cell.step;
  json["steps"] = cell.steps;
  json["text"] = saved_text(cell);
  return json;
}

Json end_event(const EndedCell& cell, double now) {
  Json json = cell_event(cell.verified ? "verified" : "end", cell.last, now);
  json["seconds"] = or_null(cell.seconds);
  if (cell.verified) {
    json["same"] = *cell.verified;
    return json;
  }
  json["ending"] = name_of(cell.ending);
  json["reason"] = cell.reason.empty() ? Json() : Json(cell.reason);
  json["steps"] = cell.trained;
  json["solved_step"] = or_null(cell.solved_step);
  json["accuracy"] = or_null(cell.accuracy);
  json["scored_only"] = cell.scored_only;
  json["elsewhere"] = cell.elsewhere;
  return json;
}

Json sweep_event(const SweepState& state, double now) {
  Json json = event("sweep", now);
  add_counts(json, state.counts());
  json["running"] = state.running().size();
  json["share_done"] = state.share_done();
  const std::optional<TimeLeft::Estimate> left = state.left(now);
  json["seconds_left"] = left ? Json(left->seconds) : Json();
  json["at_most"] = left ? Json(left->at_most) : Json();
  return json;
}

Json text_event(std::string_view kind, const std::string& text, double now) {
  Json json = event(kind, now);
  json["text"] = text;
  return json;
}

Json summary_event(const RunEnd& end) {
  Json json = event("summary", end.seconds);
  json["status"] = end.status;
  json["error"] = end.error.empty() ? Json() : Json(end.error);
  add_counts(json, end.counts);
  json["problems"] = end.problems;
  json["tables"] = end.tables;
  return json;
}

std::string event_line(const Json& event) {
  return event.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace recollect::live
