#include "harness/sweep/runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <stdexcept>
#include <thread>

#include "core/build_info.hpp"
#include "core/error.hpp"
#include "core/fields.hpp"
#include "core/file.hpp"
#include "core/parallel.hpp"
#include "harness/train/safetensors.hpp"
#include "harness/train/scorer.hpp"

namespace recollect {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A backward pass costs two forward passes.
constexpr double kPassesPerTrainingSequence = 3.0;

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

std::string with_newline(std::string text) {
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

CellStatus new_status() {
  CellStatus status;
  status.numerics_version = kNumericsVersion;
  status.code_version = code_version();
  status.compiler = compiler();
  status.build = build();
  return status;
}

std::string provenance(const char* work, int threads, double seconds) {
  return fmt::format(
      "- {}: {{code_version: \"{}\", cpu: \"{}\", threads: {}, wall_seconds: {:.3f}}}\n", work,
      code_version(), cpu_model(), threads, seconds);
}

Metadata weights_metadata(const std::string& hash, std::int64_t step) {
  return {{"format_version", std::to_string(kWeightsFormatVersion)},
          {"numerics_version", std::to_string(kNumericsVersion)},
          {"cell", hash},
          {"step", std::to_string(step)}};
}

bool lacks(const std::vector<ScoreRow>& rows, const ScoreKey& wanted) {
  return std::none_of(rows.begin(), rows.end(),
                      [&](const ScoreRow& row) { return answers(row, wanted); });
}

bool same_build(const CellStatus& status) {
  return status.code_version == code_version() && status.compiler == compiler() &&
         status.build == build();
}

/// A container that cannot even count its elements lacks memory as well.
bool lacks_memory(const std::exception& error) {
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
         dynamic_cast<const std::length_error*>(&error) != nullptr;
}

/// An estimate for the order of the cells; 0 for a model that finds no memory, whose cell fails
/// with that reason when its turn comes.
double estimated_step_cost(const Cell& cell) {
  try {
    return step_cost(cell, empty_model(cell));
  } catch (const std::exception& error) {
    if (!lacks_memory(error)) throw;
    return 0.0;
  }
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

/// Scores what `cell` asks for and `scores` lacks; `weights_of` lends a model with those weights.
template <class WeightsOf>
void add_missing_scores(const Cell& cell, std::int64_t best_step, int threads,
                        WeightsOf&& weights_of, std::vector<ScoreRow>& scores,
                        std::vector<SliceRow>& slices) {
  const bool foreign = cell.train.select_length && *cell.train.select_length != cell.task->length;
  for (const ScoreKey& wanted : wanted_scores(cell)) {
    if (!lacks(scores, wanted)) continue;
    SequenceModel<float>& model = weights_of(wanted.weights);
    const Score score = recollect::score(model, cell, wanted.split, wanted.eval_length,
                                         wanted.examples, threads, /*with_slices=*/true);
    ScoreRow row;
    row.key = wanted;
    if (!score.unseen_level) row.key.unseen_levels.clear();
    row.best_step = best_step;
    row.accuracy = score.accuracy;
    row.exact_match = score.exact_match;
    row.loss = score.loss;
    row.scored = score.scored;
    row.chance = score.chance;
    row.ceiling_first = score.ceiling_first;
    row.ceiling_recent = score.ceiling_recent;
    row.unseen_level = score.unseen_level;
    row.foreign_selection = foreign && wanted.weights == Weights::kBest;
    std::erase_if(slices, [&](const SliceRow& slice) { return slice.key == row.key; });
    for (const Slice& slice : score.slices) {
      slices.push_back({row.key, slice.slice, slice.value, slice.scored, slice.accuracy});
    }
    scores.push_back(std::move(row));
  }
}

/// The accuracy that progress reports: best weights, test, nearest to the training length.
std::optional<double> headline(const Cell& cell, const std::vector<ScoreRow>& scores) {
  const ScoreRow* best = nullptr;
  const auto distance = [&](const ScoreRow& row) {
    return std::abs(row.key.eval_length - cell.task->length);
  };
  for (const ScoreRow& row : scores) {
    if (row.key.weights != Weights::kBest || row.key.split != Split::kTest) continue;
    if (best == nullptr || distance(row) < distance(*best)) best = &row;
  }
  return best == nullptr ? std::nullopt : std::optional(best->accuracy);
}

void set_weights(SequenceModel<float>& model, const std::vector<float>& weights) {
  std::copy(weights.begin(), weights.end(), model.parameters().begin());
}

/// Runs one cell; passes training's news on under the run's lock.
class CellRun {
 public:
  CellRun(const Experiment& experiment, const PlannedCell& planned,
          const std::filesystem::path& out, int threads, RunObserver& observer, std::mutex& guard)
      : experiment_(experiment),
        planned_(planned),
        cell_(*planned.cell),
        folder_(out, planned.hash),
        threads_(threads),
        observer_(observer),
        guard_(guard) {}

  /// @throws IoError where a file cannot be written; every other failure is an outcome
  CellOutcome run() {
    const Clock::time_point start = Clock::now();
    CellOutcome outcome;
    try {
      outcome = planned_.work == Work::kScore ? score_missing() : train_and_score();
    } catch (const IoError&) {
      throw;
    } catch (const std::exception& error) {
      outcome.status = new_status();
      outcome.status.ending = Ending::kFailed;
      outcome.status.reason = lacks_memory(error) ? "not enough memory" : one_line(error.what());
      // A finished cell stays finished: only its missing rows are still missing.
      if (planned_.work == Work::kTrain) folder_.write_status(outcome.status);
    }
    outcome.seconds = seconds_since(start);
    return outcome;
  }

 private:
  class Relay final : public TrainObserver {
   public:
    explicit Relay(CellRun& run) : run_(run) {}
    void on_step(std::int64_t step, std::int64_t) override {
      const std::lock_guard lock(run_.guard_);
      run_.observer_.on_step(run_.planned_, step);
    }
    void on_evaluation(const HistoryRow& row) override {
      const std::lock_guard lock(run_.guard_);
      run_.observer_.on_evaluation(run_.planned_, row);
    }

   private:
    CellRun& run_;
  };

  CellOutcome train_and_score() {
    const Clock::time_point start = Clock::now();
    make_folder(folder_.path());
    folder_.write_text("config.yaml", cell_.yaml(experiment_.name));
    SequenceModel<float> model = empty_model(cell_);
    Relay relay(*this);
    const TrainResult result = train(cell_, threads_, relay);

    CellOutcome outcome;
    outcome.status = new_status();
    CellStatus& status = outcome.status;
    status.steps = result.steps;
    status.solved_step = result.solved_step;
    status.best_step = result.best_step;
    status.parameters = model.layout().size();
    status.training_flops = 2.0 * step_cost(cell_, model) * static_cast<double>(result.steps);
    status.state_floats = model.state_size(cell_.task->length);
    status.state_floats_peak = model.state_size_peak(cell_.task->length);
    folder_.write_history(result.history);
    if (result.diverged.empty()) {
      save_weights(folder_.weights_path(Weights::kFinal), model.layout(), result.final_weights,
                   weights_metadata(planned_.hash, result.steps));
      save_weights(folder_.weights_path(Weights::kBest), model.layout(), result.best_weights,
                   weights_metadata(planned_.hash, result.best_step));
      std::vector<ScoreRow> scores;
      std::vector<SliceRow> slices;
      const auto weights_of = [&](Weights weights) -> SequenceModel<float>& {
        set_weights(model, weights == Weights::kFinal ? result.final_weights : result.best_weights);
        return model;
      };
      add_missing_scores(cell_, result.best_step, threads_, weights_of, scores, slices);
      outcome.accuracy = headline(cell_, scores);
      folder_.write_scores(std::move(scores), std::move(slices));
    } else {
      status.ending = Ending::kDiverged;
      status.reason = one_line(result.diverged);
    }
    folder_.write_text("provenance.yaml", provenance("training", threads_, seconds_since(start)));
    folder_.write_status(status);
    return outcome;
  }

  /// Reads of a finished cell: where they fail, it is this cell alone that is damaged.
  template <class Read>
  auto of_finished_cell(Read&& read) const {
    try {
      return read();
    } catch (const IoError& error) {
      throw std::runtime_error(fmt::format("{}; to train the cell again, remove the folder {}",
                                           error.what(), folder_.path().string()));
    }
  }

  CellOutcome score_missing() {
    const Clock::time_point start = Clock::now();
    CellOutcome outcome;
    outcome.status = *planned_.status;
    SequenceModel<float> model = empty_model(cell_);
    std::vector<ScoreRow> scores = of_finished_cell([&] { return folder_.read_scores(); });
    std::vector<SliceRow> slices = of_finished_cell([&] { return folder_.read_slices(); });
    const auto weights_of = [&](Weights weights) -> SequenceModel<float>& {
      set_weights(model, of_finished_cell([&] {
                    return load_weights(folder_.weights_path(weights), model.layout());
                  }));
      return model;
    };
    add_missing_scores(cell_, outcome.status.best_step, threads_, weights_of, scores, slices);
    outcome.accuracy = headline(cell_, scores);
    folder_.write_scores(std::move(scores), std::move(slices));
    std::string text;
    try {
      text = folder_.read_text("provenance.yaml");
    } catch (const IoError&) {  // nothing depends on how earlier work went
    }
    text += provenance("scoring", threads_, seconds_since(start));
    folder_.write_text("provenance.yaml", text);
    return outcome;
  }

  const Experiment& experiment_;
  const PlannedCell& planned_;
  const Cell& cell_;
  CellFolder folder_;
  int threads_;
  RunObserver& observer_;
  std::mutex& guard_;
};

bool holds_other_settings(const std::filesystem::path& file, const Experiment& experiment) {
  try {
    return file_exists(file) && !read_file(file).starts_with(with_newline(experiment.resolved));
  } catch (const IoError&) {  // whether it can be replaced is for the writing to find out
    return true;
  }
}

void write_experiment(const Experiment& experiment, const RunPlan& plan,
                      const std::filesystem::path& out) {
  make_folder(out / "cells");
  make_folder(out / "experiments");
  std::string text = with_newline(experiment.resolved);
  text += fmt::format("---\nnumerics_version: {}\ncells:\n", kNumericsVersion);
  for (const PlannedCell& planned : plan.cells) text += fmt::format("- \"{}\"\n", planned.hash);
  write_file_atomically(experiment_path(out, experiment.name), text);
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

RunSummary run_experiment(const Experiment& experiment, const std::filesystem::path& out, int jobs,
                          RunObserver& observer) {
  const RunPlan plan = plan_run(experiment, out, jobs);
  write_experiment(experiment, plan, out);
  observer.on_plan(plan);

  // The longest first, so that no long cell is left to run alone at the end.
  std::vector<const PlannedCell*> queue;
  for (const PlannedCell& planned : plan.cells) {
    if (planned.work != Work::kNone) queue.push_back(&planned);
  }
  std::stable_sort(queue.begin(), queue.end(),
                   [](const PlannedCell* a, const PlannedCell* b) { return a->cost > b->cost; });

  std::vector<CellStatus> statuses(plan.cells.size());
  for (const PlannedCell& planned : plan.cells) {
    if (planned.status) statuses[planned.index] = *planned.status;
  }

  std::mutex guard;
  std::exception_ptr failure;
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    while (!stop) {
      const std::size_t at = next++;
      if (at >= queue.size()) return;
      const PlannedCell& planned = *queue[at];
      try {
        {
          const std::lock_guard lock(guard);
          observer.on_start(planned);
        }
        const CellOutcome outcome =
            CellRun(experiment, planned, out, plan.threads, observer, guard).run();
        const std::lock_guard lock(guard);
        statuses[planned.index] = outcome.status;
        observer.on_end(planned, outcome);
      } catch (...) {  // files: the other cells would fare no better
        stop = true;
        const std::lock_guard lock(guard);
        if (!failure) failure = std::current_exception();
      }
    }
  };
  std::vector<std::thread> workers;
  for (int job = 1; job < plan.jobs; ++job) workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();
  if (failure) std::rethrow_exception(failure);

  RunSummary summary;
  for (const PlannedCell& planned : plan.cells) {
    const CellStatus& status = statuses[planned.index];
    if (status.ending == Ending::kFinished) {
      ++summary.finished;
    } else {
      summary.problems.push_back(
          fmt::format("cell {} of {} ({}, {}, seed {}, folder {}) {}: {}", planned.index + 1,
                      plan.cells.size(), planned.cell->variant.label, planned.cell->task->name(),
                      planned.cell->seed, planned.hash, name_of(status.ending), status.reason));
    }
  }
  return summary;
}

std::string file_stem(const std::string& experiment) {
  std::string stem = experiment;
  std::replace(stem.begin(), stem.end(), '/', '_');
  if (stem.starts_with('.')) stem.front() = '_';
  return stem;
}

std::filesystem::path experiment_path(const std::filesystem::path& out, const std::string& name) {
  return out / "experiments" / (file_stem(name) + ".yaml");
}

}  // namespace recollect
