#include "harness/sweep/verify.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string_view>
#include <thread>
#include <utility>

#include "base/file.hpp"
#include "base/text.hpp"
#include "harness/store/claim.hpp"
#include "harness/store/difference.hpp"
#include "harness/store/provenance.hpp"
#include "harness/store/renamed_options.hpp"
#include "harness/sweep/earlier_cell.hpp"
#include "harness/sweep/jobs.hpp"
#include "harness/sweep/relay.hpp"

namespace recollect {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenLooks{200};
constexpr std::string_view kPlacePrefix = "verify-";

/// The files of a cell in the order in which one leads to the next, and what a difference in one
/// says where all before it agree.
struct CellFile {
  std::string_view name;
  std::string_view meaning;
};
constexpr std::array<CellFile, 9> kFiles{{
    {"config.yaml", "look at how this file was changed, or at what writes it"},
    {"history.csv", "the configuration agrees; look at the training up to this step"},
    {"final.safetensors", "the history agrees; look at the last update, or at damage to this file"},
    {"best.safetensors",
     "the final weights agree; look at the selection, or at damage to this file"},
    {"slices.csv", "the weights agree; look at the scoring"},
    {"more_slices.csv", "weights and slices agree; look at the task's more_tags()"},
    {"scores.csv", "weights and slices agree; look at the scoring"},
    {"correct.csv", "the scores agree; look at which examples were counted as right"},
    {"status.yaml", "everything else agrees; look at the training's end"},
}};

/// A folder for re-runs, OUT/verify-XXXXXXXX, which goes away with its contents.
class Place {
 public:
  explicit Place(const fs::path& out)
      : name_(fmt::format("{}{:08x}", kPlacePrefix, std::random_device{}())),
        path_(out / name_),
        claim_(take(out, name_)) {
    remove_abandoned(out);
    make_folder(path_);
  }
  ~Place() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

 private:
  static Claim take(const fs::path& out, const std::string& name) {
    make_folder(out / "claims");
    return Claim::take(out / "claims" / name);
  }

  static bool is_place(const std::string& name) {
    return name.size() == kPlacePrefix.size() + 8 && name.starts_with(kPlacePrefix) &&
           name.find_first_not_of("0123456789abcdef", kPlacePrefix.size()) == name.npos;
  }

  /// Removes the folders of processes that were killed: those that nobody claims.
  static void remove_abandoned(const fs::path& out) {
    std::error_code error;
    std::vector<std::string> names;
    for (fs::directory_iterator entry(out, error), end; !error && entry != end;
         entry.increment(error)) {
      std::string name = entry->path().filename().string();
      if (is_place(name)) names.push_back(std::move(name));
    }
    for (const std::string& name : names) {
      const std::optional<Claim> claim = Claim::try_take(out / "claims" / name);
      if (claim && claim->exclusive()) fs::remove_all(out / name, error);
    }
  }

