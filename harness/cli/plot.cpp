#include "harness/plot/plot.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "harness/cli/commands.hpp"

namespace recollect::cli {
namespace {

struct Options {
  std::string results;
  std::string out;
  std::string published;
  std::vector<std::string> what;
  std::vector<std::string> experiments;
  bool dark = false;
};

ExitStatus draw(const Options& options) {
  const bool beside_published =
      std::find(options.what.begin(), options.what.end(), "published") != options.what.end();
  if (beside_published && options.published.empty()) {
    throw UsageError(
        "--what published needs --published FILE, e.g. results/published/published.csv");
  }
  const plot::PlotReport done =
      plot::make_pictures({options.results, options.what, options.experiments, options.out,
                           options.published, options.dark});
  for (const std::string& note : done.notes) report(note);
  for (const std::filesystem::path& file : done.files) print(file.string() + '\n');
  return ExitStatus::kDone;
}

}  // namespace

void add_plot(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "plot", "Draw pictures of results (through gnuplot), with the numbers beside each");
  command
      ->add_option("RESULTS", options->results,
                   "The --out folder of one or more runs, an archive, a folder of archives, or a "
                   "table that `table --rows cells` printed")
      ->required();
  command
      ->add_option("--what", options->what,
                   fmt::format("Only these pictures, with commas between: {}",
                               fmt::join(plot::picture_names(), ", ")))
      ->delimiter(',')
      ->check(CLI::IsMember(plot::picture_names()))
      ->type_name("NAME,...");
  command
      ->add_option("--experiment", options->experiments,
                   "Only the experiment of this name, or A+B: both in one picture; may be given "
                   "several times")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command
      ->add_option("--published", options->published,
                   "Figures of others for the picture published, e.g. "
                   "results/published/published.csv")
      ->type_name("FILE");
  command->add_flag("--dark", options->dark,
                    "Also NAME-dark.png, for slides; an SVG has both schemes");
  command->add_option("--out", options->out, "Folder for the pictures")
      ->required()
      ->type_name("DIR");
  command->callback([options, &action] {
    expect_given(options->results, "RESULTS", "the --out folder of a run");
    expect_given(options->out, "--out", "a folder");
    action = [options] { return draw(*options); };
  });
}

}  // namespace recollect::cli
