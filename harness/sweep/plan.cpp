#include "harness/sweep/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "base/build_info.hpp"
#include "base/cores.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/memory.hpp"
#include "base/text.hpp"
#include "harness/config/task_parts.hpp"
#include "harness/store/archive_shelf.hpp"
#include "harness/store/cell_damage.hpp"
#include "harness/store/experiment_file.hpp"
#include "harness/store/safetensors.hpp"
#include "harness/train/cell_model.hpp"

namespace recollect {
namespace {

/// What is the same for all cells of a shape.
struct Estimate {
  CellCost cost;  ///< of the first cell of that key, which all others share
  CellMemory memory;
};

/// The estimates of a run's cells, each shape made once.
class Estimates {
 public:
  const Estimate& of(const Cell& cell, bool trains) {
    // Beside the shape, what decides the memory and the cost of validation and scoring.
    const std::string key =
        fmt::format("{}\n{} {} {} {} {} {} {} {}", shape_of(cell).identity(), trains,
                    cell.train.select_length.value_or(0), fmt::join(cell.eval.lengths, " "),
                    fmt::join(cell.eval.cells, " "), cell.train.steps, cell.train.interval(),
                    cell.train.validation_examples, cell.eval.examples);
    const auto found = known_.find(key);
    if (found != known_.end()) return found->second;
    const SequenceModel<float> sizes = model_sizes(cell);
    const Estimate estimate{cell_cost(cell, sizes), cell_memory(cell, sizes, trains)};
    return known_.emplace(key, estimate).first->second;
  }