  std::string name_;
  fs::path path_;
  Claim claim_;  // outlives the folder
};

/// The threads with which a cell was trained, according to its provenance; none where it does not.
std::optional<std::int64_t> threads_of(const CellFolder& folder) {
  std::optional<std::int64_t> threads;
  try {
    const std::string file = (folder.path() / "provenance.yaml").string();
    for (const Provenance& work : parse_provenance(folder.read_text("provenance.yaml"), file)) {
      if (work.work == "training") threads = work.threads;
    }
  } catch (const IoError&) {  // then any number will do
    return std::nullopt;
  }
  return threads;
}

/// None where it cannot be read: the comparison will show why.
std::optional<CellStatus> status_of(const CellFolder& folder) {
  try {
    return folder.read_status();
  } catch (const IoError&) {
    return std::nullopt;
  }
}

/// The number nearest to `wanted`, smaller ones first, that is none of these.
int another_thread_count(const std::set<std::int64_t>& used, int wanted) {
  for (int threads = wanted; threads >= 1; --threads) {
    if (!used.contains(threads)) return threads;
  }
  int threads = wanted + 1;
  while (used.contains(threads)) ++threads;
  return threads;
}

/// The configuration in the cell's folder, which may ask for other scores, under another name, than
/// the present one. None where it does not give the cell.
std::optional<Experiment> written_configuration(const CellFolder& folder, const std::string& hash) {
  try {
    Experiment written = parse_recorded(folder.read_text("config.yaml"),
                                        (folder.path() / "config.yaml").string(), {hash});
    if (written.cells.size() == 1 && written.cells[0].hash() == hash) return written;
  } catch (const Error&) {  // the comparison will show it
  }
  return std::nullopt;
}

/// The cell with the scoring options that ask for rows beyond those that it asks for itself.
std::vector<Cell> further_scorings(const Cell& cell, const CellFolder& folder) {
  std::vector<ScoreRow> rows;
  try {
    rows = folder.read_scores();
  } catch (const IoError&) {  // the comparison will show it
    return {};
  }
  const std::vector<ScoreKey> own = wanted_scores(cell);
  // Validation rows come with those of the test. Whoever scores, scores both weights: a single row
  // was never asked for.
  using Options = std::pair<std::int64_t, std::string>;
  std::map<Options, std::map<std::int64_t, std::set<Weights>>> asked;
  for (const ScoreRow& row : rows) {
    const ScoreKey& key = row.key;
    if (key.settings.empty() && key.split == Split::kTest &&
        std::none_of(own.begin(), own.end(),
                     [&](const ScoreKey& one) { return answers(row, one); })) {
      asked[{key.examples, key.unseen_levels}][key.eval_length].insert(key.weights);
    }
  }
  std::vector<Cell> further;
  for (const auto& [options, lengths] : asked) {
    Cell more = cell;
    more.eval.examples = options.first;
    more.eval.lengths.clear();
    more.scored.clear();
    for (const auto& [length, weights] : lengths) {
      if (weights.size() == 2) more.eval.lengths.push_back(length);
    }
    for (const UnseenLevels mode :
         {UnseenLevels::kError, UnseenLevels::kClamp, UnseenLevels::kAsIs}) {
      if (name_of(mode) == options.second) more.eval.unseen_levels = mode;
    }
    if (!more.eval.lengths.empty()) further.push_back(std::move(more));
  }
  return further;
}

class Verification {
 public:
  Verification(const Experiment& experiment, const fs::path& out, RunObserver& observer,
               const StopRequest& stop)
      : experiment_(experiment), out_(out), observer_(observer), stop_(stop) {}

  VerifySummary run(const RunOptions& options, Verified which) {
    const RunPlan kept =
        plan_run(experiment_, out_, {.jobs = options.jobs, .shard = options.shard});
    std::set<std::int64_t> used;
    for (std::size_t i = 0; i < kept.cells.size(); ++i) {
      const PlannedCell& cell = kept.cells[i];
      const bool ended = cell.status && cell.status->ending != Ending::kFailed;
      if (!cell.damaged && (which == Verified::kDamaged || !ended)) continue;
      chosen_.push_back(i);
      if (const auto threads = threads_of({out_, cell.hash})) used.insert(*threads);
    }
    if (chosen_.empty()) return {};
    kept_ = &kept;

    const Place place(out_);
    place_ = place.path();
    RunOptions how{.jobs = options.jobs, .shard = options.shard};
    const RunPlan first = plan_run(experiment_, place_, how);
    how.threads = another_thread_count(used, first.threads);
    how.jobs = std::max(1, first.jobs * first.threads / how.threads);
    if (options.jobs > 0) how.jobs = std::min(how.jobs, options.jobs);
    RunPlan again = plan_run(experiment_, place_, how);
    if (!again.refusal.empty()) throw ConfigError(again.refusal);
    again.jobs = std::min(again.jobs, static_cast<int>(chosen_.size()));
    for (std::size_t i = 0; i < again.cells.size(); ++i) {
      if (std::binary_search(chosen_.begin(), chosen_.end(), i)) continue;
      again.cells[i].work = Work::kNone;
      again.cells[i].cost = 0.0;
    }
    again_ = &again;
    observer_.on_plan(again);

    run_jobs(again.jobs, [this] { work(); });
    if (failure_) std::rethrow_exception(failure_);
    if (interrupted_) {
      throw Interrupted(
          stop_.signal(),
          fmt::format(
              "stopped by {} while verifying; {} of {} cells gave the same bytes again; the "
              "same command verifies all of them",
              signal_name(stop_.signal()), summary_.same, chosen_.size()));
    }
    return std::move(summary_);
  }

