#include "harness/render/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/file.hpp"
#include "harness/cli/commands.hpp"
#include "harness/compare/findings.hpp"
#include "harness/page/page.hpp"
#include "harness/plot/files.hpp"
#include "harness/plot/svg.hpp"
#include "harness/plot/trained_maps.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/archive_places.hpp"
#include "harness/store/gathered_archive.hpp"

namespace recollect::cli {
namespace {

struct Options {
  std::string runs;
  std::string published;
  std::string rankings;
  std::vector<std::string> configs;
  std::vector<std::string> into;
  std::string findings;
  bool tables = false;
  std::string html;
  std::vector<std::string> experiments;
  std::string title;
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

/// A table has no archives. Of one experiment alone, those of others are left out.
std::vector<Archive> archives_for_page(const Options& options, const plot::Material& material) {
  std::vector<Archive> archives;
  if (!std::filesystem::is_directory(options.runs)) return archives;
  for (Archive& archive : archives_of(options)) {
    const bool wanted = std::any_of(
        material.studies.begin(), material.studies.end(), [&](const plot::Study& study) {
          return std::find(study.experiments.begin(), study.experiments.end(),
                           archive.file.experiment.name) != study.experiments.end();
        });
    if (wanted) archives.push_back(std::move(archive));
  }
  return archives;
}

/// Of the weights that are kept; they are drawn by gnuplot, without which the page goes without.
std::vector<page::LambdaMap> lambda_maps(const Options& options, const plot::Material& material) {
  std::vector<std::string> notes;
  const std::vector<plot::TrainedMap> drawn =
      plot::trained_maps(options.runs, material.results.cells, notes);
  for (const std::string& note : notes) report(note);
  std::vector<page::LambdaMap> maps;
  if (drawn.empty()) return maps;
  if (!plot::has_gnuplot()) {
    report("no maps of lambda on the page: gnuplot is not installed (gnuplot-nox)");
    return maps;
  }
  for (const plot::TrainedMap& one : drawn) {
    page::LambdaMap map{one.named.variant,
                        one.named.label,
                        fmt::format("{}, {}", one.named.label, one.experiment),
                        plot::for_page(one.figure, plot::svg_of(one.figure), ".lambda-map"),
                        one.figure.summary,
                        {}};
    for (const auto& [layer, index] : one.indices) map.indices.push_back({layer, index});
    maps.push_back(std::move(map));
  }
  return maps;
}

ExitStatus make_html(const Options& options) {
  const plot::Material material =
      plot::read_material(options.runs, options.experiments, {.histories = true, .slices = true});
  for (const std::string& warning : material.results.warnings) report("warning: " + warning);
  page::PageInput input{options.runs, options.title, material, {}, {}, {}, {}};
  input.archives = archives_for_page(options, material);
  for (const std::string& folder : options.configs) {
    for (ConfigurationFile& file : read_configurations(folder)) {
      input.configurations.push_back(std::move(file));
    }
  }
  if (!options.published.empty()) {
    input.published = compare_published(material.groups, read_published(options.published));
  }
  input.lambda_maps = lambda_maps(options, material);
  write_file_atomically(options.html, page::make_page(input));
  print(options.html + '\n');
  return ExitStatus::kDone;
}

ExitStatus make_report(const Options& options) {
  if (!options.html.empty()) return make_html(options);
  if (options.tables && is_results_folder(options.runs)) {
    throw UsageError(
        fmt::format("--tables needs a folder of archives, and {} holds runs", options.runs));
  }
  ReportInput input;
  input.archives = archives_of(options);
  if (!options.published.empty()) input.figures = read_published(options.published);
  if (!options.rankings.empty()) input.rankings = read_rankings(options.rankings);
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
      "report", "Sum up the archives of a folder, or a results folder, in Markdown or as a page");
  command->add_option("RUNS", options->runs, "A folder of archives, or the --out folder of runs")
      ->required();
  CLI::Option* html =
      command
          ->add_option("--html", options->html,
                       "Write one HTML file instead: what the tests say, every seed, curves, "
                       "tables, configurations; it needs no network and opens from disk. RUNS may "
                       "then be a table of cells, too")
          ->type_name("FILE");
  command
      ->add_option("--experiment", options->experiments,
                   "Only the experiment of this name, or A+B: both together; may be given several "
                   "times; for --html")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->needs(html);
  command->add_option("--title", options->title, "Title of the page, for --html")
      ->type_name("TEXT")
      ->needs(html);
  command
      ->add_option("--published", options->published,
                   "Figures of others to set beside ours, e.g. results/published/published.csv")
      ->type_name("FILE");
  CLI::Option* rankings =
      command
          ->add_option(
              "--rankings", options->rankings,
              "Tables of others that rank models, e.g. results/published/rankings.csv, for "
              "the expressions {{ranking NAME}} of --findings")
          ->type_name("FILE");
  command
      ->add_option("--configs", options->configs,
                   "Folder of the configurations that the experiments are run from: the report "
                   "names them, and those that were not run; may be given several times")
      ->type_name("DIR")
      ->allow_extra_args(false);
  CLI::Option* into =
      command
          ->add_option(
              "--into", options->into,
              "Write between the lines <!-- recollect report: results --> (or files, for the "
              "table of configurations) and <!-- recollect report: end --> of this file "
              "instead of printing; may be given several times")
          ->type_name("FILE")
          ->allow_extra_args(false);
  CLI::Option* findings =
      command
          ->add_option(
              "--findings", options->findings,
              "Prose in which {{expressions}} stand for figures (docs/conventions.md lists "
              "them): filled in from the archives, for the section findings")
          ->type_name("FILE");
  rankings->needs(findings);
  CLI::Option* tables =
      command->add_flag("--tables", options->tables,
                        "Write groups.csv and table.md into each archive instead of printing");
  html->excludes(into)->excludes(findings)->excludes(tables);
  command->callback([options, html, &action] {
    expect_given(options->runs, "RUNS", "a folder of archives");
    if (html->count() > 0) expect_given(options->html, "--html", "a file to write");
    action = [options] { return make_report(*options); };
  });
}

}  // namespace recollect::cli
