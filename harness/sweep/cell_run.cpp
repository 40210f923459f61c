#include "harness/sweep/cell_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/store/cell_damage.hpp"
#include "harness/store/provenance.hpp"
#include "harness/store/safetensors.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/score_rows.hpp"
#include "harness/train/scorer.hpp"
#include "math/parallel.hpp"

namespace recollect {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string provenance(const char* work, int threads, double seconds) {
  return provenance_text({work_of_this_build(work, cpu_model(), threads, seconds)});
}

Metadata weights_metadata(const std::string& hash, std::int64_t step) {
  return {{"format_version", std::to_string(kWeightsFormatVersion)},
          {"numerics_version", std::to_string(kNumericsVersion)},
          {"cell", hash},
          {"step", std::to_string(step)}};
}

/// Scores what `cell` asks for and `tables` lack; `weights_of` lends a model with those weights. A
/// score that lacks only its additions is recomputed, so that all of its rows agree.
/// @returns why some scores are none, one line; "" where all are there. A loss that is not finite
/// says that the model answers nothing at that length, so there is no row of it.
template <class WeightsOf>
std::string add_missing_scores(const Cell& cell, const CellFolder& folder, std::int64_t best_step,
                               int threads, const StopRequest& stop, WeightsOf&& weights_of,
                               ScoreTables& tables) {
  std::string without_number;
  const bool foreign = cell.train.select_length && *cell.train.select_length != cell.task->length;
  for (const ScoreKey& wanted : wanted_scores(cell)) {
    const Missing missing = missing_of(folder, tables, cell, wanted);
    if (missing == Missing::kNothing) continue;
    SequenceModel<float>& model = weights_of(wanted.weights);
    const Score score = recollect::score(model, cell, wanted.split, *task_of(cell, wanted),
                                         wanted.examples, threads, /*with_slices=*/true, stop);
    if (!std::isfinite(score.loss)) {
      without_number += fmt::format("{}{} weights on {} examples at length {}{}",
                                    without_number.empty() ? "no finite loss from " : ", ",
                                    name_of(wanted.weights), name_of(wanted.split),
                                    wanted.eval_length, settings_text(wanted));
      continue;
    }
    put_score(tables, wanted, score, best_step, foreign && wanted.weights == Weights::kBest);
  }
  return without_number;
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

class CellRun {
 public:
  CellRun(const PlannedCell& planned, const std::string& experiment,
          const std::filesystem::path& out, int threads, TrainObserver& observer,
          const RunControl& control)
      : planned_(planned),
        cell_(*planned.cell),
        experiment_(experiment),
        folder_(out, planned.hash),
        threads_(threads),
        observer_(observer),
        control_(control) {}

  /// @throws IoError where a file cannot be written; Interrupted; every other failure is an outcome
  CellOutcome run() {
    const Clock::time_point start = Clock::now();
    CellOutcome outcome;
    try {
      outcome = planned_.work == Work::kScore ? score_missing() : train_and_score();
    } catch (const IoError&) {
      throw;
    } catch (const Interrupted&) {
      throw;
    } catch (const std::exception& error) {
      outcome.status = status_of_this_build();
      outcome.status.ending = Ending::kFailed;
      outcome.status.reason =
          is_out_of_memory(error) ? "not enough memory" : one_line(error.what());
      // A finished cell stays finished: only its missing rows are still missing.
      if (planned_.work == Work::kTrain) folder_.write_status(outcome.status);
    }
    outcome.seconds = seconds_since(start);
    return outcome;
  }

 private:
  CellOutcome train_and_score() {
    const Clock::time_point start = Clock::now();
    make_folder(folder_.path());
    folder_.remove_unfinished_writes();
    folder_.remove_results();  // of an earlier training, which this one may not overwrite
    folder_.remove_needs_no_weights();
    folder_.write_text("config.yaml", cell_.yaml(experiment_));
    SequenceModel<float> model = empty_model(cell_);
    Checkpoints checkpoints(folder_.path(), identity_of_this_build(planned_.hash),
                            control_.checkpoint);
    const TrainResult result =
        train(cell_, threads_, observer_, {.stop = control_.stop, .checkpoints = &checkpoints});

    CellOutcome outcome;
    outcome.status = status_of_this_build();
    CellStatus& status = outcome.status;
    status.steps = result.steps;
    status.solved_step = result.solved_step;
    status.best_step = result.best_step;
    status.parameters = model.layout().size();
    status.training_flops = 2.0 * step_cost(cell_, model) * static_cast<double>(result.steps);
    const Cost cost = model.cost({cell_.task->length, cell_.task->length});
    status.state_floats = cost.state;
    status.state_floats_peak = cost.state_peak;
    folder_.write_history(result.history);
    std::string unscored;
    if (result.diverged.empty()) {
      save_weights(folder_.weights_path(Weights::kFinal), model.layout(), result.final_weights,
                   weights_metadata(planned_.hash, result.steps));
      save_weights(folder_.weights_path(Weights::kBest), model.layout(), result.best_weights,
                   weights_metadata(planned_.hash, result.best_step));
      ScoreTables tables;
      const auto weights_of = [&](Weights weights) -> SequenceModel<float>& {
        set_weights(model, weights == Weights::kFinal ? result.final_weights : result.best_weights);
        return model;
      };
      unscored = add_missing_scores(cell_, folder_, result.best_step, threads_, control_.stop,
                                    weights_of, tables);
      outcome.accuracy = headline(cell_, tables.scores);
      folder_.write_scores(std::move(tables));
    } else {
      status.ending = Ending::kDiverged;
      status.reason = one_line(result.diverged);
    }
    folder_.write_text("provenance.yaml", provenance("training", threads_, seconds_since(start)));
    status.files = folder_.digests();
    folder_.write_status(status);
    folder_.remove_state();
    report_unscored(outcome, unscored);
    return outcome;
  }

  /// The cell stays finished: only those scores are missing.
  static void report_unscored(CellOutcome& outcome, const std::string& unscored) {
    if (unscored.empty()) return;
    outcome.status.ending = Ending::kFailed;
    outcome.status.reason = unscored;
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
    folder_.remove_unfinished_writes();
    folder_.remove_state();
    const CellDamage damage = of_finished_cell([&] { return damage_of(folder_, outcome.status); });
    if (damage.files.contains("config.yaml")) {
      folder_.write_text("config.yaml", cell_.yaml(experiment_));
    }
    SequenceModel<float> model = empty_model(cell_);
    ScoreTables tables = of_finished_cell([&] {
      if (damage.remedy == Remedy::kScoring) return ScoreTables{};  // all of them again
      return ScoreTables{folder_.read_scores(), folder_.read_slices(), folder_.read_more_slices(),
                         folder_.read_correct()};
    });
    const auto weights_of = [&](Weights weights) -> SequenceModel<float>& {
      set_weights(model, of_finished_cell([&] {
                    return load_weights(folder_.weights_path(weights), model.layout());
                  }));
      return model;
    };
    const std::string unscored = add_missing_scores(cell_, folder_, outcome.status.best_step,
                                                    threads_, control_.stop, weights_of, tables);
    outcome.accuracy = headline(cell_, tables.scores);
    folder_.write_scores(std::move(tables));
    std::vector<Provenance> works;
    try {
      works = parse_provenance(folder_.read_text("provenance.yaml"), "provenance.yaml");
    } catch (const IoError&) {  // nothing depends on how earlier work went
    }
    folder_.write_text(
        "provenance.yaml",
        provenance_text(works) + provenance("scoring", threads_, seconds_since(start)));
    outcome.status = with_digests(std::move(outcome.status));
    folder_.write_status(outcome.status);
    report_unscored(outcome, unscored);
    return outcome;
  }

  /// Those of weights that are not there stay: they are an archive's.
  [[nodiscard]] CellStatus with_digests(CellStatus status) const {
    for (const auto& [name, digest] : folder_.digests()) status.files[name] = digest;
    return status;
  }

  const PlannedCell& planned_;
  const Cell& cell_;
  const std::string& experiment_;
  CellFolder folder_;
  int threads_;
  TrainObserver& observer_;
  const RunControl& control_;
};

}  // namespace

CellOutcome run_cell(const PlannedCell& planned, const std::string& experiment,
                     const std::filesystem::path& out, int threads, TrainObserver& observer,
                     const RunControl& control) {
  return CellRun(planned, experiment, out, threads, observer, control).run();
}

}  // namespace recollect
