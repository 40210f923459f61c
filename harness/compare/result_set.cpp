#include "harness/compare/result_set.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/store/record.hpp"

namespace recollect {
namespace {

/// What comparing needs of a table.
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

CsvTable read_table(const std::filesystem::path& path, const std::string& experiment) {
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
  if (experiment.empty()) return table;
  const std::size_t column = table.index("experiment");
  std::vector<std::string> known;
  for (const auto& row : table.rows) known.push_back(row[column]);
  std::erase_if(table.rows, [&](const auto& row) { return row[column] != experiment; });
  if (table.rows.empty()) {
    const std::string near = nearest_name(experiment, known);
    throw IoError(fmt::format("{} holds no experiment '{}'{}", name, printable(experiment),
                              near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  }
  return table;
}

/// The bits of each row's examples; `correct_of` gives what is known of a cell, by its hash.
template <class CorrectOf>
std::vector<std::optional<std::vector<bool>>> exact_of(const std::vector<CellResult>& cells,
                                                       CorrectOf&& correct_of) {
  std::vector<std::optional<std::vector<bool>>> exact(cells.size());
  std::map<std::string, std::vector<CorrectRow>> known;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const CellResult& result = cells[i];
    if (!result.score || result.score->key.split != Split::kTest) continue;
    if (!known.contains(result.cell)) known[result.cell] = correct_of(result.cell);
    for (const CorrectRow& row : known[result.cell]) {
      if (row.key == result.score->key) exact[i] = row.exact;
    }
  }
  return exact;
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

/// A folder of archives is one step above a set of results.
void refuse_archives(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path / "experiments")) return;
  std::vector<std::string> archives;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    if (is_archive(entry.path())) archives.push_back(entry.path().string());
  }
  if (archives.empty()) return;
  throw IoError(fmt::format("{} holds archives, one for each experiment; give one, e.g. {}",
                            path.string(), *std::min_element(archives.begin(), archives.end())));
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

ResultSet read_result_set(const std::filesystem::path& path, const std::string& experiment) {
  ResultSet set;
  if (is_archive(path)) {
    const Archive archive = read_archive(path);
    if (!experiment.empty() && archive.file.experiment.name != experiment) {
      throw IoError(fmt::format("{} holds experiment '{}', not '{}'", path.string(),
                                archive.file.experiment.name, printable(experiment)));
    }
    set.cells = archived_cells(archive);
    set.exact =
        exact_of(set.cells, [&](const std::string& cell) { return correct_of(archive, cell); });
  } else if (std::filesystem::is_directory(path)) {
    refuse_archives(path);
    CellResults cells = read_cells(path, experiment);
    set.cells = std::move(cells.rows);
    set.warnings = std::move(cells.warnings);
    set.exact = exact_of(
        set.cells, [&](const std::string& cell) { return correct_of(CellFolder(path, cell)); });
  } else {
    set = result_set_of(read_table(path, experiment), path.string());
  }
  set.name = path.string();
  if (set.cells.empty()) throw IoError(fmt::format("{} holds no cells", set.name));
  return set;
}

}  // namespace recollect
