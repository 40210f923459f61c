#include "harness/report/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/error.hpp"
#include "core/fields.hpp"
#include "core/file.hpp"
#include "core/hash.hpp"
#include "harness/config/grid.hpp"
#include "harness/config/load.hpp"
#include "harness/config/yaml_tree.hpp"
#include "harness/report/statistics.hpp"
#include "harness/sweep/cell_folder.hpp"
#include "harness/sweep/experiment_file.hpp"

namespace recollect {
namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

/// One cell's row without its scores, in the blocks whose columns the tables need to unite.
struct CellRow {
  Values head, task, middle, tail;
  std::vector<Values> scores;  // one for each score row; none where the cell has no scores
};

/// Column names in the order in which they first appear.
class Header {
 public:
  void add(const Values& values) {
    for (const auto& [name, value] : values) {
      if (known_.insert(name).second) names_.push_back(name);
    }
  }
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }

 private:
  std::vector<std::string> names_;
  std::set<std::string> known_;
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
  Header head, task, middle, tail, scores;
  for (const CellRow& row : rows) {
    head.add(row.head);
    task.add(row.task);
    middle.add(row.middle);
    tail.add(row.tail);
  }
  scores.add(score_values({}));
  CsvTable table;
  for (const Header* block : {&head, &task, &middle, &tail, &scores}) {
    table.header.insert(table.header.end(), block->names().begin(), block->names().end());
  }
  for (const CellRow& row : rows) {
    std::vector<std::string> line(table.header.size());
    const auto fill = [&](const Values& values) {
      for (const auto& [name, value] : values) line[table.index(name)] = value;
    };
    for (const Values* block : {&row.head, &row.task, &row.middle, &row.tail}) fill(*block);
    if (row.scores.empty()) table.rows.push_back(line);
    for (const Values& values : row.scores) {
      fill(values);
      table.rows.push_back(line);
    }
  }
  return table;
}

bool starts_with_any(const std::string& name, std::initializer_list<const char*> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const char* prefix) { return name.starts_with(prefix); });
}

/// Values in the order in which they first appear, once each.
std::string distinct(const CsvTable& table, const std::vector<std::size_t>& rows,
                     std::string_view column, const char* separator) {
  std::vector<std::string> seen;
  for (const std::size_t row : rows) {
    const std::string& value = table.rows[row][table.index(column)];
    if (std::find(seen.begin(), seen.end(), value) == seen.end()) seen.push_back(value);
  }
  std::string text;
  for (const std::string& value : seen) {
    if (!text.empty()) text += separator;
    text += value;
  }
  return text;
}

/// data_seed and order_seed follow the cell's seed unless they are set. Where they do throughout an
/// experiment they say "seed", so that the cells of a group agree in them.
void name_following_seeds(CsvTable& table) {
  const std::size_t experiment = table.index("experiment");
  const std::size_t seed = table.index("seed");
  for (const char* name : {"data_seed", "train_order_seed"}) {
    const std::size_t column = table.index(name);
    std::set<std::string> own;  // experiments in which some cell departs from its seed
    for (const auto& row : table.rows) {
      if (row[column] != row[seed]) own.insert(row[experiment]);
    }
    for (auto& row : table.rows) {
      if (!own.contains(row[experiment])) row[column] = "seed";
    }
  }
}

/// Groups rows by the texts of some columns, in the order in which the groups first appear.
std::vector<std::vector<std::size_t>> group_by(const CsvTable& table,
                                               const std::vector<std::size_t>& rows,
                                               const std::vector<std::string>& columns) {
  std::vector<std::size_t> places;
  for (const std::string& column : columns) places.push_back(table.index(column));
  std::vector<std::vector<std::size_t>> groups;
  std::map<std::vector<std::string>, std::size_t> known;
  for (const std::size_t row : rows) {
    std::vector<std::string> key;
    for (const std::size_t place : places) key.push_back(table.rows[row][place]);
    const auto [found, added] = known.emplace(std::move(key), groups.size());
    if (added) groups.emplace_back();
    groups[found->second].push_back(row);
  }
  return groups;
}

