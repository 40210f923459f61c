#include "harness/results/read_cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/store/experiment_file.hpp"
#include "harness/store/outside_file.hpp"
#include "models/outside.hpp"

namespace recollect {
namespace {

/// What a table shows of a cell.
struct StoredCell {
  CellStatus status;
  std::vector<ScoreRow> scores;  ///< of a finished one
};
/// A cell of an earlier version may hold rows of a model that gave no number. It has diverged, as a
/// run would say of it today.
StoredCell judged(StoredCell stored) {
  for (const ScoreRow& row : stored.scores) {
    if (has_numbers(row)) continue;
    stored.status.ending = Ending::kDiverged;
    stored.status.reason =
        fmt::format("no number from {} weights on {} examples at length {}",
                    name_of(row.key.weights), name_of(row.key.split), row.key.eval_length);
    stored.scores.clear();
    break;
  }
  return stored;
}

/// The cell of that hash; none where it is not done, IoError where it cannot be read.
using FindCell = std::function<std::optional<StoredCell>(const std::string& hash)>;

/// Gathers the rows of several experiments.
class Collector {
 public:
  void add(const ExperimentFile& file, const FindCell& find) {
    std::size_t missing = 0;
    for (std::size_t i = 0; i < file.folders.size(); ++i) {
      std::optional<StoredCell> stored;
      try {
        stored = find(file.folders[i]);
      } catch (const IoError& error) {
        results_.warnings.push_back(fmt::format("experiment '{}': leaving out cell {}: {}",
                                                file.experiment.name, file.folders[i],
                                                error.what()));
        unreadable_ = error.what();
        continue;
      }
      // A finished cell without rows has not failed: the scores have just not been asked of it yet.
      if (!stored || !add_rows(file, i, *stored)) ++missing;
    }
    for (const auto& [length, cells] : unscored_) {
      results_.warnings.push_back(
          fmt::format("experiment '{}': {} without scores at length {}; run it again to score them",
                      file.experiment.name, plural(cells, "finished cell"), length));
    }
    unscored_.clear();
    if (missing > 0) {
      results_.warnings.push_back(fmt::format("experiment '{}': {} of {} cells are not done yet",
                                              file.experiment.name, missing, file.folders.size()));
    }
  }

  [[nodiscard]] CellResults take(const std::filesystem::path& place) {
    if (results_.rows.empty()) {
      throw IoError(fmt::format("{} holds no cells that are done{}{}", place.string(),
                                unreadable_.empty() ? "" : " and can be read: ", unreadable_));
    }
    return std::move(results_);
  }

 private:
  /// False where a finished cell has no score that is asked for.
  bool add_rows(const ExperimentFile& file, std::size_t i, const StoredCell& stored) {
    const Cell& cell = file.experiment.cells[i];
    CellResult row =
        describe_cell(file.experiment.name, file.config_hash, cell, file.folders[i], stored.status);
    if (stored.status.ending != Ending::kFinished) {
      results_.rows.push_back(std::move(row));
      return true;
    }
    bool any = false;
    std::set<std::int64_t> unscored;
    for (const ScoreKey& wanted : wanted_scores(cell)) {
      const auto found =
          std::find_if(stored.scores.begin(), stored.scores.end(),
                       [&](const ScoreRow& score) { return answers(score, wanted); });
      if (found == stored.scores.end()) {
        unscored.insert(wanted.eval_length);
        continue;
      }
      row.score = *found;
      results_.rows.push_back(row);
      any = true;
    }
    // Only what somebody gave predictions for has a score there, and running it again gives none.
    if (any && cell.variant.name != kOutside) {
      for (const std::int64_t length : unscored) ++unscored_[length];
    }
    return any;
  }

  CellResults results_;
  std::map<std::int64_t, std::size_t> unscored_;  // finished cells without a score, by length
  std::string unreadable_;
};

}  // namespace

std::vector<std::filesystem::path> experiment_files(const std::filesystem::path& runs,
                                                    const std::string& experiment) {
  const std::filesystem::path folder = runs / "experiments";
  std::vector<std::filesystem::path> files;
  std::vector<std::string> known;
  if (std::filesystem::is_directory(folder)) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with('.') || entry.path().extension() != ".yaml") continue;
      known.push_back(entry.path().stem().string());
      if (experiment.empty() || known.back() == file_stem(experiment))
        files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  if (known.empty()) {
    throw IoError(fmt::format("{} holds no results: there is no {}; give the --out folder of a run",
                              runs.string(), (folder / "*.yaml").string()));
  }
  if (files.empty()) {
    const std::string near = nearest_name(experiment, known);
    throw IoError(fmt::format("{} holds no experiment '{}'{}", runs.string(), experiment,
                              near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  }
  return files;
}

ResultFiles result_files(const std::filesystem::path& runs, const std::string& experiment) {
  ResultFiles files{{}, outside_files(runs, experiment)};
  try {
    files.trained = experiment_files(runs, experiment);
  } catch (const IoError&) {  // nothing was trained there
    if (files.outside.empty()) throw;
  }
  return files;
}

CellResults read_cells(const std::filesystem::path& runs, const std::string& experiment,
                       const StopRequest& stop) {
  const auto find = [&](const std::string& hash) -> std::optional<StoredCell> {
    stop.check();
    const CellFolder cell(runs, hash);
    const std::optional<CellStatus> status = cell.read_status();
    if (!status) return std::nullopt;
    StoredCell stored{*status, {}};
    if (status->ending == Ending::kFinished) stored.scores = cell.read_scores(status->files);
    return judged(std::move(stored));
  };
  Collector collector;
  const ResultFiles files = result_files(runs, experiment);
  for (const auto* paths : {&files.trained, &files.outside}) {
    for (const std::filesystem::path& path : *paths) collector.add(read_experiment(path), find);
  }
  return collector.take(runs);
}

std::vector<CellResult> archived_cells(const Archive& archive) {
  Collector collector;
  collector.add(archive.file, [&](const std::string& hash) -> std::optional<StoredCell> {
    const auto cell = archive.cells.find(hash);
    if (cell == archive.cells.end()) return std::nullopt;
    return judged({cell->second.status, cell->second.scores});
  });
  return collector.take(archive.path).rows;
}

}  // namespace recollect
