#include <doctest/doctest.h>

#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/config/load.hpp"
#include "harness/render/readable_table.hpp"
#include "harness/results/group_result.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/store/experiment_file.hpp"
#include "harness/sweep/runner.hpp"
#include "tests/support/places.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

constexpr const char* kConfiguration = R"(experiment: fixture
task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8}
variants: [fixed-decay, {name: full-quadratic, label: "full|ref"}]
train: {steps: 20, eval_every: 10, batch: 4}
eval: {lengths: [16, 32], examples: 10}
seeds: [0, 1, 2]
)";

CellStatus finished(std::optional<std::int64_t> solved_step) {
  CellStatus status;
  status.steps = 20;
  status.best_step = 20;
  status.solved_step = solved_step;
  status.parameters = 123;
  status.code_version = "abc";
  status.compiler = "GNU 12";
  status.build = "Release, native";
  return status;
}

/// Writes a cell whose scores are all `accuracy`, on validation 0.05 less.
void write_cell(const std::filesystem::path& out, const Cell& cell, const CellStatus& status,
                double accuracy) {
  const CellFolder folder(out, cell.hash());
  make_folder(folder.path());
  if (status.ending == Ending::kFinished) {
    std::vector<ScoreRow> scores;
    for (const ScoreKey& key : wanted_scores(cell)) {
      ScoreRow row;
      row.key = key;
      row.unseen_level = key.eval_length == 32 && cell.variant.name == "fixed-decay";
      if (!row.unseen_level) row.key.unseen_levels.clear();
      row.accuracy = key.split == Split::kTest ? accuracy : accuracy - 0.05;
      row.chance = 0.5;
      row.ceilings = {{"first", 0.95}, {"recent", 0.9}};
      scores.push_back(row);
      row.key.examples = 77;  // another experiment's
      scores.push_back(row);
    }
    folder.write_scores({.scores = scores});
  }
  folder.write_status(status);
}

/// Three seeds of fixed-decay, two of which solve the task; full-quadratic with a diverged seed.
Experiment write_fixture(const std::filesystem::path& out) {
  const Experiment experiment = parse_experiment(kConfiguration, "fixture.yaml");
  REQUIRE(experiment.cells.size() == 6);
  make_folder(out / "experiments");
  std::string text = experiment.resolved + "---\ncells:\n";
  for (const Cell& cell : experiment.cells) text += "- \"" + cell.hash() + "\"\n";
  write_file_atomically(experiment_path(out, "fixture"), text);
  const double accuracies[] = {1.0, 0.9, 0.2};
  for (const Cell& cell : experiment.cells) {
    const auto seed = static_cast<std::size_t>(cell.seed);
    if (cell.variant.name == "fixed-decay") {
      write_cell(out, cell, finished(seed < 2 ? std::optional<std::int64_t>(10) : std::nullopt),
                 accuracies[seed]);
    } else {
      CellStatus status = finished(std::nullopt);
      if (seed == 1) {
        status.ending = Ending::kDiverged;
        status.reason = "step 3: loss \"nan\", sorry";
      }
      write_cell(out, cell, status, 0.25);
    }
  }
  return experiment;
}

std::string cell_of(const CsvTable& table, std::size_t row, std::string_view column) {
  return table.rows[row][table.index(column)];
}

/// The only row with these values.
std::size_t row_with(const CsvTable& table,
                     const std::vector<std::pair<std::string, std::string>>& values) {
  std::vector<std::size_t> found;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    bool matches = true;
    for (const auto& [column, value] : values) matches &= cell_of(table, row, column) == value;
    if (matches) found.push_back(row);
  }
  REQUIRE(found.size() == 1);
  return found.front();
}

