#include "harness/compare/side.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "harness/report/archive_tables.hpp"
#include "harness/report/cell_table.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/store/record.hpp"

namespace recollect {
namespace {

constexpr const char* kNeeded[] = {
    "experiment",  "status",           "task",        "variant", "label",       "seed",
    "data_seed",   "train_order_seed", "steps",       "weights", "solved_step", "split",
    "eval_length", "accuracy",         "exact_match", "loss",    "examples",    "unseen_levels"};

/// A table may have been edited: what is compared must be what a run can give. Cells that diverged
/// or failed have numbers that are none.
void check_values(const CsvTable& table, const std::string& name) {
  constexpr double kLargest = std::numeric_limits<double>::max();
  struct Range {
    const char* column;
    double least;
    double most;
    const char* text;
  };
  constexpr Range kRanges[] = {{"accuracy", 0, 1, "0..1"},
                               {"exact_match", 0, 1, "0..1"},
                               {"loss", 0, kLargest, "0 or more"},
                               {"solved_step", 1, kLargest, "1 or more"}};
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
std::vector<std::optional<std::vector<bool>>> exact_of(const CsvTable& cells,
                                                       CorrectOf&& correct_of) {
  std::vector<std::optional<std::vector<bool>>> exact(cells.rows.size());
  std::map<std::string, std::vector<CorrectRow>> known;
  for (std::size_t i = 0; i < cells.rows.size(); ++i) {
    const auto at = [&](std::string_view column) { return cells.rows[i][cells.index(column)]; };
    if (at("split") != name_of(Split::kTest)) continue;
    const std::string cell = at("cell");
    if (!known.contains(cell)) known[cell] = correct_of(cell);
    for (const CorrectRow& row : known[cell]) {
      if (name_of(row.key.weights) == at("weights") && name_of(row.key.split) == at("split") &&
          std::to_string(row.key.eval_length) == at("eval_length") &&
          std::to_string(row.key.examples) == at("examples") &&
          row.key.unseen_levels == at("unseen_levels")) {
        exact[i] = row.exact;
      }
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

/// A folder of archives is one step above a side.
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

Side read_side(const std::filesystem::path& path, const std::string& experiment) {
  Side side;
  side.name = path.string();
  if (is_archive(path)) {
    const Archive archive = read_archive(path);
    if (!experiment.empty() && archive.file.experiment.name != experiment) {
      throw IoError(fmt::format("{} holds experiment '{}', not '{}'", side.name,
                                archive.file.experiment.name, printable(experiment)));
    }
    side.cells = archived_cells(archive);
    side.exact =
        exact_of(side.cells, [&](const std::string& cell) { return correct_of(archive, cell); });
  } else if (std::filesystem::is_directory(path)) {
    refuse_archives(path);
    CellTable cells = read_cells(path, experiment);
    side.cells = std::move(cells.table);
    side.warnings = std::move(cells.warnings);
    side.exact = exact_of(
        side.cells, [&](const std::string& cell) { return CellFolder(path, cell).read_correct(); });
  } else {
    side.cells = read_table(path, experiment);
    side.exact.resize(side.cells.rows.size());
  }
  if (side.cells.rows.empty()) throw IoError(fmt::format("{} holds no cells", side.name));
  return side;
}

}  // namespace recollect
