#include "harness/report/table.hpp"

#include <fmt/format.h>

#include <memory>

#include "harness/cli/commands.hpp"

namespace recollect::cli {

void add_table(CLI::App& app, Action& action) {
  struct Options {
    std::string runs;
    std::string format = "csv";
    std::string rows = "groups";
    std::string experiment;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("table", "Print the results of a folder as a table");
  command->add_option("RUNS", options->runs, "The --out folder of one or more runs")->required();
  command->add_option("--format", options->format, "csv (every column) or markdown (for people)")
      ->check(CLI::IsMember({"csv", "markdown"}))
      ->type_name("FORMAT")
      ->capture_default_str();
  command->add_option("--rows", options->rows, "groups (over seeds) or cells (one by one)")
      ->check(CLI::IsMember({"groups", "cells"}))
      ->type_name("ROWS")
      ->capture_default_str();
  command->add_option("--experiment", options->experiment, "Only the experiment of this name")
      ->type_name("NAME");
  command->callback([options, &action] {
    expect_given(options->runs, "RUNS", "the --out folder of a run");
    action = [options] {
      const CellTable cells = read_cells(options->runs, options->experiment);
      for (const std::string& warning : cells.warnings) report(fmt::format("warning: {}", warning));
      const bool grouped = options->rows == "groups";
      const CsvTable table = grouped ? group_cells(cells.table) : cells.table;
      if (options->format == "csv") {
        print(to_csv(table));
      } else {
        print(grouped ? groups_markdown(table) : cells_markdown(table));
      }
      return ExitStatus::kDone;
    };
  });
}

}  // namespace recollect::cli
