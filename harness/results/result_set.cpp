#include "harness/results/result_set.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <optional>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/archive_places.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/store/record.hpp"

namespace recollect {
namespace {

/// What results need of a table.
constexpr const char* kNeeded[] = {
    "experiment",  "status",           "task",        "variant", "label",       "seed",
    "data_seed",   "train_order_seed", "steps",       "weights", "solved_step", "split",
    "eval_length", "accuracy",         "exact_match", "loss",    "examples",    "unseen_levels"};

/// A table may have been edited: what is compared must be what a run can give. Cells that diverged
/// or failed have numbers that are none; so have scores of an earlier version whose model gave none
/// (NaN), which count as lost.
void check_values(const CsvTable& table, const std::string& name) {
  constexpr double kLargest = std::numeric_limits<double>::max();
  struct Range {
    const char* column;
    double least;
    double most;
    const char* text;
    bool may_be_none;
  };
  constexpr Range kRanges[] = {{"accuracy", 0, 1, "0..1", true},
                               {"exact_match", 0, 1, "0..1", true},
                               {"loss", 0, kLargest, "0 or more", true},
                               {"solved_step", 1, kLargest, "1 or more", false}};
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const auto at = [&](const char* column) { return table.rows[i][table.index(column)]; };
    const auto refuse = [&](const char* column, const std::string& what) {
      throw_in_cell(name, i + 1, column,
                    IoError(fmt::format("'{}' must be {}", printable(at(column)), what)));
    };
    const std::optional<Ending> ending = ending_of(at("status"));
    if (!ending) refuse("status", "finished, diverged or failed");
    if (ending != Ending::kFinished) continue;
    for (const Range& range : kRanges) {
      const std::string text = at(range.column);
      if (text.empty()) continue;
      double value = 0.0;
      try {
        value = to_real(text);
      } catch (const IoError&) {
        refuse(range.column, "a number");
      }
      if (range.may_be_none && !std::isfinite(value)) continue;
      if (!(value >= range.least && value <= range.most)) {
        refuse(range.column, fmt::format("finite and {}", range.text));
      }
    }
  }
}

CsvTable read_table(const std::filesystem::path& path) {
  const std::string name = path.string();
  CsvTable table = parse_csv(read_file(path, kLargestText, "table of results"), name);
  for (const char* column : kNeeded) {
    if (!table.find(column)) {
      throw IoError(fmt::format(
          "{}: column '{}' is missing; give a table that `recollect table --rows cells` printed",
          name, column));
    }
  }
  check_values(table, name);
  return table;
}

/// Fills in the bits of each row's examples, where they are asked for; `correct_of` gives what is
/// known of a cell, by its hash.
template <class CorrectOf>
void add_exact(ResultSet& set, ExactExamples exact, CorrectOf&& correct_of) {
  set.exact.resize(set.cells.size());
  if (exact == ExactExamples::kLeaveOut) return;
  std::map<std::string, std::vector<CorrectRow>> known;
  for (std::size_t i = 0; i < set.cells.size(); ++i) {
    const CellResult& result = set.cells[i];
    if (!result.score || result.score->key.split != Split::kTest) continue;
    if (!known.contains(result.cell)) known[result.cell] = correct_of(result.cell);
    for (const CorrectRow& row : known[result.cell]) {
      if (row.key == result.score->key) set.exact[i] = row.exact;
    }
  }
}

std::vector<CorrectRow> correct_of(const Archive& archive, const std::string& cell) {
  const CellTexts& texts = archive.cells.at(cell).texts;
  const auto text = texts.find("correct.csv");
  if (text == texts.end()) return {};
  const std::string name = (archive.path / "correct.csv").string();
  return correct_rows(parse_csv(text->second, name), name);
}

std::vector<CorrectRow> correct_of(const CellFolder& folder) {
  const std::optional<CellStatus> status = folder.read_status();
  return folder.read_correct(status ? status->files : FileDigests());
}

ResultSet set_of(const Archive& archive, ExactExamples exact) {
  ResultSet set;
  set.cells = archived_cells(archive);
  add_exact(set, exact, [&](const std::string& cell) { return correct_of(archive, cell); });
  return set;
}

void append(ResultSet& all, ResultSet more) {
  std::move(more.cells.begin(), more.cells.end(), std::back_inserter(all.cells));
  std::move(more.exact.begin(), more.exact.end(), std::back_inserter(all.exact));
  std::move(more.warnings.begin(), more.warnings.end(), std::back_inserter(all.warnings));
}

ResultSet set_of_archives(const std::filesystem::path& path,
                          const std::vector<std::string>& experiments, ExactExamples exact,
                          const StopRequest& stop) {
  ResultSet all;
  for (const std::filesystem::path& place : archive_paths_with_outside(path)) {
    stop.check();
    const Archive archive = read_archive(place);
    const bool wanted =
        experiments.empty() || std::find(experiments.begin(), experiments.end(),
                                         archive.file.experiment.name) != experiments.end();
    if (wanted) append(all, set_of(archive, exact));
  }
  return all;
}

ResultSet set_of_runs(const std::filesystem::path& path,
                      const std::vector<std::string>& experiments, ExactExamples exact,
                      const StopRequest& stop) {
  ResultSet all;
  const std::vector<std::string> each =
      experiments.empty() ? std::vector<std::string>{""} : experiments;
  for (const std::string& experiment : each) {
    CellResults cells = read_cells(path, experiment, stop);
    ResultSet set;
    set.cells = std::move(cells.rows);
    set.warnings = std::move(cells.warnings);
    add_exact(set, exact, [&](const std::string& cell) {
      stop.check();
      return correct_of(CellFolder(path, cell));
    });
    append(all, std::move(set));
  }
  return all;
}

/// Takes away the rows of all other experiments.
void keep_experiments(ResultSet& set, const std::vector<std::string>& experiments) {
  std::set<std::string> known;
  for (const CellResult& cell : set.cells) known.insert(cell.experiment);
  for (const std::string& experiment : experiments) {
    if (known.contains(experiment)) continue;
    const std::string near = nearest_name(experiment, {known.begin(), known.end()});
    throw IoError(fmt::format("{} holds no experiment '{}'{}", set.name, printable(experiment),
                              near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  }
  if (experiments.empty()) return;
  ResultSet kept;
  for (std::size_t i = 0; i < set.cells.size(); ++i) {
    if (std::find(experiments.begin(), experiments.end(), set.cells[i].experiment) ==
        experiments.end()) {
      continue;
    }
    kept.cells.push_back(std::move(set.cells[i]));
    kept.exact.push_back(std::move(set.exact[i]));
  }
  set.cells = std::move(kept.cells);
  set.exact = std::move(kept.exact);
}

}  // namespace

std::string ResultSet::text(std::size_t row, const std::string& column) const {
  return absent.contains(column) ? std::string() : cell_column(column).text(cells[row]);
}

std::optional<std::string> ResultSet::distinct(const std::string& column,
                                               const char* separator) const {
  if (absent.contains(column)) return std::nullopt;
  std::vector<std::string> seen;
  for (std::size_t row = 0; row < cells.size(); ++row) {
    const std::string value = text(row, column);
    if (std::find(seen.begin(), seen.end(), value) == seen.end()) seen.push_back(value);
  }
  return fmt::format("{}", fmt::join(seen, separator));
}

ResultSet result_set_of(const CsvTable& table, const std::string& name) {
  ResultSet set;
  set.name = name;
  set.cells = cells_of_table(table, name);
  for (const std::string& column : cell_table({}).header) {
    if (!table.find(column)) set.absent.insert(column);
  }
  set.exact.resize(set.cells.size());
  return set;
}

ResultSet read_result_set(const std::filesystem::path& path,
                          const std::vector<std::string>& experiments, ExactExamples exact,
                          const StopRequest& stop) {
  ResultSet set;
  if (!std::filesystem::is_directory(path)) {
    set = result_set_of(read_table(path), path.string());
  } else if (std::filesystem::is_directory(path / "experiments")) {
    set = set_of_runs(path, experiments, exact, stop);
  } else if (!archive_paths_with_outside(path).empty()) {
    set = set_of_archives(path, experiments, exact, stop);
  } else {
    set = set_of_runs(path, experiments, exact, stop);  // which says what is missing
  }
  set.name = path.string();
  keep_experiments(set, experiments);
  if (set.cells.empty()) throw IoError(fmt::format("{} holds no cells", set.name));
  return set;
}

}  // namespace recollect
