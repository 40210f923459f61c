#include "harness/render/report.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/config/load.hpp"
#include "harness/render/readable_table.hpp"
#include "harness/results/group_result.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/results/variance_result.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/gathered_archive.hpp"
#include "harness/sweep/runner.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

constexpr const char* kConfiguration = R"(# Some cells. With more to say.
experiment: tiny
task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8, layers: 1, chunk: 8}
variants: [fixed-decay, adaptive-decay]
train: {examples: 40, validation_examples: 20, batch: 4, steps: 20, eval_every: 10}
eval: {lengths: [16, 24], examples: 20}
seeds: [0, 1, 2]
)";

Archive archive_of(const std::vector<std::string>& overrides, const TemporaryFolder& runs,
                   const std::filesystem::path& path) {
  const Experiment experiment = parse_experiment(kConfiguration, "tiny.yaml", overrides);
  RunObserver observer;
  (void)run_experiment(experiment, runs.path(), {.jobs = 1}, observer);
  std::vector<std::string> notes;
  Archive archive =
      gather_archive(runs.path(), experiment_path(runs.path(), experiment.name), path, notes);
  CHECK(notes.empty());
  return archive;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

bool holds(const std::string& text, const std::string& part) { return count(text, part) > 0; }

std::string cell_of(const TextTable& table, std::size_t row, const std::string& column) {
  const auto found = std::find(table.header.begin(), table.header.end(), column);
  REQUIRE(found != table.header.end());
  return table.rows[row][static_cast<std::size_t>(found - table.header.begin())];
}

/// A group, as a published figure of the same settings.
PublishedFigure figure_like(const std::vector<GroupResult>& groups, const std::string& variant) {
  for (const GroupResult& group : groups) {
    if (group.key->weights != Weights::kBest || group.key->split != Split::kValidation ||
        group.variant != variant)
      continue;
    PublishedFigure figure;
    figure.source = "a paper";
    figure.variant = figure.variant_as_published = variant;
    figure.task = group.task;
    figure.length = figure.eval_length = 16;
    for (const Setting& setting : group.settings) {
      figure.settings[setting.name] = setting.value.text;
    }
    figure.mean = group.accuracy.summary->mean;
    figure.sd = 0.1;
    figure.seeds = 5;
    figure.solved = 0;
    return figure;
  }
  FAIL("no such row");
  return {};
}

TEST_CASE("report: a section says what was run, how to run it again and what was not run") {
  const TemporaryFolder runs, folder;
  write_file_atomically(folder / "tiny.yaml", kConfiguration);
  write_file_atomically(folder / "other.yaml",
                        "experiment: other\ntask: {name: mqar}\nvariants: [gated-linear]\n");
  ReportInput input;
  CHECK(results_section(input) == "There are no results yet.\n");
  input.configurations = read_configurations(folder.path());
  REQUIRE(input.configurations.size() == 2);
  CHECK(input.configurations[1].description == "Some cells.");
  const std::filesystem::path path = folder / "tiny";
  input.archives.push_back(archive_of({}, runs, path));

  const std::string whole = results_section(input);
  CAPTURE(whole);
  CHECK(count(whole, "### tiny\n") == 1);
  CHECK(holds(whole, "    ./recollect run " + (folder / "tiny.yaml").string() + "\n"));
  CHECK(holds(whole, "\nAll 6 cells. "));
  CHECK(holds(whole, "Not run yet:\n\n- `" + (folder / "other.yaml").string() + "` (1 cell)\n"));
  CHECK_FALSE(holds(whole, "table.md"));  // it is not written
  CHECK_FALSE(holds(whole, "has changed since"));
  const std::string files = files_section(input);
  CHECK(holds(files, "tiny.yaml` | Some cells. | 6 | 6 | "));
  CHECK(holds(files, "other.yaml` |  | 1 | 0 | - | - |"));

  // What is missing, and what has changed, is said.
  input.archives[0].cells.erase(input.archives[0].cells.begin());
  input.archives[0].file.configuration += "#\n";
  const std::string partial = results_section(input);
  CHECK(holds(partial, "\n5 of 6 cells; 1 was not run. "));
  CHECK(holds(partial, "tiny.yaml has changed since: the settings of these runs are in " +
                           (path / "config.yaml").string() + ".\n"));
  const std::string page = experiment_page(input.archives[0], input);
  CHECK(holds(page, "5 of 6 cells; 1 was not run"));
  input.configurations.clear();
  CHECK_FALSE(holds(results_section(input), "./recollect run"));
  write_archive(input.archives[0]);
  const std::string kept = results_section(input);
  CHECK(holds(kept, "    ./recollect run " + (path / "config.yaml").string() + "\n"));
  CHECK(holds(kept, fmt::format("[{0}]({0})", (path / "table.md").string())));
}

TEST_CASE("report: headlines are the rows of the full table, with other lengths as columns") {
  const TemporaryFolder runs;
  std::vector<GroupResult> groups = group_cells(archived_cells(archive_of({}, runs, "x/tiny")));
  for (std::size_t i = 0; i < groups.size(); ++i) {  // so short a training scores all alike
    groups[i].clean.values = {0.1, 0.2, 0.3 + 0.01 * static_cast<double>(i)};
  }
  const std::vector<TextTable> full = readable_groups(groups);
  const std::vector<TextTable> short_ones = readable_headlines(groups);
  REQUIRE(full.size() == 1);
  REQUIRE(short_ones.size() == 1);
  REQUIRE(full[0].rows.size() == 4);
  REQUIRE(short_ones[0].rows.size() == 2);
  for (std::size_t row = 0; row < 2; ++row) {
    for (const char* column : {"variant", "chance", "n", "test", "as published", "solved",
                               "95 % solved", "median step"}) {
      CAPTURE(column);
      CHECK(cell_of(short_ones[0], row, column) == cell_of(full[0], 2 * row, column));
    }
    CHECK(cell_of(full[0], 2 * row + 1, "eval_length") == "24*");
    CHECK(cell_of(short_ones[0], row, "test at 24*") == cell_of(full[0], 2 * row + 1, "test"));
  }
}

TEST_CASE("report: of published figures, the section shows those that can be compared") {
  const TemporaryFolder runs;
  const std::vector<GroupResult> groups =
      group_cells(archived_cells(archive_of({}, runs, "x/tiny")));
  PublishedFigure same = figure_like(groups, "fixed-decay");
  PublishedFigure other = figure_like(groups, "adaptive-decay");
  other.settings["train_steps"] = "7";
  const std::vector<PublishedComparison> comparison = compare_published(groups, {same, other});
  REQUIRE(comparison.size() == 2);
  const std::vector<TextTable> tables = readable_comparison_headlines(comparison);
  REQUIRE(tables.size() == 1);
  REQUIRE(tables[0].rows.size() == 1);
  CHECK(cell_of(tables[0], 0, "variant") == "fixed-decay");
  CHECK(cell_of(tables[0], 0, "verdict") == "inconclusive");
  CHECK(cell_of(tables[0], 0, "median step ratio") == "-");
  CHECK(tables[0].notes.back().starts_with("1 more figure is "));
  CHECK(readable_comparison_headlines(compare_published(groups, {other})).empty());
}

TEST_CASE("report: the ratio of median steps is ours by theirs") {
  const TemporaryFolder runs;
  std::vector<GroupResult> groups = group_cells(archived_cells(archive_of({}, runs, "x/tiny")));
  PublishedFigure figure = figure_like(groups, "fixed-decay");
  figure.solve_step_median = 2000.0;
  for (GroupResult& group : groups) group.solve_step_median_solved = 3000.0;
  const std::vector<PublishedComparison> comparison = compare_published(groups, {figure});
  const CsvTable table = to_table(published_table(comparison));
  CHECK(table.rows[0][table.index("solve_step_ratio")] == "1.5");
  CHECK(cell_of(readable_comparison_headlines(comparison)[0], 0, "median step ratio") == "1.50");
}

TEST_CASE("report: where seeds are crossed, the spread is given to its source") {
  const TemporaryFolder runs;
  const std::vector<std::string> crossed = {"variants=[fixed-decay]", "train.order_seed=0",
                                            "grid={task.data_seed: [0, 1, 2]}"};
  const Archive archive = archive_of(crossed, runs, "x/tiny");
  std::vector<CellResult> cells = archived_cells(archive);
  using Step = std::optional<std::int64_t>;
  const auto put = [&](auto&& accuracy, auto&& solved_step) {
    for (CellResult& row : cells) {
      row.score->accuracy = accuracy(*row.data_seed, row.seed);
      row.status.solved_step = solved_step(*row.data_seed, row.seed);
    }
  };
  // The data decide the accuracy, the initial weights whether and when a run is solved.
  put([](std::int64_t data, std::int64_t) { return 0.25 * static_cast<double>(data); },
      [](std::int64_t, std::int64_t seed) { return seed == 0 ? Step() : Step(5 * seed); });
  const std::vector<TextTable> tables = readable_variance(split_cells(cells));
  REQUIRE(tables.size() == 1);
  const TextTable& table = tables[0];
  CHECK(table.rows[0] == std::vector<std::string>{"accuracy", "25.0", "100 %", "100..100", "0 %",
                                                  "0..0", "0 %", "0..0"});
  CHECK(table.rows[1] == std::vector<std::string>{"solved, 0 or 1", "0.67", "0 %", "0..0", "100 %",
                                                  "100..100", "0 %", "0..0"});
  CHECK(table.rows[2][1] == "12");  // 20, 5 and 10
  CHECK(table.rows[2][4] == "100 %");
  CHECK(table.notes.back() == "A run that was not solved counts as its last step.");

  // A gap takes one seed away, whole rows and columns stay.
  std::erase_if(cells, [](const CellResult& row) { return row.data_seed == 2 && row.seed != 1; });
  const TextTable partial = readable_variance(split_cells(cells))[0];
  CHECK(partial.caption.starts_with("2 seeds of the data x 3 of the initial weights; all see"));
  CHECK(partial.notes.front().starts_with("1 run is left out"));
  CHECK(partial.rows[0][1] == "12.5");

  // No spread: nothing to share out.
  put([](std::int64_t, std::int64_t) { return 0.5; },
      [](std::int64_t, std::int64_t) { return Step(10); });
  CHECK(readable_variance(split_cells(cells))[0].rows[0][2] == "-");

  ReportInput input;
  input.archives.push_back(archive);
  const std::string section = results_section(input);
  CHECK(holds(section, "what the spread of fixed-decay comes from"));
  CHECK_FALSE(holds(section, "### tiny\n"));
  CHECK(holds(experiment_page(archive, input), "### tiny\n"));
}

TEST_CASE("report: seeds that follow each other are not crossed") {
  const TemporaryFolder runs;
  const std::vector<CellResult> cells = archived_cells(archive_of({}, runs, "x/tiny"));
  CHECK(readable_variance(split_cells(cells)).empty());
}

TEST_CASE("report: a section replaces what stood between its lines, and nothing else") {
  const std::string before = "# Title\n\n<!-- recollect report: results -->\n";
  const std::string after = "<!-- recollect report: end -->\n\nMore.\n";
  const std::string text = before + "old\n" + after;
  const std::string fresh = with_section(text, "results", "new\n", "README.md");
  CHECK(fresh == before + "\nnew\n\n" + after);
  CHECK(with_section(fresh, "results", "new\n", "README.md") == fresh);
  CHECK(with_section(text, "files", "new\n", "README.md") == text);
  CHECK_THROWS_WITH_AS(
      (void)with_section("a\nb\n" + before + "old\n", "results", "new\n", "README.md"),
      "README.md:5: the section 'results' has no end, a line <!-- recollect "
      "report: end -->",
      IoError);
}

}  // namespace
}  // namespace recollect
