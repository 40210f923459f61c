#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "harness/cli/output.hpp"

namespace recollect::cli {

/// What the chosen subcommand does once the whole command line has been found right.
using Action = std::function<ExitStatus()>;

/// Each adds one subcommand to `app`; choosing it sets `action`.
void add_run(CLI::App& app, Action& action);
void add_table(CLI::App& app, Action& action);
void add_archive(CLI::App& app, Action& action);
void add_report(CLI::App& app, Action& action);
void add_list(CLI::App& app, Action& action);
void add_check(CLI::App& app, Action& action);
void add_show(CLI::App& app, Action& action);
void add_inspect(CLI::App& app, Action& action);
void add_generate(CLI::App& app, Action& action);
void add_score(CLI::App& app, Action& action);
void add_bench(CLI::App& app, Action& action);
void add_compare(CLI::App& app, Action& action);
void add_plot(CLI::App& app, Action& action);
void add_slurm(CLI::App& app, Action& action);

/// A command line that is wrong. The line names the argument and, if there is one, the nearest
/// right one.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(ExitStatus::kUsage, message) {}
};

/// What `work` gives; a key of the command line that it finds wrong is a UsageError.
template <class Work>
auto as_usage(Work&& work) {
  try {
    return work();
  } catch (const FieldError& error) {
    throw UsageError(fmt::format("{} {}", error.key(), error.detail()));
  }
}

/// Refuses an argument that is there but empty, as an unset variable of a shell leaves it.
/// @param what  what to give instead @throws UsageError
void expect_given(const std::string& value, const char* name, const char* what);
inline constexpr const char* kAConfiguration = "the path of a configuration file";

/// For options whose value is a number: low..high, and not nan, which lies in no range and beyond
/// none.
[[nodiscard]] CLI::Validator within(double low, double high);

/// CONFIG and --set, which several subcommands share.
void add_config_options(CLI::App& command, std::string& config,
                        std::vector<std::string>& overrides);

}  // namespace recollect::cli
