#include "harness/report/cell_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/fields.hpp"
#include "base/file.hpp"
#include "harness/config/model_options.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/store/experiment_file.hpp"
#include "harness/store/table_rows.hpp"

namespace recollect {
namespace {

/// One cell's row without its scores, in the blocks whose columns the tables need to unite.
struct CellRow {
  Values head, task, middle, tail, end;
  std::vector<Values> scores;  // one for each score row; none where the cell has no scores
};

void add_fields(Values& values, const std::string& prefix, const Fields& fields) {
  for (const Field& field : fields) {
    if (!field.is_implied()) values.emplace_back(prefix + field.name, field.text());
  }
}

Values score_values(const ScoreRow& row) {
  Values values;
  for (const Column<ScoreRow>& column : score_columns()) {
    std::string text = column.write(row);
    if (!column.optional || !text.empty()) values.emplace_back(column.name, std::move(text));
  }
  return values;
}

CellRow describe(const std::string& experiment, const std::string& config_hash, const Cell& cell,
                 const std::string& folder, const CellStatus& status) {
  CellRow row;
  row.head = {{"experiment", experiment},
              {"cell", folder},
              {"config_hash", config_hash},
              {"code_version", status.code_version},
              {"compiler", status.compiler},
              {"build", status.build},
              {"status", name_of(status.ending)},
              {"reason", status.reason},
              {"task", std::string(cell.task->name())}};
  // fields() binds to its object, so it needs one that may change.
  const std::unique_ptr<TaskSettings> task = cell.task->clone();
  add_fields(row.task, "task_", task->fields());
  row.middle = {{"variant", cell.variant.name}, {"label", cell.variant.label}};
  for (const auto& [name, text] : option_texts(cell.variant)) {
    row.middle.emplace_back("model_" + name, text);
  }
  TrainSettings train = cell.train;
  train.order_seed = cell.order_seed;
  add_fields(row.middle, "train_", train.fields());
  row.tail = {{"seed", std::to_string(cell.seed)},
              {"data_seed", std::to_string(cell.data_seed)},
              {"train_length", std::to_string(cell.task->length)},
              {"steps", std::to_string(status.steps)},
              {"solved_step", status.solved_step ? std::to_string(*status.solved_step) : ""},
              {"parameters", std::to_string(status.parameters)},
              {"training_flops", shortest(status.training_flops)},
              {"state_floats", std::to_string(status.state_floats)},
              {"state_floats_peak", std::to_string(status.state_floats_peak)}};
  row.end = {{"numerics_version", std::to_string(status.numerics_version)}};
  return row;
}

CsvTable assemble(const std::vector<CellRow>& rows) {
  Header head, task, middle, tail, scores, end;
  for (const CellRow& row : rows) {
    head.add(row.head);
    task.add(row.task);
    middle.add(row.middle);
    tail.add(row.tail);
    end.add(row.end);
  }
  scores.add(score_values({}));
  for (const CellRow& row : rows) {
    for (const Values& values : row.scores) scores.add(values);
  }
  CsvTable table;
  for (const Header* block : {&head, &task, &middle, &tail, &scores, &end}) {
    table.header.insert(table.header.end(), block->names().begin(), block->names().end());
  }
  for (const CellRow& row : rows) {
    std::vector<std::string> line(table.header.size());
    const auto fill = [&](const Values& values, std::vector<std::string>& to) {
      for (const auto& [name, value] : values) to[table.index(name)] = value;
    };
    for (const Values* block : {&row.head, &row.task, &row.middle, &row.tail, &row.end})
      fill(*block, line);
    if (row.scores.empty()) table.rows.push_back(line);
    for (const Values& values : row.scores) fill(values, table.rows.emplace_back(line));
  }
  return table;
}

/// Gathers the rows of several experiments for one table.
class Collector {
 public:
  void add(const ExperimentFile& file, const FindCell& find) {
    std::size_t missing = 0;
    for (std::size_t i = 0; i < file.folders.size(); ++i) {
      const Cell& cell = file.experiment.cells[i];
      std::optional<StoredCell> stored;
      try {
        stored = find(file.folders[i]);
      } catch (const IoError& error) {
        warnings_.push_back(fmt::format("experiment '{}': leaving out cell {}: {}",
                                        file.experiment.name, file.folders[i], error.what()));
        unreadable_ = error.what();
        continue;
      }
      if (!stored) {
        ++missing;
        continue;
      }
      CellRow& row = rows_.emplace_back(
          describe(file.experiment.name, file.config_hash, cell, file.folders[i], stored->status));
      if (stored->status.ending != Ending::kFinished) continue;
      for (const ScoreKey& wanted : wanted_scores(cell)) {
        const auto found =
            std::find_if(stored->scores.begin(), stored->scores.end(),
                         [&](const ScoreRow& score) { return answers(score, wanted); });
        if (found != stored->scores.end()) row.scores.push_back(score_values(*found));
      }
      if (row.scores.empty()) {  // not a failure: the scores have just not been asked of it yet
        rows_.pop_back();
        ++missing;
      }
    }
    if (missing > 0) {
      warnings_.push_back(fmt::format("experiment '{}': {} of {} cells are not done yet",
                                      file.experiment.name, missing, file.folders.size()));
    }
  }

  [[nodiscard]] CellTable table(const std::filesystem::path& place) const {
    if (rows_.empty()) {
      throw IoError(fmt::format("{} holds no cells that are done{}{}", place.string(),
                                unreadable_.empty() ? "" : " and can be read: ", unreadable_));
    }
    return {assemble(rows_), warnings_};
  }

 private:
  std::vector<CellRow> rows_;
  std::vector<std::string> warnings_;
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

CellTable read_cells(const std::filesystem::path& runs, const std::string& experiment) {
  Collector collector;
  for (const std::filesystem::path& path : experiment_files(runs, experiment)) {
    collector.add(read_experiment(path), [&](const std::string& hash) {
      const CellFolder cell(runs, hash);
      StoredCell stored;
      if (const auto status = cell.read_status()) {
        stored.status = *status;
        if (status->ending == Ending::kFinished) stored.scores = cell.read_scores();
        return std::optional(std::move(stored));
      }
      return std::optional<StoredCell>();
    });
  }
  return collector.table(runs);
}

CellTable tabulate_cells(const ExperimentFile& file, const FindCell& find,
                         const std::filesystem::path& place) {
  Collector collector;
  collector.add(file, find);
  return collector.table(place);
}

}  // namespace recollect