std::vector<std::size_t> all_rows(const CsvTable& table) {
  std::vector<std::size_t> rows(table.rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  return rows;
}

std::vector<double> numbers(const CsvTable& table, const std::vector<std::size_t>& rows,
                            std::string_view column) {
  std::vector<double> values;
  for (const std::size_t row : rows)
    values.push_back(to_real(table.rows[row][table.index(column)]));
  return values;
}

Values statistics(const std::string& measure, const std::vector<double>& values) {
  if (values.empty()) {
    return {{measure + "_mean", ""},
            {measure + "_sd", ""},
            {measure + "_median", ""},
            {measure + "_min", ""},
            {measure + "_max", ""}};
  }
  const Summary summary = summarise(values);
  return {{measure + "_mean", shortest(summary.mean)},
          {measure + "_sd", summary.sd ? shortest(*summary.sd) : ""},
          {measure + "_median", shortest(summary.median)},
          {measure + "_min", shortest(summary.min)},
          {measure + "_max", shortest(summary.max)}};
}

std::string mean_text(const std::vector<double>& values) {
  return values.empty() ? "" : shortest(mean(values));
}

/// One grouped row. `rows` have scores; `failed` cells of the same group have none.
Values grouped_row(const CsvTable& cells, const std::vector<std::string>& settings,
                   const std::vector<std::size_t>& rows, const std::vector<std::size_t>& failed) {
  std::vector<std::size_t> members = rows;
  members.insert(members.end(), failed.begin(), failed.end());
  const auto text = [&](std::string_view column) {
    return cells.rows[members.front()][cells.index(column)];
  };
  const auto score_text = [&](std::string_view column) {
    return rows.empty() ? std::string() : text(column);
  };
  const auto mean_of = [&](std::string_view column) {
    return mean_text(numbers(cells, rows, column));
  };

  Values values;
  const auto put = [&](std::string name, std::string value) {
    values.emplace_back(std::move(name), std::move(value));
  };
  put("experiment", text("experiment"));
  for (const char* column : {"config_hash", "code_version", "compiler", "build"}) {
    put(column, distinct(cells, members, column, "; "));
  }
  for (const std::string& column : settings) put(column, text(column));
  put("seeds", distinct(cells, rows, "seed", " "));
  put("n", std::to_string(rows.size()));
  put("failed", std::to_string(failed.size()));
  for (const char* column :
       {"data_seed", "train_length", "parameters", "state_floats", "state_floats_peak"}) {
    put(column, text(column));
  }
  put("training_flops", mean_of("training_flops"));
  put("steps", mean_of("steps"));
  for (const char* column : {"weights", "split", "eval_length"}) put(column, score_text(column));
  for (const char* measure : {"accuracy", "exact_match", "loss"}) {
    const Values block = statistics(measure, numbers(cells, rows, measure));
    values.insert(values.end(), block.begin(), block.end());
  }
  const auto solved = std::count_if(rows.begin(), rows.end(), [&](std::size_t row) {
    return !cells.rows[row][cells.index("solved_step")].empty();
  });
  put("solved", rows.empty() ? "" : std::to_string(solved));
  put("solved_share",
      rows.empty() ? "" : shortest(static_cast<double>(solved) / static_cast<double>(rows.size())));
  for (const char* column : {"scored", "chance", "ceiling_first", "ceiling_recent"}) {
    put(column, mean_of(column));
  }
  for (const char* column : {"unseen_level", "examples", "unseen_levels", "foreign_selection"}) {
    put(column, score_text(column));
  }
  return values;
}

// ---------------------------------------------------------------------------------------------------

std::string percent(const std::string& fraction) {
  return fraction.empty() ? "-" : fmt::format("{:.1f}", 100.0 * to_real(fraction));
}

/// A Markdown table with columns as wide as their widest cell, numbers to the right.
std::string markdown_table(const std::vector<std::string>& header,
                           std::vector<std::vector<std::string>> rows) {
  std::vector<std::size_t> widths;
  std::vector<bool> right;
  for (std::size_t column = 0; column < header.size(); ++column) {
    std::size_t width = std::max<std::size_t>(3, header[column].size());
    bool numeric = true;
    for (auto& row : rows) {
      std::string& cell = row[column];
      for (std::size_t at = 0; (at = cell.find('|', at)) != std::string::npos; at += 2) {
        cell.insert(at, 1, '\\');
      }
      width = std::max(width, cell.size());
      numeric = numeric &&
                (cell.empty() || cell.find_first_not_of("0123456789./-+e*!") == std::string::npos);
    }
    widths.push_back(width);
    right.push_back(numeric);
  }
  std::string out;
  const auto line = [&](const std::vector<std::string>& cells) {
    out += '|';
    for (std::size_t i = 0; i < cells.size(); ++i) {
      out += right[i] ? fmt::format(" {:>{}} |", cells[i], widths[i])
                      : fmt::format(" {:<{}} |", cells[i], widths[i]);
    }
    out += '\n';
  };
  line(header);
  out += '|';
  for (std::size_t i = 0; i < header.size(); ++i) {
    out += fmt::format("{:-<{}}{}|", "", widths[i] + 1, right[i] ? ":" : "-");
  }
  out += '\n';
  for (const auto& row : rows) line(row);
  return out;
}

bool varies(const CsvTable& table, const std::vector<std::size_t>& rows, std::size_t column) {
  return std::any_of(rows.begin(), rows.end(), [&](std::size_t row) {
    return table.rows[row][column] != table.rows[rows.front()][column];
  });
}

/// The settings that tell the rows of one experiment apart, and a line on those that they share.
struct SettingsSplit {
  std::vector<std::string> varying;
  std::string shared;
};

/// The task's options that all rows share: "mqar: layout packed, length 128".
std::string shared_options(const CsvTable& table, const std::vector<std::size_t>& rows) {
  const std::vector<std::string>& first = table.rows[rows.front()];
  std::string text;
  for (std::size_t column = 0; column < table.header.size(); ++column) {
    const std::string& name = table.header[column];
    if (!name.starts_with("task_") || first[column].empty() || varies(table, rows, column))
      continue;
    text += fmt::format("{}{} {}", text.empty() ? ": " : ", ", name.substr(5), first[column]);
  }
  return first[table.index("task")] + text;
}

SettingsSplit split_settings(const CsvTable& table, const std::vector<std::size_t>& rows) {
  SettingsSplit result;
  // An option that goes with the task or the label alone needs no column of its own.
  const auto by_task = group_by(table, rows, {"task"});
  const auto by_label = group_by(table, rows, {"label"});
  const auto varies_in = [&](const auto& groups, std::size_t column) {
    return std::any_of(groups.begin(), groups.end(),
                       [&](const auto& group) { return varies(table, group, column); });
  };
  const bool selects_elsewhere = std::any_of(rows.begin(), rows.end(), [&](std::size_t row) {
    return table.rows[row][table.index("train_select_length")] !=
           table.rows[row][table.index("train_length")];
  });
  if (by_task.size() > 1) result.varying.push_back("task");
  for (std::size_t column = 0; column < table.header.size(); ++column) {
    const std::string& name = table.header[column];
    if (name == "train_length" || name == "train_order_seed") continue;
    if (name == "train_select_length" && !selects_elsewhere) continue;
    if (name.starts_with("task_") ? varies_in(by_task, column)
                                  : starts_with_any(name, {"model_", "train_", "data_seed"}) &&
                                        varies_in(by_label, column)) {
      result.varying.push_back(name);
    }
  }
  for (const auto& group : by_task) {
    if (!result.shared.empty()) result.shared += "; ";
    result.shared += shared_options(table, group);
  }
  return result;
}

std::string short_name(const std::string& column) {
  return column.starts_with("task_") ? column.substr(5) : column;
}

/// Rows to show: best weights on test examples, and groups or cells without scores.
std::vector<std::size_t> shown_rows(const CsvTable& table) {
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const std::string& weights = table.rows[row][table.index("weights")];
    if (weights.empty() || (weights == "best" && table.rows[row][table.index("split")] == "test")) {
      rows.push_back(row);
    }
  }
  return rows;
}

