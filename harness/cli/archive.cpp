#include "harness/store/archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <system_error>

#include "base/file.hpp"
#include "base/text.hpp"
#include "harness/cli/commands.hpp"
#include "harness/render/report.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/store/archive_places.hpp"
#include "harness/store/gathered_archive.hpp"

namespace recollect::cli {
namespace {

struct Options {
  std::string runs;
  std::string experiment;
  std::string out;
  bool weights = false;
  bool replace = false;
};

/// What is to be written, with the cells of an archive that is already there.
/// @param path  where it will be written
Archive gather(const Options& options, const std::filesystem::path& file, const std::string& name,
               const std::filesystem::path& path) {
  std::vector<std::string> notes;
  Archive gathered = gather_archive(options.runs, file, path, notes);
  for (const std::string& note : notes) report(fmt::format("warning: {}: {}", name, note));
  if (!is_archive(path)) return gathered;
  Archive older;
  try {
    older = read_archive(path);
  } catch (const IoError& error) {
    throw IoError(fmt::format("{}; to archive the cells anew, remove the folder {}", error.what(),
                              path.string()));
  }
  if (const std::size_t lost = lost_cells(older, gathered); lost > 0 && !options.replace) {
    throw IoError(fmt::format(
        "{} is the archive of other settings: {} of its {} would be lost; use another --out or "
        "another name for the experiment, or --replace",
        path.string(), lost, plural(older.cells.size(), "cell")));
  }
  const std::size_t kept = keep_cells_of(older, gathered);
  if (kept > 0) {
    report(fmt::format("{}: keeping {} of the archive that {} does not hold", name,
                       plural(kept, "cell"), options.runs));
  }
  return gathered;
}

void archive_experiment(const Options& options, const std::filesystem::path& file) {
  const std::string name = file.stem().string();
  const Archive gathered = gather(options, file, name, archive_path(options.out, name));
  if (gathered.cells.empty()) {
    report(fmt::format("warning: {}: no cell is done; nothing was written", name));
    return;
  }
  write_archive(gathered);
  write_archive_tables(gathered, experiment_page(gathered, {}));
  if (options.weights) archive_weights(gathered, options.runs);
  print(fmt::format("{}: {}\n", gathered.path.string(), completeness(gathered)));
}

/// The scores of another program's model, which its experiment does not list.
void archive_outside(const Options& options, const std::filesystem::path& file) {
  const std::string experiment = file.parent_path().filename().string();
  const std::filesystem::path path =
      outside_archive_path(options.out, experiment, file.stem().string());
  const Archive gathered = gather(options, file, experiment, path);
  if (gathered.cells.empty()) return;  // a warning said why
  write_archive(gathered);
  const Cell& cell = gathered.file.experiment.cells.front();
  print(fmt::format("{}: scores of '{}', seed {}\n", path.string(), cell.variant.label, cell.seed));
}

/// One experiment that cannot be archived keeps none of the others from it.
ExitStatus archive(const Options& options) {
  ExitStatus status = ExitStatus::kDone;
  const auto each = [&](const std::vector<std::filesystem::path>& files, const auto& archive_one) {
    for (const std::filesystem::path& file : files) {
      try {
        archive_one(options, file);
      } catch (const IoError& error) {
        report(fmt::format("recollect: {}", printable(error.what(), kWhole)));
        status = error.status();
      }
    }
  };
  const ResultFiles files = result_files(options.runs, options.experiment);
  each(files.trained, archive_experiment);
  each(files.outside, archive_outside);
  return status;
}

}  // namespace

void add_archive(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "archive",
      "Put the finished cells of a results folder into a few text files, for version "
      "control; run --reuse takes them from there");
  command->add_option("RUNS", options->runs, "The --out folder of one or more runs")->required();
  command->add_option("--experiment", options->experiment, "Only the experiment of this name")
      ->type_name("NAME");
  command
      ->add_option("--out", options->out,
                   "Folder of the archives, e.g. results/reference; each experiment gets its own "
                   "in it")
      ->type_name("DIR")
      ->required();
  command->add_flag("--weights", options->weights,
                    "Also keep the best weights of one cell for each variant, the first one");
  command->add_flag("--replace", options->replace,
                    "Let an archive of other settings under the same name go, with its cells");
  command->callback([options, &action] {
    expect_given(options->runs, "RUNS", "the --out folder of a run");
    expect_given(options->out, "--out", "a folder for the archives");
    action = [options] { return archive(*options); };
  });
}

}  // namespace recollect::cli
