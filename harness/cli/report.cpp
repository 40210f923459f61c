#include "harness/render/report.hpp"

#include <fmt/format.h>

#include <memory>

#include "base/file.hpp"
#include "harness/cli/commands.hpp"
#include "harness/compare/findings.hpp"
#include "harness/results/read_cells.hpp"

namespace recollect::cli {
namespace {

struct Options {
  std::string runs;
  std::string published;
  std::vector<std::string> configs;
  std::vector<std::string> into;
  std::string findings;
  bool tables = false;
};

bool is_results_folder(const std::string& runs) {
  return std::filesystem::is_directory(std::filesystem::path(runs) / "experiments");
}

/// The archives in a folder; of a results folder, what archives of it would hold. One that is
/// damaged is an error: a report without it would look complete.
std::vector<Archive> archives_of(const Options& options) {
  std::vector<Archive> archives;
  if (is_results_folder(options.runs)) {
    for (const std::filesystem::path& file : experiment_files(options.runs)) {
      std::vector<std::string> notes;
      archives.push_back(gather_archive(options.runs, file, options.runs, notes));
      for (const std::string& note : notes) report(fmt::format("warning: {}", note));
      if (archives.back().cells.empty()) {
        report(fmt::format("warning: {}: no cell is done", file.string()));
        archives.pop_back();
      }
    }
    return archives;
  }
  const std::vector<std::filesystem::path> paths = archive_paths(options.runs);
  if (paths.empty()) {
    throw IoError(
        fmt::format("{} holds no archives and is no results folder; give e.g. results/reference or "
                    "results/runs",
                    options.runs));
  }
  for (const std::filesystem::path& path : paths) {
    archives.push_back(read_archive(path));
  }
  return archives;
}

ExitStatus make_report(const Options& options) {
  if (options.tables && is_results_folder(options.runs)) {
    throw UsageError(
        fmt::format("--tables needs a folder of archives, and {} holds runs", options.runs));
  }
  ReportInput input;
  input.archives = archives_of(options);
  if (!options.published.empty()) input.figures = read_published(options.published);
  for (const std::string& folder : options.configs) {
    for (ConfigurationFile& file : read_configurations(folder)) {
      input.configurations.push_back(std::move(file));
    }
  }
  if (input.archives.empty() && !options.into.empty()) {
    throw IoError(fmt::format("{} holds no cell that is done; {} stays as it is", options.runs,
                              options.into.front()));
  }
  const std::string results = results_section(input);
  const std::string files = files_section(input);
  std::string findings;
  if (!options.findings.empty()) {
    findings = filled(read_file(options.findings, kLargestText, "text"), input, options.findings);
  }
  if (options.tables) {
    for (const Archive& archive : input.archives) {
      write_archive_tables(archive, experiment_page(archive, input));
    }
  }
  for (const std::string& path : options.into) {
    const std::string old = read_file(path, kLargestText, "text");
    std::string text = with_section(old, "results", results, path);
    text = with_section(text, "files", files, path);
    if (!options.findings.empty()) text = with_section(text, "findings", findings, path);
    if (text.find("<!-- recollect report: ") == std::string::npos) {
      throw IoError(fmt::format(
          "{}: there is no line <!-- recollect report: results --> to write below", path));
    }
    if (text != old) write_file_atomically(path, text);
  }
  if (options.into.empty() && !options.tables) print(options.findings.empty() ? results : findings);
  return ExitStatus::kDone;
}

}  // namespace

void add_report(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "report", "Sum up the archives of a folder, or a results folder, in Markdown");
  command->add_option("RUNS", options->runs, "A folder of archives, or the --out folder of runs")
      ->required();
  command
      ->add_option("--published", options->published,
                   "Figures of others to set beside ours, e.g. results/published/published.csv")
      ->type_name("FILE");
  command
      ->add_option("--configs", options->configs,
                   "Folder of the configurations that the experiments are run from: the report "
                   "names them, and those that were not run; may be given several times")
      ->type_name("DIR")
      ->allow_extra_args(false);
  command
      ->add_option("--into", options->into,
                   "Write between the lines <!-- recollect report: results --> (or files, for the "
                   "table of configurations) and <!-- recollect report: end --> of this file "
                   "instead of printing; may be given several times")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command
      ->add_option("--findings", options->findings,
                   "Prose in which {{expressions}} stand for figures (docs/conventions.md lists "
                   "them): filled in from the archives, for the section findings")
      ->type_name("FILE");
  command->add_flag("--tables", options->tables,
                    "Write groups.csv and table.md into each archive instead of printing");
  command->callback([options, &action] {
    expect_given(options->runs, "RUNS", "a folder of archives");
    action = [options] { return make_report(*options); };
  });
}

}  // namespace recollect::cli