TEST_CASE("table: the columns of cells are the documented ones, in order") {
  const TemporaryFolder out;
  write_fixture(out.path());
  const CsvTable cells = to_table(cell_table(read_cells(out.path()).rows));
  std::string line;
  for (const std::string& name : cells.header) line += name + " ";
  CHECK(line ==
        "experiment cell config_hash code_version compiler build status reason task task_length "
        "task_layout task_filler task_pairs task_vocab task_offset variant label model_layers "
        "model_width model_heads model_norm model_position model_gate model_short_conv model_mlp "
        "model_lambda_hidden model_chunk model_init model_first_layer train_examples "
        "train_validation_examples "
        "train_batch train_steps train_learning_rate train_betas train_epsilon train_weight_decay "
        "train_clip train_schedule train_warmup train_eval_every train_stop_at train_select_length "
        "train_order_seed seed data_seed train_length steps solved_step parameters training_flops "
        "state_floats state_floats_peak weights best_step split eval_length accuracy exact_match "
        "loss scored chance ceiling_first ceiling_recent unseen_level examples unseen_levels "
        "foreign_selection numerics_version ");
}

TEST_CASE(
    "table: a cell has a row for each score its experiment asks for, a broken one a single row") {
  const TemporaryFolder out;
  const Experiment experiment = write_fixture(out.path());
  const CellResults read = read_cells(out.path());
  const CsvTable table = to_table(cell_table(read.rows));
  CHECK(read.warnings.empty());
  CHECK(table.rows.size() == 5 * 2 * 2 * 2 + 1);
  const std::size_t broken = row_with(table, {{"status", "diverged"}});
  CHECK(cell_of(table, broken, "reason") == "step 3: loss \"nan\", sorry");
  CHECK(cell_of(table, broken, "accuracy").empty());
  CHECK(cell_of(table, broken, "seed") == "1");
  CHECK(cell_of(table, 0, "cell") == "c" + experiment.cells[0].hash());
  CHECK(cell_of(table, 0, "build") == "Release, native");
  CHECK(cell_of(table, 0, "solved_step") == "10");
  // Written and read again, quotes and commas stay what they were.
  CHECK(parse_csv(to_csv(table), "x").rows == table.rows);
}

TEST_CASE("table: groups sum up the seeds") {
  const TemporaryFolder out;
  write_fixture(out.path());
  const CsvTable groups = to_table(group_table(group_cells(read_cells(out.path()).rows)));
  CHECK(groups.rows.size() == 2 * 2 * 2 * 2);
  CHECK_FALSE(groups.find("seed").has_value());
  const std::size_t fixed = row_with(
      groups,
      {{"label", "fixed-decay"}, {"weights", "best"}, {"split", "test"}, {"eval_length", "32"}});
  CHECK(cell_of(groups, fixed, "seeds") == "0 1 2");
  CHECK(cell_of(groups, fixed, "n") == "3");
  CHECK(cell_of(groups, fixed, "failed") == "0");
  CHECK(to_real(cell_of(groups, fixed, "accuracy_mean")) == doctest::Approx(0.7));
  CHECK(to_real(cell_of(groups, fixed, "accuracy_sd")) == doctest::Approx(0.43588989435));
  CHECK(cell_of(groups, fixed, "accuracy_median") == "0.9");
  CHECK(cell_of(groups, fixed, "accuracy_min") == "0.2");
  CHECK(cell_of(groups, fixed, "accuracy_max") == "1");
  CHECK(cell_of(groups, fixed, "solved") == "2");
  CHECK(to_real(cell_of(groups, fixed, "solved_share")) == doctest::Approx(2.0 / 3.0));
  CHECK(cell_of(groups, fixed, "unseen_level") == "1");
  CHECK(cell_of(groups, fixed, "data_seeds") == "seed");
  CHECK(cell_of(groups, fixed, "examples") == "10");
  const std::size_t full = row_with(
      groups,
      {{"label", "full|ref"}, {"weights", "final"}, {"split", "test"}, {"eval_length", "16"}});
  CHECK(cell_of(groups, full, "seeds") == "0 2");
  CHECK(cell_of(groups, full, "n") == "2");
  CHECK(cell_of(groups, full, "failed") == "1");
  CHECK(cell_of(groups, full, "accuracy_sd") == "0");
}