constexpr const char* kCaption =
    "Best weights (selected on validation), test examples, accuracy in per cent.";
constexpr const char* kUnseenNote = "- `*` this length uses levels that training never reached.\n";
constexpr const char* kForeignNote =
    "- `+` the weights were selected on validation data of another length than was trained.\n";
constexpr const char* kBimodalNote =
    "- `!` some seeds solved the task and others did not: the mean describes neither kind; read "
    "median, min and max.\n";

/// The marks that a table uses, each of which needs its note.
struct Marks {
  bool bimodal = false;
  bool unseen = false;
  bool foreign = false;
};

/// The evaluation length with the marks of its row.
std::string marked_length(const CsvTable& table, const std::vector<std::string>& row,
                          Marks& marks) {
  std::string text = row[table.index("eval_length")];
  if (row[table.index("unseen_level")] == "1") {
    text += '*';
    marks.unseen = true;
  }
  if (row[table.index("foreign_selection")] == "1") {
    text += '+';
    marks.foreign = true;
  }
  return text;
}

/// One section for each experiment. `columns` names what follows the settings, `cells` fills it.
template <class Cells>
std::string markdown(const CsvTable& table, const std::vector<std::string>& columns,
                     Cells&& cells) {
  std::string out;
  for (const auto& rows : group_by(table, shown_rows(table), {"experiment"})) {
    const SettingsSplit settings = split_settings(table, rows);
    std::vector<std::string> header;
    for (const std::string& column : settings.varying) header.push_back(short_name(column));
    header.insert(header.end(), columns.begin(), columns.end());
    std::vector<std::vector<std::string>> lines;
    Marks marks;
    for (const std::size_t at : rows) {
      const std::vector<std::string>& row = table.rows[at];
      std::vector<std::string>& line = lines.emplace_back();
      for (const std::string& column : settings.varying) {
        line.push_back(row[table.index(column)]);
      }
      cells(row, line, marks);
    }
    if (!out.empty()) out += '\n';
    out += fmt::format("### {}\n\n{}. {}\n\n", table.rows[rows.front()][table.index("experiment")],
                       settings.shared, kCaption);
    out += markdown_table(header, std::move(lines));
    std::string notes;
    if (marks.bimodal) notes += kBimodalNote;
    if (marks.unseen) notes += kUnseenNote;
    if (marks.foreign) notes += kForeignNote;
    if (!notes.empty()) {
      out += '\n';
      out += notes;
    }
  }
  return out;
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

CsvTable group_cells(const CsvTable& original) {
  CsvTable cells = original;
  name_following_seeds(cells);
  std::vector<std::string> settings;
  for (const std::string& name : cells.header) {
    if (name == "task" || name == "variant" || name == "label" ||
        (starts_with_any(name, {"task_", "model_", "train_"}) && name != "train_length")) {
      settings.push_back(name);
    }
  }
  std::vector<std::string> key = settings;
  key.insert(key.end(), {"experiment", "data_seed", "train_length"});
  std::vector<Values> grouped;
  for (const auto& group : group_by(cells, all_rows(cells), key)) {
    std::vector<std::size_t> scored, failed;
    for (const std::size_t row : group) {
      (cells.rows[row][cells.index("weights")].empty() ? failed : scored).push_back(row);
    }
    for (const auto& rows : group_by(
             cells, scored, {"weights", "split", "eval_length", "examples", "unseen_levels"})) {
      grouped.push_back(grouped_row(cells, settings, rows, failed));
    }
    if (scored.empty()) grouped.push_back(grouped_row(cells, settings, {}, failed));
  }
  Header header;
  for (const Values& values : grouped) header.add(values);
  CsvTable table;
  table.header = header.names();
  for (const Values& values : grouped) {
    std::vector<std::string>& row = table.rows.emplace_back(table.header.size());
    for (const auto& [name, value] : values) row[table.index(name)] = value;
  }
  return table;
}

std::string groups_markdown(const CsvTable& groups) {
  const auto at = [&](const std::vector<std::string>& row, std::string_view column) {
    return row[groups.index(column)];
  };
  const auto cells = [&](const std::vector<std::string>& row, std::vector<std::string>& line,
                         Marks& marks) {
    line.push_back(at(row, "label"));
    line.push_back(marked_length(groups, row, marks));
    for (const char* column : {"chance", "ceiling_first", "ceiling_recent"})
      line.push_back(percent(at(row, column)));
    line.push_back(at(row, "n"));
    for (const char* column :
         {"accuracy_mean", "accuracy_sd", "accuracy_median", "accuracy_min", "accuracy_max"}) {
      line.push_back(percent(at(row, column)));
    }
    std::string solved = at(row, "solved").empty() ? "-" : at(row, "solved") + "/" + at(row, "n");
    const std::int64_t count = at(row, "solved").empty() ? 0 : to_integer(at(row, "solved"));
    if (count > 0 && count < to_integer(at(row, "n"))) {
      solved += '!';
      marks.bimodal = true;
    }
    line.push_back(solved);
    line.push_back(at(row, "failed"));
  };
  return markdown(groups,
                  {"variant", "eval_length", "chance", "ceiling_first", "ceiling_recent", "n",
                   "mean", "sd", "median", "min", "max", "solved", "failed"},
                  cells);
}

std::string cells_markdown(const CsvTable& original) {
  CsvTable table = original;
  name_following_seeds(table);
  const auto at = [&](const std::vector<std::string>& row, std::string_view column) {
    return row[table.index(column)];
  };
  const auto or_dash = [](const std::string& text) { return text.empty() ? "-" : text; };
  const auto cells = [&](const std::vector<std::string>& row, std::vector<std::string>& line,
                         Marks& marks) {
    line.push_back(at(row, "label"));
    line.push_back(at(row, "seed"));
    line.push_back(marked_length(table, row, marks));
    for (const char* column :
         {"chance", "ceiling_first", "ceiling_recent", "accuracy", "exact_match"}) {
      line.push_back(percent(at(row, column)));
    }
    line.push_back(at(row, "steps"));
    line.push_back(or_dash(at(row, "solved_step")));
    std::string status = at(row, "status");
    if (!at(row, "reason").empty()) status += ": " + at(row, "reason");
    line.push_back(status);
  };
  return markdown(table,
                  {"variant", "seed", "eval_length", "chance", "ceiling_first", "ceiling_recent",
                   "accuracy", "exact_match", "steps", "solved_step", "status"},
                  cells);
}

}  // namespace recollect