 private:
  void work() {
    while (!over_) {
      const std::size_t next = next_++;
      if (next >= chosen_.size()) return;
      try {
        stop_.check();
        verify(kept_->cells[chosen_[next]], again_->cells[chosen_[next]]);
      } catch (const Interrupted&) {
        interrupted_ = true;
        return;
      } catch (...) {
        over_ = true;
        const std::lock_guard lock(guard_);
        if (!failure_) failure_ = std::current_exception();
      }
    }
  }

  void verify(const PlannedCell& kept, const PlannedCell& again) {
    const Clock::time_point start = Clock::now();
    const Claim claim = take(kept);
    {
      const std::lock_guard lock(guard_);
      observer_.on_start(again);
    }
    const CellFolder mine(out_, kept.hash);
    const CellFolder fresh(place_, kept.hash);
    const std::optional<CellStatus> status = status_of(mine);
    const bool other_build = status && !same_build(*status);
    const std::string failed = make_again(kept, again, mine);
    std::string difference;
    bool weightless = false;
    if (failed.empty()) {
      weightless = mine.weightless() && !fresh.weightless();
      if (weightless) fresh.remove_weights();
      make_like_earlier(mine, status, fresh);
      difference = compare(kept, mine, fresh);
    }
    fs::remove_all(fresh.path());

    const std::lock_guard lock(guard_);
    if (failed.empty() && difference.empty()) {
      ++summary_.same;
      summary_.other_build += other_build ? 1 : 0;
      summary_.weightless += weightless ? 1 : 0;
    } else if (!failed.empty()) {
      summary_.incomparable.push_back(
          fmt::format("{} cannot be run again: {}", name(kept), failed));
    } else if (other_build) {
      summary_.incomparable.push_back(fmt::format(
          "{}; it was made by another build, {} ({}, {}), whose last bits may be other ones: "
          "verify it with that build, or remove the folder to make the cell anew",
          difference, status->code_version, status->compiler, status->build));
    } else {
      throw Regression(difference);
    }
    observer_.on_verified(again, failed.empty() && difference.empty(),
                          std::chrono::duration<double>(Clock::now() - start).count());
  }

  /// Waits until no other process works on the cell. @throws Interrupted
  Claim take(const PlannedCell& cell) {
    const fs::path file = cell_claim(out_, cell.hash);
    for (bool reported = false;; reported = true) {
      if (std::optional<Claim> claim = Claim::try_take(file)) return std::move(*claim);
      if (!reported) {
        const std::lock_guard lock(guard_);
        observer_.on_wait(cell, Claim::owner(file));
      }
      std::this_thread::sleep_for(kBetweenLooks);
      stop_.check();
      if (over_) throw Interrupted(0, "given up");
    }
  }