TEST_CASE("table: a group of one seed has no deviation, one of failures no scores") {
  const TemporaryFolder out;
  const Experiment experiment = write_fixture(out.path());
  for (const Cell& cell : experiment.cells) {
    if (cell.seed > 0) std::filesystem::remove_all(out.path() / "cells" / cell.hash());
  }
  CellStatus status = finished(std::nullopt);
  status.ending = Ending::kFailed;
  write_cell(out.path(), experiment.cells[3], status, 0.0);
  const CellResults read = read_cells(out.path());
  REQUIRE(read.warnings.size() == 1);
  CHECK(read.warnings[0] == "experiment 'fixture': 4 of 6 cells are not done yet");
  const CsvTable groups = to_table(group_table(group_cells(read.rows)));
  const std::size_t one = row_with(
      groups,
      {{"label", "fixed-decay"}, {"weights", "best"}, {"split", "test"}, {"eval_length", "16"}});
  CHECK(cell_of(groups, one, "n") == "1");
  CHECK(cell_of(groups, one, "accuracy_sd").empty());
  CHECK(cell_of(groups, one, "accuracy_median") == "1");
  const std::size_t none = row_with(groups, {{"label", "full|ref"}});
  CHECK(cell_of(groups, none, "n") == "0");
  CHECK(cell_of(groups, none, "failed") == "1");
  CHECK(cell_of(groups, none, "accuracy_mean").empty());
}

TEST_CASE("table: a group says when its seeds solved the task, and how sure its figures are") {
  const TemporaryFolder out;
  write_fixture(out.path());
  const CsvTable groups = to_table(group_table(group_cells(read_cells(out.path()).rows)));
  const std::vector<std::pair<std::string, std::string>> best_test = {
      {"weights", "best"}, {"split", "test"}, {"eval_length", "32"}};
  auto wanted = best_test;
  wanted.emplace_back("label", "fixed-decay");
  const std::size_t fixed = row_with(groups, wanted);
  CHECK(cell_of(groups, fixed, "accuracy_values") == "1 0.9 0.2");
  CHECK(cell_of(groups, fixed, "accuracy_low").empty());  // three values have no interval
  CHECK(cell_of(groups, fixed, "accuracy_high").empty());
  CHECK(cell_of(groups, fixed, "bimodal") == "0");  // three values cannot say so
  CHECK(cell_of(groups, fixed, "upper_n").empty());
  CHECK(to_real(cell_of(groups, fixed, "solve_step_mean")) == doctest::Approx(40.0 / 3.0));
  CHECK(cell_of(groups, fixed, "step_limit") == "20");
  CHECK(cell_of(groups, fixed, "final_clean_values") == "1 0.9 0.2");
  CHECK(cell_of(groups, fixed, "runs") == "3");
  CHECK(cell_of(groups, fixed, "diverged") == "0");
  CHECK(to_real(cell_of(groups, fixed, "solved_low")) == doctest::Approx(0.2076597));
  CHECK(to_real(cell_of(groups, fixed, "solved_high")) == doctest::Approx(0.9385081));
  CHECK(cell_of(groups, fixed, "solve_steps") == "10 10 >20");
  CHECK(cell_of(groups, fixed, "censored") == "1");
  CHECK(cell_of(groups, fixed, "solve_step_median") == "10");
  CHECK(cell_of(groups, fixed, "solve_step_median_solved") == "10");
  // Both scores stand in every row of the length.
  for (const char* split : {"test", "validation"}) {
    const std::size_t row = row_with(
        groups,
        {{"weights", "final"}, {"split", split}, {"eval_length", "32"}, {"label", "fixed-decay"}});
    CHECK(to_real(cell_of(groups, row, "clean_mean")) == doctest::Approx(0.7));
    CHECK(to_real(cell_of(groups, row, "as_published_mean")) == doctest::Approx(0.65));
    CHECK(cell_of(groups, row, "clean_values") == "1 0.9 0.2");
  }
  // A seed that diverged has no score, and has not solved the task.
  wanted = best_test;
  wanted.emplace_back("label", "full|ref");
  const std::size_t full = row_with(groups, wanted);
  CHECK(cell_of(groups, full, "n") == "2");
  CHECK(cell_of(groups, full, "failed") == "1");
  CHECK(cell_of(groups, full, "diverged") == "1");
  CHECK(cell_of(groups, full, "runs") == "3");
  CHECK(cell_of(groups, full, "solved") == "0");
  CHECK(to_real(cell_of(groups, full, "solved_high")) == doctest::Approx(0.5614970));
  CHECK(cell_of(groups, full, "solve_steps") == ">20 >20");
  CHECK(cell_of(groups, full, "censored") == "3");
  CHECK(cell_of(groups, full, "solve_step_median").empty());
  CHECK(cell_of(groups, full, "bimodal") == "0");
}

