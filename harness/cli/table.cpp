#include <fmt/format.h>

#include <memory>

#include "base/text.hpp"
#include "harness/cli/commands.hpp"
#include "harness/render/event_folder.hpp"
#include "harness/render/json.hpp"
#include "harness/render/readable_table.hpp"
#include "harness/render/summary_table.hpp"
#include "harness/results/group_result.hpp"
#include "harness/results/history_table.hpp"
#include "harness/results/published.hpp"
#include "harness/results/result_set.hpp"
#include "harness/results/selected_values.hpp"
#include "harness/store/csv.hpp"

namespace recollect::cli {
namespace {

struct Options {
  std::string runs;
  std::string format = "csv";
  std::string rows = "groups";
  std::string experiment;
  std::string published;
  std::string select;
  std::string out;
  bool summary = false;
};

constexpr const char* kTensorBoard = "tensorboard";

/// One set of rows in the format that is asked for.
std::string rendered(const Options& options, const DataTable& data,
                     const std::vector<TextTable>& tables) {
  if (options.format == "csv") return to_csv(to_table(data));
  if (options.format == "json") return json_text(json_of(data));
  std::string text;
  for (const TextTable& table : tables) {
    if (!text.empty()) text += '\n';
    text += options.format == "latex" ? to_latex(table) : to_markdown(table);
  }
  return text;
}

/// The part of a list of JSON between its brackets.
std::string list_items(const DataTable& data) {
  constexpr std::string_view kOpen = "[\n";
  constexpr std::string_view kClose = "\n]\n";
  const std::string text = json_text(json_of(data));
  return text.substr(kOpen.size(), text.size() - kOpen.size() - kClose.size());
}

/// Part by part: as one table, the histories of many cells would take gigabytes.
void print_in_parts(const HistoryTable& table, bool json) {
  constexpr std::size_t kCells = 100;
  for (std::size_t first = 0; first < table.cells(); first += kCells) {
    const DataTable data = table.part(first, first + kCells);
    if (json) {
      print((first == 0 ? "[\n" : ",\n") + list_items(data));
      continue;
    }
    const std::string text = to_csv(to_table(data));
    print(std::string_view(text).substr(first == 0 ? 0 : text.find('\n') + 1));
  }
  if (json) print("\n]\n");
}

/// Every evaluation of every cell, or the same as files for TensorBoard.
void print_histories(const Options& options, const ResultSet& results) {
  std::vector<std::string> warnings;
  const std::vector<CellHistory> cells = read_histories(options.runs, results.cells, warnings);
  for (const std::string& warning : warnings) report(fmt::format("warning: {}", warning));
  if (options.format == kTensorBoard) {
    write_event_folder(options.out, cells);
    print(fmt::format("{}: {}\n", options.out, plural(cells.size(), "run")));
  } else if (options.format == "csv" || options.format == "json") {
    print_in_parts(HistoryTable(cells), options.format == "json");
  } else {
    print(rendered(options, {}, readable_histories(cells)));
  }
}

std::vector<GroupResult> selected(const std::vector<CellResult>& cells, const std::string& keys) {
  return as_usage([&] { return select_groups(cells, parse_select(keys)); });
}

ExitStatus tabulate(const Options& options) {
  if (options.rows == "published" && options.published.empty()) {
    throw UsageError(
        "--rows published needs --published FILE, e.g. results/published/published.csv");
  }
  if ((options.rows == "cells" || options.rows == "history") && !options.published.empty()) {
    throw UsageError(fmt::format("--published is of groups; leave out --rows {}", options.rows));
  }
  if (options.rows != "groups" && !options.select.empty()) {
    throw UsageError(
        fmt::format("--select chooses among groups; leave out --rows {}", options.rows));
  }
  std::vector<std::string> experiments;
  if (!options.experiment.empty()) experiments.push_back(options.experiment);
  ResultSet cells = read_result_set(options.runs, experiments, ExactExamples::kLeaveOut);
  for (const std::string& warning : cells.warnings) report(fmt::format("warning: {}", warning));
  if (options.rows == "history") {
    print_histories(options, cells);
    return ExitStatus::kDone;
  }
  if (options.rows == "cells") {
    if (options.format == "csv") {
      print(cell_table_csv(cells.cells));
    } else if (options.format == "json") {
      print(json_text(json_of(cell_table(cells.cells))));
    } else {
      print(rendered(options, {}, readable_cells(cells.cells)));
    }
    return ExitStatus::kDone;
  }
  const std::vector<GroupResult> groups = options.select.empty()
                                              ? group_cells(std::move(cells.cells))
                                              : selected(cells.cells, options.select);
  if (options.summary) {
    print(summary_text(groups));
    return ExitStatus::kDone;
  }
  std::vector<PublishedComparison> comparison;
  if (!options.published.empty()) {
    comparison = compare_published(groups, read_published(options.published));
    if (comparison.empty()) {
      report(fmt::format("warning: no figure of {} has a counterpart here", options.published));
    }
  }
  const std::vector<TextTable> compared = readable_comparison(comparison);
  if (options.rows == "published") {
    print(rendered(options, published_table(comparison), compared));
    return ExitStatus::kDone;
  }
  std::vector<TextTable> tables = readable_groups(groups);
  tables.insert(tables.end(), compared.begin(), compared.end());
  print(rendered(options, group_table(groups), tables));
  return ExitStatus::kDone;
}

}  // namespace

void add_table(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("table", "Print the results of a folder as a table");
  command
      ->add_option("RESULTS", options->runs,
                   "The --out folder of one or more runs, an archive, a folder of archives, or a "
                   "table that --rows cells printed")
      ->required();
  CLI::Option* const format =
      command
          ->add_option("--format", options->format,
                       "csv or json (every column), markdown or latex (for people; latex needs "
                       "booktabs), tensorboard (the histories as event files in --out)")
          ->check(CLI::IsMember({"csv", "json", "markdown", "latex", kTensorBoard}))
          ->type_name("FORMAT")
          ->capture_default_str();
  CLI::Option* const rows =
      command
          ->add_option(
              "--rows", options->rows,
              "groups (over seeds), cells (one by one), history (every evaluation of every "
              "cell) or published (beside the figures of --published)")
          ->check(CLI::IsMember({"groups", "cells", "history", "published"}))
          ->type_name("ROWS")
          ->capture_default_str();
  command->add_option("--experiment", options->experiment, "Only the experiment of this name")
      ->type_name("NAME");
  CLI::Option* const published =
      command
          ->add_option("--published", options->published,
                       "Figures of others to set beside ours, e.g. "
                       "results/published/published.csv; markdown and latex add them to the groups")
          ->type_name("FILE");
  command
      ->add_option("--select", options->select,
                   "Of each variant and setting the value of these options whose mean validation "
                   "score is best (several with commas: train.learning_rate,train.weight_decay); "
                   "with @test behind them the one with the best test score, as papers do")
      ->type_name("KEYS")
      ->excludes(published);
  command
      ->add_flag("--summary", options->summary,
                 "In short, for a terminal: a line a variant with the seeds that solved the task "
                 "and the test accuracy at each length")
      ->excludes(format)
      ->excludes(rows)
      ->excludes(published);
  CLI::Option* const out =
      command
          ->add_option("--out", options->out,
                       "With --format tensorboard: the folder of the event files, new, empty or "
                       "written by it before, which is then written anew")
          ->type_name("DIR");
  command->callback([options, rows, out, &action] {
    expect_given(options->runs, "RESULTS", "the --out folder of a run");
    if (options->format == kTensorBoard) {
      if (rows->count() > 0 && options->rows != "history") {
        throw UsageError(fmt::format("--format tensorboard holds histories; leave out --rows {}",
                                     options->rows));
      }
      options->rows = "history";
      if (out->count() == 0) {
        throw UsageError(
            "--format tensorboard writes files: give a folder for them with --out DIR");
      }
      expect_given(options->out, "--out", "a folder for the event files");
    } else if (out->count() > 0) {
      throw UsageError("--out goes with --format tensorboard; other formats are printed");
    }
    action = [options] { return tabulate(*options); };
  });
}

}  // namespace recollect::cli
