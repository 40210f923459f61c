// Results of an earlier version of the program, tests/data/kept, under the present one.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "harness/compare/compare.hpp"
#include "harness/config/load.hpp"
#include "harness/render/json.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/archive_shelf.hpp"
#include "harness/store/checkpoint.hpp"
#include "harness/store/gathered_archive.hpp"
#include "harness/sweep/runner.hpp"
#include "harness/train/cell_model.hpp"
#include "tests/support/places.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

namespace fs = std::filesystem;

fs::path kept(const std::string& name) { return source_folder() / "tests/data/kept" / name; }

Experiment experiment() { return load_experiment(kept("kept.yaml").string()); }

/// The cell whose scoring was stopped.
const Cell& stopped_cell(const Experiment& all) { return all.cells.back(); }

struct Watch final : RunObserver {
  std::int64_t steps = 0;
  std::vector<std::string> notes;
  void on_plan(const RunPlan& plan) override { notes = plan.notes; }
  void on_step(const PlannedCell&, std::int64_t) override { ++steps; }
  void on_note(const PlannedCell&, const std::string& note) override { notes.push_back(note); }
};

bool any_holds(const std::vector<std::string>& notes, const std::string& part) {
  return std::any_of(notes.begin(), notes.end(),
                     [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

/// A table of before under today's names of its columns, and with a letter before its hashes.
std::string in_todays_form(const std::string& text) {
  CsvTable table = parse_csv(text, "kept");
  const bool groups = table.find("seeds").has_value();
  for (std::string& column : table.header) {
    if (!groups) break;
    for (const char* name :
         {"code_version", "compiler", "build", "data_seed", "train_order_seed"}) {
      if (column == name) column += 's';
    }
    for (const char* name :
         {"steps", "training_flops", "scored", "chance", "ceiling_first", "ceiling_recent"}) {
      if (column == name) column += "_mean";
    }
  }
  for (auto& row : table.rows) {
    for (const char* column : {"cell", "config_hash"}) {
      if (const auto at = table.find(column)) row[*at] = hash_in_table(row[*at]);
    }
  }
  return to_csv(table);
}

/// All four cells, from the archive, in `out`.
void restore(const fs::path& out, Watch& watch) {
  const ArchiveShelf shelf({kept("archives")});
  REQUIRE(shelf.notes().empty());
  RunOptions options{.jobs = 1};
  options.reuse = &shelf;
  REQUIRE(run_experiment(experiment(), out, options, watch).finished == 4);
}

/// Runs the program in a folder; its status, and what it printed.
int run_program(const fs::path& folder, const std::string& arguments, std::string& printed) {
  const TemporaryFolder temporary;
  const fs::path out = temporary / "out";
  const std::string command = fmt::format("cd '{}' && '{}' {} > '{}' 2>/dev/null", folder.string(),
                                          program().string(), arguments, out.string());
  const int code = std::system(command.c_str());
  printed = read_file(out);
  return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

TEST_CASE("kept: --reuse takes every cell of an archive of before, file for file") {
  const TemporaryFolder out;
  Watch watch;
  restore(out.path(), watch);
  CHECK(watch.steps == 0);
  CHECK(any_holds(watch.notes, "taking 4 cells from "));
  const Experiment all = experiment();
  for (const Cell& cell : all.cells) {
    if (&cell == &stopped_cell(all)) continue;
    const CellFolder before(kept("runs"), cell.hash());
    const CellFolder now(out.path(), cell.hash());
    for (const char* file : {"config.yaml", "history.csv", "scores.csv", "slices.csv",
                             "correct.csv", "status.yaml", "provenance.yaml"}) {
      CAPTURE(file);
      CHECK(now.read_text(file) == before.read_text(file));
    }
  }
}

TEST_CASE("kept: an archive made today of the same cells is the same but for a letter") {
  const TemporaryFolder out, again;
  Watch watch;
  restore(out.path(), watch);
  std::vector<std::string> notes;
  const fs::path file = experiment_path(out.path(), "kept");
  CHECK(read_file(file) == read_file(kept("runs/experiments/kept.yaml")));
  write_archive(gather_archive(out.path(), file, again / "kept", notes));
  CHECK(notes.empty());
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(again / "kept")) {
    CAPTURE(entry.path().filename());
    const std::string before = read_file(kept("archives/kept") / entry.path().filename());
    CHECK(read_file(entry.path()) ==
          (entry.path().extension() == ".csv" ? in_todays_form(before) : before));
    ++files;
  }
  CHECK(files == 7);
}

/// The columns of a table that another one has as well, in its order.
CsvTable with_columns_of(const CsvTable& table, const CsvTable& other) {
  CsvTable some{other.header, {}};
  for (const auto& row : table.rows) {
    std::vector<std::string>& texts = some.rows.emplace_back();
    for (const std::string& column : other.header) texts.push_back(row[table.index(column)]);
  }
  return some;
}

TEST_CASE("kept: tables are what they were, where a column is not new") {
  const TemporaryFolder out;
  Watch watch;
  restore(out / "runs", watch);
  std::string printed;
  for (const char* rows : {"cells", "groups"}) {
    CAPTURE(rows);
    CHECK(run_program(out.path(), fmt::format("table runs --rows {}", rows), printed) == 0);
    CsvTable before =
        parse_csv(in_todays_form(read_file(kept(fmt::format("runs/kept.{}.csv", rows)))), "kept");
    CsvTable now = parse_csv(printed, "now");
    // Of two seeds an interval is not given any more.
    for (CsvTable* table : {&before, &now}) {
      for (auto& row : table->rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
          const std::string& name = table->header[i];
          const bool end = name.ends_with("_low") || name.ends_with("_high");
          if (end && !name.starts_with("solved")) row[i].clear();
        }
      }
    }
    CHECK(to_csv(with_columns_of(now, before)) == to_csv(before));
  }
  for (const char* format : {"markdown", "latex"}) {
    CAPTURE(format);
    CHECK(run_program(out.path(), fmt::format("table runs --rows cells --format {}", format),
                      printed) == 0);
    CHECK(printed == read_file(kept(fmt::format("table.cells.{}", format))));
  }
  CHECK(run_program(out.path(), "table runs --rows cells --format json", printed) == 0);
  CHECK(Json::parse(printed) == json_of(cell_table(read_cells(out / "runs").rows)));
  CHECK(run_program(kept(""), "report archives", printed) == 0);
  CHECK(printed.find("All 4 cells. ") != std::string::npos);
}

TEST_CASE("kept: compare ends with a status that says what was found, in every format") {
  std::string printed;
  const auto status = [&](const std::string& arguments) {
    return run_program(kept(""), "compare " + arguments, printed);
  };
  CHECK(status("archives/kept runs/kept.cells.csv --format json") == 0);
  CHECK(Json::parse(printed)["verdicts"]["equal"] == Json(2));
  // A cell that is missing cannot be compared.
  CHECK(status("archives/kept runs --format json") == 2);
  CHECK(Json::parse(printed)["mismatches"].size() == 1);
  // Two seeds cannot be worse, and beyond the tolerance they do not pass either.
  const TemporaryFolder folder;
  CsvTable better = parse_csv(read_file(kept("runs/kept.cells.csv")), "kept");
  for (auto& row : better.rows) row[better.index("accuracy")] = "1";
  const std::string file = (folder / "better.csv").string();
  write_file_atomically(file, to_csv(better));
  for (const char* format : {"text", "markdown", "json", "junit"}) {
    CAPTURE(format);
    CHECK(status(fmt::format("'{}' archives/kept --format {}", file, format)) == 6);
  }
  CHECK(status(fmt::format("'{}' archives/kept --undecided pass", file)) == 0);
  CHECK(status(fmt::format("archives/kept '{}'", file)) == 0);
  CHECK(status(fmt::format("archives/kept '{}' --undecided fail", file)) == 6);
}

TEST_CASE("kept: folders, archives and tables of before compare with each other") {
  const ResultSet folder = read_result_set(kept("runs"));
  REQUIRE(folder.warnings.size() == 1);
  CHECK(folder.warnings[0] == "experiment 'kept': 1 of 4 cells are not done yet");
  const ResultSet archive = read_result_set(kept("archives/kept"));
  const ResultSet table = read_result_set(kept("runs/kept.cells.csv"));
  const ResultComparison same = compare(table, archive, {});
  CHECK(same.mismatches.empty());
  CHECK_FALSE(same.worse());
  CHECK(same.groups.size() == 2);
  // The cell that was stopped is missing, and nothing else.
  const ResultComparison partial = compare(archive, folder, {});
  REQUIRE(partial.mismatches.size() == 1);
  CHECK(partial.mismatches[0].key == "seeds");
  CHECK_FALSE(partial.worse());
}

TEST_CASE("kept: the state of a stopped cell can be read, and another build does not resume it") {
  const Experiment all = experiment();
  const Cell& cell = stopped_cell(all);
  const SequenceModel<float> sizes = model_sizes(cell);
  for (const auto& each :
       {std::pair("state.safetensors", 12), std::pair("state.previous.safetensors", 8)}) {
    const char* const file = each.first;  // clang 14 captures no structured binding
    const int step = each.second;
    CAPTURE(file);
    const fs::path path = CellFolder(kept("runs"), cell.hash()).path() / file;
    StateIdentity written_by;
    const TrainState state =
        decode_state(read_file(path), path, cell.hash(), sizes.layout(), written_by);
    CHECK(state.progress.step == step);
    CHECK(state.progress.history.size() == static_cast<std::size_t>(step / 4));
    CHECK(written_by.code_version == "72c6422");
  }

  const TemporaryFolder out;
  fs::copy(kept("runs"), out / "runs", fs::copy_options::recursive);
  // The three finished ones have weights, and get more_slices.csv from them.
  CHECK(plan_run(all, out / "runs").count(Work::kScore) == 3);
  Watch watch;
  CHECK(run_experiment(all, out / "runs", {.jobs = 1}, watch).finished == 4);
  CHECK(watch.steps == 12);
  CHECK(any_holds(watch.notes, "reusing 3 cells that were made by another build"));
  CHECK(any_holds(watch.notes, "step 12 of another build: 72c6422"));
  for (const Cell& each : all.cells) {
    CHECK_FALSE(CellFolder(out / "runs", each.hash()).read_more_slices().empty());
  }
  // Trained anew it gives what it gave then: to the byte, where builds have the same bytes.
  const ResultComparison comparison =
      compare(read_result_set(kept("archives/kept")), read_result_set(out / "runs"), {});
  CHECK(comparison.mismatches.empty());
  CHECK_FALSE(comparison.worse());
#if defined(__FMA__)
  const Archive archive = read_archive(kept("archives/kept"));
  const CellFolder now(out / "runs", cell.hash());
  for (const char* file : {"config.yaml", "history.csv", "scores.csv", "slices.csv"}) {
    CAPTURE(file);
    CHECK(now.read_text(file) == archive.cells.at(cell.hash()).texts.at(file));
  }
#endif
}

}  // namespace
}  // namespace recollect