TEST_CASE("table: a group in which every seed diverged is a row") {
  const TemporaryFolder out;
  const Experiment experiment = write_fixture(out.path());
  for (const Cell& cell : experiment.cells) {
    if (cell.variant.name == "fixed-decay") continue;
    CellStatus status = finished(std::nullopt);
    status.ending = Ending::kDiverged;
    write_cell(out.path(), cell, status, 0.0);
  }
  const std::vector<GroupResult> results = group_cells(read_cells(out.path()).rows);
  const CsvTable groups = to_table(group_table(results));
  const std::size_t row = row_with(groups, {{"label", "full|ref"}});
  CHECK(cell_of(groups, row, "runs") == "3");
  CHECK(cell_of(groups, row, "solved") == "0");
  CHECK(cell_of(groups, row, "accuracy_low").empty());
  const std::vector<TextTable> tables = readable_groups(results);
  REQUIRE(tables.size() == 1);
  const std::vector<std::string>& line = tables[0].rows.back();
  CHECK(line.back() == "3 (3 diverged)");
  CHECK(std::find(line.begin(), line.end(), "0/3") != line.end());
}

TEST_CASE("table: Markdown shows both scores, in per cent, and seeds that fall apart") {
  const TemporaryFolder out;
  write_fixture(out.path());
  const std::vector<CellResult> cells = read_cells(out.path()).rows;
  const std::vector<TextTable> tables = readable_groups(group_cells(cells));
  REQUIRE(tables.size() == 1);
  CHECK(to_markdown(tables[0]) == R"(### fixture

mqar: length 16, layout packed, filler random, pairs 2, vocab 16, offset 0. Best weights, accuracy in per cent, mean ± standard deviation over the seeds. `test` is clean: test examples, which nothing was selected by. `as published`: validation examples, at the length of the selection the best of all checks. `final`: the weights after the last step. Steps to solve: `median` after Kaplan-Meier, `mean` restricted to the last step; `90, 95 %`: runs that reached these in the place of 99 %.

| variant     | eval_length | chance | ceiling_first | ceiling_recent |   n | test                                   | 95 %             | test (final)                           | median |  min |   max | as published                           | solved | 95 % solved | 90, 95 % | median step | mean step | failed         |
|-------------|------------:|-------:|--------------:|---------------:|----:|----------------------------------------|------------------|----------------------------------------|-------:|-----:|------:|----------------------------------------|-------:|------------:|---------:|------------:|----------:|----------------|
| fixed-decay |          16 |   50.0 |          95.0 |           90.0 |   3 | ! 2/3 solved; solved 95.0, others 20.0 | -                | ! 2/3 solved; solved 95.0, others 20.0 |   90.0 | 20.0 | 100.0 | ! 2/3 solved; solved 90.0, others 15.0 |    2/3 |  20.8..93.9 |     1, 1 |          10 |        13 | 0              |
| fixed-decay |         32* |   50.0 |          95.0 |           90.0 |   3 | ! 2/3 solved; solved 95.0, others 20.0 | -                | ! 2/3 solved; solved 95.0, others 20.0 |   90.0 | 20.0 | 100.0 | ! 2/3 solved; solved 90.0, others 15.0 |    2/3 |  20.8..93.9 |     1, 1 |          10 |        13 | 0              |
| full\|ref   |          16 |   50.0 |          95.0 |           90.0 |   2 | 25.0 ± 0.0                             | range 25.0..25.0 | 25.0 ± 0.0                             |   25.0 | 25.0 |  25.0 | 20.0 ± 0.0                             |    0/3 |   0.0..56.1 |     0, 0 |           - |         - | 1 (1 diverged) |
| full\|ref   |          32 |   50.0 |          95.0 |           90.0 |   2 | 25.0 ± 0.0                             | range 25.0..25.0 | 25.0 ± 0.0                             |   25.0 | 25.0 |  25.0 | 20.0 ± 0.0                             |    0/3 |   0.0..56.1 |     0, 0 |           - |         - | 1 (1 diverged) |

- `!` the seeds fall into two groups, and a mean would describe neither: the mean of each stands there instead.
- `*` this length uses levels that training never reached.
)");
  const std::string one_by_one = to_markdown(readable_cells(cells).front());
  CHECK(one_by_one.find("diverged: step 3: loss \"nan\", sorry") != std::string::npos);
  CHECK(one_by_one.find("|    20 |          10 | finished ") != std::string::npos);
}

