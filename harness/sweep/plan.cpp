#include "harness/sweep/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/build_info.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/parallel.hpp"
#include "harness/sweep/experiment_file.hpp"

namespace recollect {
namespace {

/// A backward pass costs two forward passes.
constexpr double kPassesPerTrainingSequence = 3.0;

/// An estimate for the order of the cells; 0 for a model that finds no memory, whose cell fails
/// with that reason when its turn comes.
double estimated_step_cost(const Cell& cell) {
  try {
    return step_cost(cell, empty_model(cell));
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error)) throw;
    return 0.0;
  }
}

bool same_build(const CellStatus& status) {
  return status.code_version == code_version() && status.compiler == compiler() &&
         status.build == build();
}

/// @throws IoError where a file of a finished cell is damaged
Work work_of(const PlannedCell& planned, const CellFolder& folder) {
  if (!planned.status || planned.status->ending == Ending::kFailed) return Work::kTrain;
  if (planned.status->ending == Ending::kDiverged) return Work::kNone;
  const std::vector<ScoreRow> rows = folder.read_scores();
  (void)folder.read_slices();
  const std::vector<ScoreKey> wanted = wanted_scores(*planned.cell);
  const bool complete = std::none_of(wanted.begin(), wanted.end(),
                                     [&](const ScoreKey& key) { return lacks(rows, key); });
  return complete ? Work::kNone : Work::kScore;
}

}  // namespace

std::size_t RunPlan::count(Work work) const noexcept {
  return static_cast<std::size_t>(std::count_if(
      cells.begin(), cells.end(), [&](const PlannedCell& cell) { return cell.work == work; }));
}

Cell shape_of(const Cell& cell) {
  Cell shape = cell;
  shape.train = TrainSettings{};
  shape.train.batch = cell.train.batch;
  shape.seed = shape.data_seed = shape.order_seed = 0;
  return shape;
}

double step_cost(const Cell& cell, const SequenceModel<float>& model) {
  const std::unique_ptr<Task> task = cell.task->make();
  return kPassesPerTrainingSequence * static_cast<double>(cell.train.batch) *
         model.nominal_multiply_adds(task->length(), task->scored());
}

SequenceModel<float> empty_model(const Cell& cell) {
  return SequenceModel<float>(cell.variant.model, cell.variant.name, cell.task->make()->vocab(),
                              cell.task->length, cell.levels);
}

void check_place(const std::filesystem::path& out) {
  check_folder(out / "cells");
  check_folder(out / "experiments");
}

RunPlan plan_run(const Experiment& experiment, const std::filesystem::path& out, int jobs) {
  RunPlan plan;
  std::map<std::string, double> step_costs;
  std::set<std::string> other_builds;
  std::size_t reused = 0;
  for (std::size_t i = 0; i < experiment.cells.size(); ++i) {
    PlannedCell& planned = plan.cells.emplace_back();
    planned.cell = &experiment.cells[i];
    planned.index = i;
    planned.hash = planned.cell->hash();
    const CellFolder folder(out, planned.hash);
    try {
      planned.status = folder.read_status();
      planned.work = work_of(planned, folder);
    } catch (const IoError& error) {
      planned.status.reset();
      planned.work = Work::kTrain;
      plan.notes.push_back(one_line(fmt::format("training a cell again: {}", error.what())));
    }
    if (planned.work == Work::kTrain) {
      const std::string shape = shape_of(*planned.cell).identity();
      auto found = step_costs.find(shape);
      if (found == step_costs.end()) {
        found = step_costs.emplace(shape, estimated_step_cost(*planned.cell)).first;
      }
      planned.cost = found->second * static_cast<double>(planned.cell->train.steps);
    } else if (!same_build(*planned.status)) {
      ++reused;
      other_builds.insert(fmt::format("{} ({}, {})", planned.status->code_version,
                                      planned.status->compiler, planned.status->build));
    }
  }
  if (reused > 0) {
    plan.notes.push_back(fmt::format(
        "reusing {} cell{} that {} made by another build of the same numerics version {}: {}{}",
        reused, reused == 1 ? "" : "s", reused == 1 ? "was" : "were", kNumericsVersion,
        *other_builds.begin(),
        other_builds.size() > 1 ? fmt::format(" and {} more", other_builds.size() - 1) : ""));
  }
  const std::filesystem::path file = experiment_path(out, experiment.name);
  if (holds_other_settings(file, experiment)) {
    plan.notes.push_back(fmt::format(
        "updating {}: its settings changed; cells of the old settings stay", file.string()));
  }
  const auto left = static_cast<int>(plan.cells.size() - plan.count(Work::kNone));
  const int cores = available_cores();
  plan.jobs = std::max(1, std::min(left, jobs > 0 ? jobs : cores));
  plan.threads = std::max(1, cores / plan.jobs);
  return plan;
}

}  // namespace recollect