  /// Runs the cell in place_. @returns why that failed; empty: it did not
  std::string make_again(const PlannedCell& kept, const PlannedCell& again,
                         const CellFolder& mine) {
    const std::optional<Experiment> written = written_configuration(mine, kept.hash);
    const std::string& experiment = written ? written->name : experiment_.name;
    PlannedCell planned = again;
    if (written) planned.cell = &written->cells[0];
    Relay relay(again, observer_, guard_, over_);
    // What is killed here is not resumed.
    const RunControl control{stop_, {.seconds = 0.0, .steps = 0}};
    CellOutcome outcome = run_cell(planned, experiment, place_, again_->threads, relay, control);
    if (outcome.status.ending == Ending::kFailed) return outcome.status.reason;
    if (outcome.status.ending != Ending::kFinished) return {};
    for (const Cell& more : further_scorings(*planned.cell, mine)) {
      planned.cell = &more;
      planned.work = Work::kScore;
      planned.status = CellFolder(place_, kept.hash).read_status();
      // Rows that cannot be made are missing in the comparison.
      (void)run_cell(planned, experiment, place_, again_->threads, relay, control);
    }
    return {};
  }

  /// @returns the first difference, as a line; empty where there is none
  [[nodiscard]] std::string compare(const PlannedCell& cell, const CellFolder& mine,
                                    const CellFolder& fresh) const {
    std::vector<CellFile> files(kFiles.begin(), kFiles.end());
    std::vector<std::string> others;  // that a cell of this build has as well
    for (const auto& entry : fs::directory_iterator(fresh.path())) {
      std::string file = entry.path().filename().string();
      if (file != "provenance.yaml" && file != "without_weights" &&
          std::none_of(kFiles.begin(), kFiles.end(),
                       [&](const CellFile& known) { return known.name == file; })) {
        others.push_back(std::move(file));
      }
    }
    std::sort(others.begin(), others.end());
    for (const std::string& file : others) files.push_back({file, "the other files agree"});

    for (const CellFile& file : files) {
      const fs::path path = mine.path() / file.name;
      const bool is_there = file_exists(path);
      const bool is_made = file_exists(fresh.path() / file.name);
      if (!is_there && !is_made) continue;
      if (!is_there) {
        throw IoError(
            fmt::format("cannot verify {}: {} is missing; remove the folder to make the cell anew",
                        name(cell), path.string()));
      }
      if (!is_made) {
        return fmt::format("{}: {} is there, but a re-run with {} makes no such file; {}",
                           name(cell), path.string(), plural(again_->threads, "thread"),
                           file.meaning);
      }
      const std::optional<Difference> difference =
          first_difference(file.name, in_todays_form(file.name, read_file(path)),
                           read_file(fresh.path() / file.name));
      if (!difference) continue;
      const std::optional<std::int64_t> threads = threads_of(mine);
      return fmt::format(
          "{}: a re-run with {}{} gives another {} from byte {} on: {}; {}; run {} on its own to "
          "have both",
          name(cell), plural(again_->threads, "thread"),
          threads ? fmt::format(" instead of {}", *threads) : "", path.string(), difference->byte,
          difference->place, file.meaning, (mine.path() / "config.yaml").string());
    }
    return {};
  }

  [[nodiscard]] std::string name(const PlannedCell& cell) const {
    return fmt::format("cell {} of {} ({}, {}, seed {})", cell.index + 1, experiment_.cells.size(),
                       cell.cell->variant.label, cell.cell->task->name(), cell.cell->seed);
  }

  const Experiment& experiment_;
  const fs::path& out_;
  RunObserver& observer_;
  const StopRequest& stop_;
  const RunPlan* kept_ = nullptr;    // what is in out_
  const RunPlan* again_ = nullptr;   // its cells at the same places, to be trained in place_
  std::vector<std::size_t> chosen_;  // places of the cells to verify, ascending
  fs::path place_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> over_{false};
  std::atomic<bool> interrupted_{false};
  std::mutex guard_;  // over all below, and the observer
  std::exception_ptr failure_;
  VerifySummary summary_;
};

}  // namespace

VerifySummary verify_experiment(const Experiment& experiment, const fs::path& out,
                                const RunOptions& options, RunObserver& observer,
                                const StopRequest& stop, Verified which) {
  return Verification(experiment, out, observer, stop).run(options, which);
}

}  // namespace recollect