TEST_CASE("table: how the seeds of a cell are told") {
  CHECK(spread_text({}, {}, 0) == "-");
  CHECK(spread_text({0.996}, {true}, 1) == "99.6");
  CHECK(spread_text({0.99, 0.97}, {true, false}, 2) == "98.0 \u00b1 1.4");
  CHECK(spread_text({0.996, 0.05, 0.998, 0.997}, {true, false, true, true}, 5) ==
        "! 3/5 solved; solved 99.7, others 5.0");
  // Apart, but not by who solved the task, e.g. at another length.
  CHECK(spread_text({0.9, 0.05, 0.9, 0.9}, {true, true, true, true}, 4) ==
        "! 3 near 90.0, 1 near 5.0");
}

TEST_CASE("table: LaTeX escapes what it must and has booktabs' rules") {
  TextTable table;
  table.title = "a_b & c";
  table.caption = "50 % of $5 {x} #1 ~ ^ \\ a < b";
  table.header = {"label", "x|y", "mean"};
  table.rows = {{"[a]", "`code`", "1.0 \u00b1 0.1"}, {"b", "c", "-"}};
  table.notes = {"`*` a note"};
  CHECK(to_latex(table) == R"(\begin{table}
  \centering
  \caption{a\_b \& c: 50 \% of \$5 \{x\} \#1 \~{} \^{} \textbackslash{} a $<$ b}
  \label{tab:a-b---c-77519abe}
  \begin{tabular}{llr}
    \toprule
    label & x$\mid$y & mean \\
    \midrule
    {}[a] & \textasciigrave{}code\textasciigrave{} & 1.0 $\pm$ 0.1 \\
    b & c & - \\
    \bottomrule
  \end{tabular}
  \par\footnotesize * a note
\end{table}
)");
}

TEST_CASE("table: a cell that cannot be read is left out with a warning") {
  const TemporaryFolder out;
  const Experiment experiment = write_fixture(out.path());
  const std::size_t rows = read_cells(out.path()).rows.size();
  const CellFolder first(out.path(), experiment.cells[0].hash());
  first.write_text("scores.csv", "half a fi");
  CellResults read = read_cells(out.path());
  REQUIRE(read.warnings.size() == 1);
  CHECK(read.warnings[0].find("leaving out cell " + experiment.cells[0].hash()) !=
        std::string::npos);
  CHECK(read.warnings[0].find("scores.csv") != std::string::npos);
  CHECK(read.rows.size() == rows - 8);
  for (const Cell& cell : experiment.cells) {
    CellFolder(out.path(), cell.hash()).write_text("status.yaml", "{half a fi");
  }
  CHECK_THROWS_WITH_AS((void)read_cells(out.path()),
                       doctest::Contains("no cells that are done and can be read: "), IoError);
}

TEST_CASE("table: a folder without results is refused with a way out") {
  const TemporaryFolder out;
  CHECK_THROWS_WITH_AS((void)read_cells(out.path()), doctest::Contains("holds no results"),
                       IoError);
  write_fixture(out.path());
  CHECK_THROWS_WITH_AS((void)read_cells(out.path(), "fixtures"),
                       doctest::Contains("did you mean 'fixture'?"), IoError);
  std::filesystem::remove_all(out / "cells");
  CHECK_THROWS_WITH_AS((void)read_cells(out.path()), doctest::Contains("no cells that are done"),
                       IoError);
}

}  // namespace
}  // namespace recollect