 private:
  std::map<std::string, Estimate> known_;
};

/// What the largest `jobs` of the cells take together.
double bytes_at_once(const std::vector<PlannedCell>& cells, int jobs, int threads) {
  std::vector<double> bytes;
  for (const PlannedCell& cell : cells) bytes.push_back(cell.memory.bytes(threads));
  std::sort(bytes.begin(), bytes.end(), std::greater<>());
  bytes.resize(std::min(bytes.size(), static_cast<std::size_t>(jobs)));
  return std::accumulate(bytes.begin(), bytes.end(), 0.0);
}

/// One line on a cell that is too large, with the options that make it so.
std::string refusal_text(const Experiment& experiment, const PlannedCell& planned, int threads,
                         const AvailableMemory& available) {
  const Cell& cell = *planned.cell;
  const CellMemory& memory = planned.memory;
  const double need = memory.bytes(threads);
  const bool scores = memory.scoring + threads * memory.scoring_thread >= need;
  const std::string length =
      scores
          ? fmt::format("{} up to {}", cell.scored.empty() ? "eval.lengths" : "eval.cells",
                        longest_of(scored_parts(cell))->length)
          : fmt::format("task.length = {}, train.batch = {}", cell.task->length, cell.train.batch);
  return fmt::format(
      "{}: cell {} of {} ({}, {}, seed {}) needs about {} of memory, with model.width = {}, "
      "model.layers = {}, {}, but {} are available ({}); make one of these smaller, or run it "
      "where there is more",
      experiment.file, planned.index + 1, experiment.cells.size(), cell.variant.label,
      cell.task->name(), cell.seed, memory_text(need), cell.variant.model.width,
      cell.variant.model.layers, length, memory_text(available.bytes), available.bound_by);
}

/// Sets jobs, threads and bytes of the plan: as wanted if that fits into memory, else fewer jobs,
/// then fewer threads, or a refusal.
void fit_into_memory(RunPlan& plan, const Experiment& experiment, const RunOptions& options) {
  const auto left = static_cast<int>(plan.count(Work::kTrain) + plan.count(Work::kScore));
  const CoreBudget budget = core_budget();
  const int cores = budget.cores;
  if (!budget.limited_by.empty() && left > 0 && (options.jobs == 0 || options.threads == 0)) {
    plan.notes.push_back(fmt::format("using {}: {}", plural(cores, "core"), budget.limited_by));
  }
  const int wanted = std::max(1, std::min(left, options.jobs > 0 ? options.jobs : cores));
  const AvailableMemory available = available_memory();
  const auto fits = [&](int jobs, int threads) {
    plan.jobs = jobs;
    plan.threads = threads;
    plan.bytes = bytes_at_once(plan.cells, jobs, threads);
    return plan.bytes <= available.bytes;
  };
  const auto share = [&](int jobs) {
    return options.threads > 0 ? options.threads : std::max(1, cores / jobs);
  };
  if (fits(wanted, share(wanted))) return;
  const double need = plan.bytes;
  const int wanted_threads = plan.threads;
  const bool found = [&] {
    for (int jobs = wanted - 1; jobs >= 1; --jobs) {
      if (fits(jobs, share(jobs))) return true;
    }
    for (int threads = share(1) - 1; threads >= 1 && options.threads == 0; --threads) {
      if (fits(1, threads)) return true;
    }
    return false;
  }();
  if (found) {
    const auto text = [](int jobs, int threads) {
      return fmt::format("{} with {}", plural(jobs, "job"), plural(threads, "thread"));
    };
    plan.notes.push_back(
        fmt::format("{} instead of {}: these would need about {}, and {} are "
                    "available ({})",
                    text(plan.jobs, plan.threads), text(wanted, wanted_threads), memory_text(need),
                    memory_text(available.bytes), available.bound_by));
    return;
  }
  const auto largest = std::max_element(
      plan.cells.begin(), plan.cells.end(), [&](const PlannedCell& a, const PlannedCell& b) {
        return a.memory.bytes(plan.threads) < b.memory.bytes(plan.threads);
      });
  plan.refusal = refusal_text(experiment, *largest, plan.threads, available);
}

/// The wanted scores that no row answers.
std::vector<ScoreKey> lacking(const Cell& cell, const std::vector<ScoreRow>& rows) {
  std::vector<ScoreKey> keys = wanted_scores(cell);
  std::erase_if(keys, [&](const ScoreKey& key) {
    return std::any_of(rows.begin(), rows.end(),
                       [&](const ScoreRow& row) { return answers(row, key); });
  });
  return keys;
}

std::string text_of(const ScoreKey& key) {
  return fmt::format("{} weights on {} {} examples at length {}{}", name_of(key.weights),
                     key.examples, name_of(key.split), key.eval_length, settings_text(key));
}

/// Why a cell that is done somewhere has to be worked on again; empty texts where it need not be.
struct Complaint {
  std::string damaged;       ///< what of its folder
  std::string no_weights;    ///< the folder that lacks them, and a score that is missing
  std::string not_archived;  ///< the archive, and a score that it lacks
};

/// Reads what the cell's folder says.
/// @throws IoError where the cell is damaged so that it has to be trained again
void look_into_folder(PlannedCell& planned, const CellFolder& folder, Complaint& complaint) {
  planned.work = Work::kTrain;
  planned.status = folder.read_status();
  if (!planned.status || planned.status->ending == Ending::kFailed) return;
  const CellDamage damage = damage_of(folder, *planned.status);
  if (damage.remedy == Remedy::kTraining) throw IoError(damage.what);
  complaint.damaged = damage.what;
  planned.work = damage.remedy == Remedy::kNothing ? Work::kNone : Work::kScore;
  if (planned.status->ending == Ending::kDiverged) return;
  ScoreTables tables;  // as far as they say what is missing
  if (damage.remedy != Remedy::kScoring) {
    tables.scores = folder.read_scores();
    tables.more_slices = folder.read_more_slices();
    tables.correct = folder.read_correct();
  }
  std::set<Weights> needed;
  for (const ScoreKey& key : wanted_scores(*planned.cell)) {
    const Missing missing = missing_of(folder, tables, *planned.cell, key);
    if (missing == Missing::kNothing) continue;
    planned.work = Work::kScore;
    if (missing == Missing::kAdditions) continue;
    if (file_exists(folder.weights_path(key.weights))) {
      needed.insert(key.weights);
      continue;
    }
    planned.work = Work::kTrain;
    complaint.no_weights = fmt::format("{} lacks {}", folder.path().string(), text_of(key));
    return;
  }
  if (needed.empty()) return;
  const SequenceModel<float> sizes = model_sizes(*planned.cell);
  for (const Weights weights : needed) {
    (void)load_weights(folder.weights_path(weights), sizes.layout());  // damaged: it throws
  }
}

/// Looks for a cell that would have to be trained in the archives.
void look_into_archives(PlannedCell& planned, const ArchiveShelf& shelf, Complaint& complaint) {
  for (const ArchiveShelf::Place& place : shelf.find(planned.hash)) {
    if (const std::string why = why_not_whole(*place.cell); !why.empty()) {
      complaint.not_archived = fmt::format("{}: {}", place.archive->path.string(), why);
      continue;
    }
    std::vector<ScoreKey> keys;
    if (place.cell->status.ending == Ending::kFinished) {
      keys = lacking(*planned.cell, place.cell->scores);
    }
    if (keys.empty()) {
      planned.work = Work::kRestore;
      planned.status = place.cell->status;
      planned.archived = place.cell;
      planned.archive = place.archive;
      return;
    }
    complaint.not_archived =
        fmt::format("{} lacks {}", place.archive->path.string(), text_of(keys.front()));
  }
}

Complaint look_up(PlannedCell& planned, const std::filesystem::path& out,
                  const RunOptions& options) {
  Complaint complaint;
  const CellFolder folder(out, planned.hash);
  std::error_code absent;
  const auto time = std::filesystem::last_write_time(folder.path() / "status.yaml", absent);
  planned.status_time = absent ? std::nullopt : std::optional(time);
  try {
    look_into_folder(planned, folder, complaint);
  } catch (const IoError& error) {
    planned.status.reset();
    planned.work = Work::kTrain;
    complaint.damaged = one_line(error.what());
  }
  planned.damaged = !complaint.damaged.empty();
  if (planned.work == Work::kTrain && options.reuse != nullptr) {
    look_into_archives(planned, *options.reuse, complaint);
  }
  return complaint;
}

/// What the plan says of cells that are trained or restored for a reason.
class Notes {
 public:
  void add(const PlannedCell& planned, const Complaint& complaint) {
    const bool restores = planned.work == Work::kRestore;
    if (!complaint.damaged.empty()) {
      Repairs& repairs = repairs_[restores                       ? "restoring a cell again"
                                  : planned.work == Work::kTrain ? "training a cell again"
                                                                 : "making files of a cell again"];
      if (repairs.first.size() < kShownRepairs) repairs.first.push_back(complaint.damaged);
      ++repairs.count;
    }
    if (restores) {
      ++restored_[planned.archive->path.string()];
      return;
    }
    if (!complaint.no_weights.empty() && no_weights_++ == 0) {
      first_no_weights_ = complaint.no_weights;
    }
    if (!complaint.not_archived.empty() && not_archived_++ == 0) {
      first_not_archived_ = complaint.not_archived;
    }
  }

