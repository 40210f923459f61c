#include "harness/compare/compare.hpp"

#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "base/file.hpp"
#include "harness/cli/commands.hpp"
#include "harness/compare/comparison_text.hpp"

namespace recollect::cli {
namespace {

struct Options {
  std::string base;
  std::string now;
  std::string experiment;
  std::vector<std::string> tolerances;
  double alpha = CompareRules{}.alpha;
  std::string format = "text";
  std::string output;
};

/// @throws UsageError
Metric metric_named(const std::string& name) {
  std::vector<std::string> known;
  for (const Metric metric : kMetrics) {
    if (name_of(metric) == name) return metric;
    known.emplace_back(name_of(metric));
  }
  const std::string near = nearest_name(name, known);
  throw UsageError(fmt::format("--tolerance: unknown metric '{}'{}; known: {}", name,
                               near.empty() ? "" : fmt::format(", did you mean '{}'?", near),
                               fmt::join(known, ", ")));
}

/// @throws UsageError
CompareRules rules_of(const Options& options) {
  CompareRules rules;
  if (!(options.alpha > 0.0 && options.alpha < 1.0)) {
    throw UsageError(fmt::format("--alpha {} is not between 0 and 1", options.alpha));
  }
  rules.alpha = options.alpha;
  for (const std::string& text : options.tolerances) {
    const std::size_t cut = text.find('=');
    if (cut == std::string::npos) {
      throw UsageError(
          fmt::format("--tolerance '{}' is not METRIC=VALUE, e.g. accuracy=0.02", text));
    }
    auto& tolerance = rules.tolerances[static_cast<std::size_t>(metric_named(text.substr(0, cut)))];
    const std::string value = text.substr(cut + 1);
    if (value == "none") {
      tolerance.reset();
      continue;
    }
    try {
      tolerance = to_real(value);
    } catch (const IoError&) {
      tolerance = -1.0;
    }
    if (!(*tolerance >= 0.0) || !std::isfinite(*tolerance)) {
      throw UsageError(fmt::format(
          "--tolerance '{}': '{}' is neither a number of 0 or more nor none", text, value));
    }
  }
  return rules;
}

ExitStatus run_compare(const Options& options, const CompareRules& rules) {
  const ResultSet base = read_result_set(options.base, options.experiment);
  const ResultSet now = read_result_set(options.now, options.experiment);
  for (const ResultSet* side : {&base, &now}) {
    for (const std::string& warning : side->warnings) {
      report(fmt::format("warning: {}: {}", side->name, warning));
    }
  }
  const ResultComparison comparison = compare(base, now, rules);
  const auto render = options.format == "text"       ? comparison_text
                      : options.format == "markdown" ? comparison_markdown
                      : options.format == "json"     ? comparison_json
                                                     : comparison_junit;
  const std::string text = render(comparison, base, now, rules);
  if (options.output.empty()) {
    print(text);
  } else {
    write_file_atomically(options.output, text);
  }
  if (!comparison.mismatches.empty()) return ExitStatus::kCannotCompare;
  return comparison.worse() ? ExitStatus::kRegression : ExitStatus::kDone;
}

}  // namespace

void add_compare(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "compare", "Say whether the results of NEW are worse than those of BASE: status 0, 1 or 2");
  command
      ->add_option(
          "BASE", options->base,
          "The --out folder of a run, an archive, or a table that `table --rows cells` printed")
      ->required();
  command->add_option("NEW", options->now, "The same, of what is to be judged")->required();
  command
      ->add_option("--tolerance", options->tolerances,
                   "How much worse a metric may be: accuracy=0.01, exact_match=0.01, loss=0.05 "
                   "(nats), solved=0 (share of the seeds), solved_step=none (steps) unless given; "
                   "none: shown, but decides nothing")
      ->type_name("METRIC=VALUE")
      ->allow_extra_args(false);
  command
      ->add_option("--alpha", options->alpha, "Level of the tests, all groups of a metric together")
      ->capture_default_str();
  command->add_option("--experiment", options->experiment, "Only the experiment of this name")
      ->type_name("NAME");
  command
      ->add_option("--format", options->format,
                   "text (what differs), markdown or json (every value), or junit (XML)")
      ->check(CLI::IsMember({"text", "markdown", "json", "junit"}))
      ->type_name("FORMAT")
      ->capture_default_str();
  command->add_option("--output", options->output, "Write it to this file instead of printing it")
      ->type_name("FILE");
  command->callback([options, &action] {
    constexpr const char* kResults = "the --out folder of a run, or a table of its cells";
    expect_given(options->base, "BASE", kResults);
    expect_given(options->now, "NEW", kResults);
    action = [options, rules = rules_of(*options)] { return run_compare(*options, rules); };
  });
}

}  // namespace recollect::cli
