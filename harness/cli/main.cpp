#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <functional>
#include <string_view>

#include "base/build_info.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"
#include "harness/cli/cli_main.hpp"
#include "harness/cli/commands.hpp"
#include "harness/cli/failure.hpp"
#include "harness/cli/spinning.hpp"

namespace recollect::cli {
namespace {

constexpr const char* kExitStatuses =
    "Exit status:\n"
    "  0   done; compare: nothing is worse\n"
    "  1   regression found: compare met something worse, run --verify other bytes\n"
    "  2   cannot compare: the two sides of compare differ in more than results; run --verify met "
    "cells of another build that differ, or could not re-run\n"
    "  3   the configuration is wrong; nothing was written\n"
    "  4   some cells failed or diverged; the others are done\n"
    "  5   input or output: files, space, permissions; or not enough memory for the program "
    "itself\n"
    "  6   undecided: compare met nothing that is shown to be worse, and something that may be\n"
    "  64  the command line is wrong\n"
    "  69  built for a processor with more instructions than this one has\n"
    "  70  a bug in this program\n"
    "  129 stopped by SIGHUP; the same command goes on from there\n"
    "  130 stopped by SIGINT (Ctrl-C); likewise\n"
    "  138 stopped by SIGUSR1; likewise\n"
    "  140 stopped by SIGUSR2; likewise\n"
    "  143 stopped by SIGTERM; likewise";

std::string version() {
  return fmt::format("recollect {}\ncode version  {}\ncompiler      {}\nbuild         {}\n",
                     RECOLLECT_VERSION, code_version(), compiler(), build());
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

/// `--out --dry-run` forgets a value; it does not name a folder "--dry-run".
void refuse_options_as_values(CLI::App& app) {
  for (CLI::App* command : app.get_subcommands({})) {
    std::vector<std::string> names = option_names(*command);
    names.emplace_back("-h");
    const auto check = [names](const std::string& value) -> std::string {
      const std::string name = value.substr(0, value.find('='));
      const bool is_option = std::find(names.begin(), names.end(), name) != names.end();
      return is_option ? fmt::format("needs a value, and {} is an option", name) : "";
    };
    for (CLI::Option* option : command->get_options()) {
      if (option->get_items_expected_max() > 0) option->check(CLI::Validator(check, ""));
    }
  }
}

[[noreturn]] void reject_argument(const CLI::App& app, const std::string& argument) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  const CLI::App& command = chosen.empty() ? app : *chosen.front();
  const bool flag = argument.starts_with("-");
  const std::string name = argument.substr(0, argument.find('='));
  const char* kind = flag ? "option" : chosen.empty() ? "subcommand" : "argument";
  std::string near;
  if (flag) {
    near = nearest_name(name, option_names(command));
  } else if (chosen.empty()) {
    near = nearest_name(name, subcommand_names(app));
  }
  throw UsageError(fmt::format("unknown {} '{}'{}", kind, argument,
                               near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
}

/// Rejects the first argument that looks like an option but is not a known one. @throws UsageError
void reject_unknown_option(const CLI::App& app) {
  for (const std::string& argument : app.remaining(/*recurse=*/true)) {
    if (argument.starts_with("-")) reject_argument(app, argument);
  }
}

ExitStatus run(int argc, char** argv) {
  CLI::App app(
      "Trains small sequence models on synthetic recall tasks and scores them across lengths.",
      "recollect");
  app.footer(kExitStatuses);
  app.set_version_flag("--version", version, "Print version, code version, compiler and build");
  app.allow_extras();  // so that we can say what was meant; see below
  Action action;
  add_run(app, action);
  add_table(app, action);
  add_report(app, action);
  add_plot(app, action);
  add_archive(app, action);
  add_compare(app, action);
  add_list(app, action);
  add_check(app, action);
  add_show(app, action);
  add_inspect(app, action);
  add_generate(app, action);
  add_score(app, action);
  add_bench(app, action);
  add_slurm(app, action);

  refuse_options_as_values(app);

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    print(wrapped(app.help(), output_width()));
  } catch (const CLI::CallForVersion&) {
    print(version());
  } catch (const CLI::ParseError& error) {
    reject_unknown_option(app);  // what else is missing may have been meant by it
    throw UsageError(error.what());
  } catch (const UsageError&) {  // of a command that looks at its arguments
    reject_unknown_option(app);
    throw;
  }
  reject_unknown_option(app);  // it leaves its value behind, too: the option is the mistake
  if (const std::vector<std::string> extra = app.remaining(/*recurse=*/true); !extra.empty()) {
    reject_argument(app, extra.front());
  }
  return action ? action() : ExitStatus::kDone;
}

/// What a shell has to be given to do the same again.
std::string command_line(int argc, char** argv) {
  std::string line;
  for (int i = 0; i < argc; ++i) line += (i > 0 ? " " : "") + shell_word(argv[i]);
  return line;
}

int main(int argc, char** argv, const std::function<void()>& before) {
  // A limit on the size of files is to be an error like a full disk, not a kill.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    if (before) before();
    if (argc < 2) throw UsageError("a subcommand is missing");
    const ExitStatus status = run(argc, argv);
    flush_output();
    return static_cast<int>(status);
  } catch (const Interrupted& stopped) {
    report(fmt::format("recollect: {}: {}", printable(stopped.what(), kWhole),
                       printable(command_line(argc, argv), kWhole)));
    return static_cast<int>(stopped.status());
  } catch (const std::exception&) {
    const Failure failure = failure_of(std::current_exception());
    report(failure.line);
    return failure.status;
  }
}

}  // namespace

void expect_given(const std::string& value, const char* name, const char* what) {
  if (value.empty()) throw UsageError(fmt::format("{} is empty; give {}", name, what));
}

CLI::Validator within(double low, double high) {
  const auto check = [low, high](const std::string& text) -> std::string {
    double value = 0.0;
    if (CLI::detail::lexical_cast(text, value) && value >= low && value <= high) return "";
    return fmt::format("Value {} not in range {} to {}", text, low, high);
  };
  return CLI::Validator(check, "");
}

void add_config_options(CLI::App& command, std::string& config,
                        std::vector<std::string>& overrides) {
  command.add_option("CONFIG", config, "A configuration file")->required();
  command
      .add_option("--set", overrides,
                  "Override an option of the configuration, with its key in full: "
                  "--set train.steps=100")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

}  // namespace recollect::cli

int recollect::cli_main(int argc, char** argv, const std::function<void()>& before) {
  cli::bound_spinning(argv);
  return cli::main(argc, argv, before);
}
