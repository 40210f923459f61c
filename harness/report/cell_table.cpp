#include "harness/report/cell_table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/fields.hpp"
#include "core/file.hpp"
#include "core/hash.hpp"
#include "harness/config/grid.hpp"
#include "harness/config/load.hpp"
#include "harness/config/yaml_tree.hpp"
#include "harness/report/table_rows.hpp"
#include "harness/sweep/cell_folder.hpp"
#include "harness/sweep/experiment_file.hpp"

namespace recollect {
namespace {

/// One cell's row without its scores, in the blocks whose columns the tables need to unite.
struct CellRow {
  Values head, task, middle, tail, end;
  std::vector<Values> scores;  // one for each score row; none where the cell has no scores
};

void add_fields(Values& values, const std::string& prefix, const Fields& fields) {
  for (const Field& field : fields) values.emplace_back(prefix + field.name, field.text());
}

Values score_values(const ScoreRow& row) {
  Values values;
  for (const Column<ScoreRow>& column : score_columns()) {
    values.emplace_back(column.name, column.write(row));
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
  ModelSettings model = cell.variant.model;
  add_fields(row.middle, "model_", model.fields());
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

/// The file of an experiment: its configuration, and the folders of its cells.
struct ExperimentFile {
  Experiment experiment;
  std::string config_hash;
  std::vector<std::string> folders;
};

// The list of cells, which a configuration of a page may make long.
constexpr YamlLimits kListed{.bytes = std::size_t{1} << 22, .values = kMaxCells + 16};

bool is_hash(std::string_view text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

ExperimentFile read_experiment(const std::filesystem::path& path) {
  constexpr std::string_view kSeparator = "\n---\n";
  const std::string text = read_file(path, kLargestText, "experiment file");
  const std::size_t cut = text.rfind(kSeparator);
  if (cut == std::string::npos) {
    throw IoError(
        fmt::format("{}: the list of cells is missing; run the experiment again", path.string()));
  }
  const std::string configuration = text.substr(0, cut + 1);
  ExperimentFile file;
  file.config_hash = hex(hash_text(configuration));
  file.experiment = parse_experiment(configuration, path.string());
  try {
    const YamlValue root = parse_yaml(text.substr(cut + kSeparator.size()), path.string(), kListed);
    const YamlValue* cells = root.find("cells");
    if (cells == nullptr) throw IoError("it is missing");
    for (const YamlValue& cell : cells->items) {
      if (!is_hash(cell.text)) throw IoError(fmt::format("{} names no cell", cell.shown()));
      file.folders.push_back(cell.text);
    }
  } catch (const Error& error) {
    throw IoError(
        fmt::format("{}: the list of cells cannot be read: {}", path.string(), error.what()));
  }
  if (file.folders.size() != file.experiment.cells.size()) {
    throw IoError(fmt::format("{}: {} cells are listed, but the configuration gives {}",
                              path.string(), file.folders.size(), file.experiment.cells.size()));
  }
  return file;
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
  CsvTable table;
  for (const Header* block : {&head, &task, &middle, &tail, &scores, &end}) {
    table.header.insert(table.header.end(), block->names().begin(), block->names().end());
  }
  for (const CellRow& row : rows) {
    std::vector<std::string> line(table.header.size());
    const auto fill = [&](const Values& values) {
      for (const auto& [name, value] : values) line[table.index(name)] = value;
    };
    for (const Values* block : {&row.head, &row.task, &row.middle, &row.tail, &row.end})
      fill(*block);
    if (row.scores.empty()) table.rows.push_back(line);
    for (const Values& values : row.scores) {
      fill(values);
      table.rows.push_back(line);
    }
  }
  return table;
}

}  // namespace

CellTable read_cells(const std::filesystem::path& runs, const std::string& experiment) {
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

  CellTable result;
  std::vector<CellRow> rows;
  std::string unreadable;
  for (const std::filesystem::path& path : files) {
    const ExperimentFile file = read_experiment(path);
    std::size_t missing = 0;
    for (std::size_t i = 0; i < file.folders.size(); ++i) {
      const Cell& cell = file.experiment.cells[i];
      const CellFolder cell_folder(runs, file.folders[i]);
      std::optional<CellStatus> status;
      std::vector<ScoreRow> scores;
      try {
        status = cell_folder.read_status();
        if (status && status->ending == Ending::kFinished) scores = cell_folder.read_scores();
      } catch (const IoError& error) {
        result.warnings.push_back(fmt::format("experiment '{}': leaving out cell {}: {}",
                                              file.experiment.name, file.folders[i], error.what()));
        unreadable = error.what();
        continue;
      }
      if (!status) {
        ++missing;
        continue;
      }
      CellRow& row = rows.emplace_back(
          describe(file.experiment.name, file.config_hash, cell, file.folders[i], *status));
      if (status->ending != Ending::kFinished) continue;
      for (const ScoreKey& wanted : wanted_scores(cell)) {
        const auto found = std::find_if(scores.begin(), scores.end(), [&](const ScoreRow& score) {
          return answers(score, wanted);
        });
        if (found != scores.end()) row.scores.push_back(score_values(*found));
      }
      if (row.scores.empty()) {  // not a failure: the scores have just not been asked of it yet
        rows.pop_back();
        ++missing;
      }
    }
    if (missing > 0) {
      result.warnings.push_back(fmt::format("experiment '{}': {} of {} cells are not done yet",
                                            file.experiment.name, missing, file.folders.size()));
    }
  }
  if (rows.empty()) {
    throw IoError(fmt::format("{} holds no cells that are done{}{}", runs.string(),
                              unreadable.empty() ? "" : " and can be read: ", unreadable));
  }
  result.table = assemble(rows);
  return result;
}

}  // namespace recollect