  [[nodiscard]] std::vector<std::string> take() {
    for (const auto& [work, repairs] : repairs_) {
      for (const std::string& what : repairs.first) {
        notes_.push_back(fmt::format("{}: {}", work, what));
      }
      if (repairs.count > repairs.first.size()) {
        notes_.push_back(fmt::format("{}: {} more", work, repairs.count - repairs.first.size()));
      }
    }
    for (const auto& [path, count] : restored_) {
      notes_.push_back(fmt::format("taking {} from {}", plural(count, "cell"), path));
    }
    if (no_weights_ > 0) {
      notes_.push_back(
          fmt::format("training {} again, for want of weights to make missing scores from: {}",
                      plural(no_weights_, "cell"), first_no_weights_));
    }
    if (not_archived_ > 0) {
      notes_.push_back(
          fmt::format("training {} that archives hold, without all scores that are asked for: {}",
                      plural(not_archived_, "cell"), first_not_archived_));
    }
    return std::move(notes_);
  }

 private:
  static constexpr std::size_t kShownRepairs = 10;
  struct Repairs {
    std::vector<std::string> first;
    std::size_t count = 0;
  };

  std::vector<std::string> notes_;
  std::map<std::string, Repairs> repairs_;       // by what is done
  std::map<std::string, std::size_t> restored_;  // by archive
  std::size_t no_weights_ = 0;
  std::string first_no_weights_;
  std::size_t not_archived_ = 0;
  std::string first_not_archived_;
};

}  // namespace

std::size_t RunPlan::count(Work work) const noexcept {
  return static_cast<std::size_t>(std::count_if(
      cells.begin(), cells.end(), [&](const PlannedCell& cell) { return cell.work == work; }));
}

std::vector<PlannedCell*> in_working_order(RunPlan& plan) {
  std::vector<PlannedCell*> order;
  for (PlannedCell& planned : plan.cells) {
    if (planned.work != Work::kNone) order.push_back(&planned);
  }
  const auto by = [&](auto&& rank) {
    std::stable_sort(order.begin(), order.end(),
                     [&](const PlannedCell* a, const PlannedCell* b) { return rank(a) < rank(b); });
  };
  by([](const PlannedCell* cell) { return -cell->cost; });
  std::set<std::string> shapes;
  std::set<const PlannedCell*> first_of_shape;
  for (const PlannedCell* cell : order) {
    if (cell->work == Work::kTrain && shapes.insert(shape_of(*cell->cell).identity()).second) {
      first_of_shape.insert(cell);
    }
  }
  by([&](const PlannedCell* cell) {
    return std::pair(cell->work != Work::kRestore, !first_of_shape.contains(cell));
  });
  return order;
}

std::vector<const Cell*> cells_of(const Experiment& experiment, const Shard& shard) {
  std::vector<const Cell*> cells;
  for (auto i = static_cast<std::size_t>(shard.index - 1); i < experiment.cells.size();
       i += static_cast<std::size_t>(shard.count)) {
    cells.push_back(&experiment.cells[i]);
  }
  return cells;
}

bool same_build(const CellStatus& status) {
  return status.code_version == code_version() && status.compiler == compiler() &&
         status.build == build();
}

void check_place(const std::filesystem::path& out) {
  check_folder(out / "cells");
  check_folder(out / "claims");
  check_folder(out / "experiments");
}

RunPlan plan_run(const Experiment& experiment, const std::filesystem::path& out,
                 const RunOptions& options) {
  RunPlan plan;
  if (options.reuse != nullptr) plan.notes = options.reuse->notes();
  Notes notes;
  Estimates estimates;
  std::set<std::string> other_builds;
  std::size_t reused = 0;
  for (const Cell* cell : cells_of(experiment, options.shard)) {
    PlannedCell& planned = plan.cells.emplace_back();
    planned.cell = cell;
    planned.index = static_cast<std::size_t>(cell - experiment.cells.data());
    planned.hash = planned.cell->hash();
    notes.add(planned, look_up(planned, out, options));
    const bool trains = planned.work == Work::kTrain;
    if (trains || planned.work == Work::kScore) {
      const Estimate& estimate = estimates.of(*planned.cell, trains);
      planned.memory = estimate.memory;
      planned.costs = estimate.cost;
      if (trains) planned.cost = estimate.cost.training;
    }
    if (!trains && !same_build(*planned.status)) {
      ++reused;
      other_builds.insert(fmt::format("{} ({}, {})", planned.status->code_version,
                                      planned.status->compiler, planned.status->build));
    }
  }
  for (std::string& note : notes.take()) plan.notes.push_back(std::move(note));
  if (reused > 0) {
    plan.notes.push_back(fmt::format(
        "reusing {} that {} made by another build of the same numerics version {}: {}{}",
        plural(reused, "cell"), reused == 1 ? "was" : "were", kNumericsVersion,
        *other_builds.begin(),
        other_builds.size() > 1 ? fmt::format(" and {} more", other_builds.size() - 1) : ""));
  }
  const std::filesystem::path file = experiment_path(out, experiment.name);
  if (holds_other_settings(file, experiment)) {
    plan.notes.push_back(fmt::format(
        "updating {}: its settings changed; cells of the old settings stay", file.string()));
  }
  fit_into_memory(plan, experiment, options);
  return plan;
}

void plan_again(PlannedCell& planned, const std::filesystem::path& out, const RunOptions& options) {
  const auto before = planned.status_time;
  (void)look_up(planned, out, options);
  const bool failed = planned.status && planned.status->ending == Ending::kFailed;
  if (failed && planned.status_time != before) planned.work = Work::kNone;
}

}  // namespace recollect
