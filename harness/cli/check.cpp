#include <fmt/format.h>

#include <memory>

#include "harness/cli/commands.hpp"
#include "harness/config/load.hpp"
#include "harness/train/leakage.hpp"
#include "math/parallel.hpp"

namespace recollect::cli {

void add_check(CLI::App& app, Action& action) {
  struct Options {
    std::string config;
    std::vector<std::string> overrides;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("check", "Validate a configuration and print it with every default");
  add_config_options(*command, options->config, options->overrides);
  command->callback([options, &action] {
    expect_given(options->config, "CONFIG", kAConfiguration);
    action = [options] {
      const Experiment experiment = load_experiment(options->config, options->overrides);
      for (const std::string& warning : experiment.warnings) {
        report(fmt::format("warning: {}", warning));
      }
      print(experiment.resolved);
      if (!experiment.resolved.ends_with('\n')) print("\n");
      for (const std::string& line : describe(count_leakage(experiment, available_cores()))) {
        report(line);
      }
      return ExitStatus::kDone;
    };
  });
}

}  // namespace recollect::cli
