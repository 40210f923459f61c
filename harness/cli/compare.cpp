#include "harness/compare/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>

#include "base/file.hpp"
#include "harness/cli/commands.hpp"
#include "harness/compare/comparison_text.hpp"
#include "harness/compare/effects.hpp"

namespace recollect::cli {
namespace {

struct Options {
  std::string base;
  std::string now;
  std::vector<std::string> experiments;
  std::string by;
  std::string against;
  std::string select;
  std::string metric = "accuracy";
  std::vector<std::string> scores;
  std::vector<std::string> tolerances;
  double alpha = CompareRules{}.alpha;
  std::string undecided = "auto";
  std::string format = "text";
  std::string output;
};

/// @throws UsageError
Metric metric_named(const std::string& option, const std::string& name) {
  std::vector<std::string> known;
  for (const Metric metric : kScoreMetrics) {
    if (name_of(metric) == name) return metric;
    known.emplace_back(name_of(metric));
  }
  const std::string near = nearest_name(name, known);
  throw UsageError(fmt::format("{}: unknown metric '{}'{}; known: {}", option, name,
                               near.empty() ? "" : fmt::format(", did you mean '{}'?", near),
                               fmt::join(known, ", ")));
}

/// "best,test,128" or "final,validation,train". @throws UsageError
ScoreChoice score_named(const std::string& text) {
  const auto refuse = [&]() -> UsageError {
    return UsageError(
        fmt::format("--score '{}' is neither all nor WEIGHTS,SPLIT,LENGTH, e.g. best,test,128 or "
                    "final,validation,train",
                    text));
  };
  const std::size_t first = text.find(',');
  const std::size_t second = first == std::string::npos ? first : text.find(',', first + 1);
  if (second == std::string::npos) throw refuse();
  const std::string weights = text.substr(0, first);
  const std::string split = text.substr(first + 1, second - first - 1);
  const std::string length = text.substr(second + 1);
  ScoreChoice choice;
  if (weights != "best" && weights != "final") throw refuse();
  choice.weights = weights == "best" ? Weights::kBest : Weights::kFinal;
  if (split != "test" && split != "validation") throw refuse();
  choice.split = split == "test" ? Split::kTest : Split::kValidation;
  if (length == "train") return choice;
  std::int64_t value = 0;
  const auto read = std::from_chars(length.data(), length.data() + length.size(), value);
  if (read.ec != std::errc() || read.ptr != length.data() + length.size() || value < 1) {
    throw refuse();
  }
  choice.length = value;
  return choice;
}

/// "0.02", of the metric that judges, or "loss=0.02". @throws UsageError
void read_tolerance(CompareRules& rules, const std::string& text) {
  const std::size_t cut = text.find('=');
  const Metric metric =
      cut == std::string::npos ? rules.metric : metric_named("--tolerance", text.substr(0, cut));
  const std::string value = cut == std::string::npos ? text : text.substr(cut + 1);
  double tolerance = -1.0;
  try {
    tolerance = to_real(value);
  } catch (const IoError&) {
  }
  if (!(tolerance >= 0.0) || !std::isfinite(tolerance)) {
    throw UsageError(
        fmt::format("--tolerance '{}': '{}' is no number of 0 or more, as in 0.02 or accuracy=0.02",
                    text, value));
  }
  rules.tolerances[static_cast<std::size_t>(metric)] = tolerance;
}

/// @throws UsageError
CompareRules rules_of(const Options& options) {
  CompareRules rules;
  if (!(options.alpha > 0.0 && options.alpha < 1.0)) {
    throw UsageError(fmt::format("--alpha {} is not between 0 and 1", options.alpha));
  }
  rules.alpha = options.alpha;
  rules.metric = metric_named("--metric", options.metric);
  for (const std::string& text : options.tolerances) read_tolerance(rules, text);
  if (!options.scores.empty()) rules.scores.clear();
  for (const std::string& text : options.scores) {
    if (text == "all") {
      rules.every_score = true;
    } else {
      rules.scores.push_back(score_named(text));
    }
  }
  rules.undecided = options.undecided == "auto"   ? Undecided::kAuto
                    : options.undecided == "fail" ? Undecided::kFail
                                                  : Undecided::kPass;
  return rules;
}

void deliver(const Options& options, const std::string& text) {
  if (options.output.empty()) {
    print(text);
  } else {
    write_file_atomically(options.output, text);
  }
}

ResultSet read_side(const std::string& path, const Options& options, ExactExamples exact) {
  ResultSet side = read_result_set(path, options.experiments, exact);
  for (const std::string& warning : side.warnings) {
    report(fmt::format("warning: {}: {}", side.name, warning));
  }
  return side;
}

ExitStatus run_compare(const Options& options, const CompareRules& rules) {
  const ResultSet base = read_side(options.base, options, ExactExamples::kRead);
  const ResultSet now = read_side(options.now, options, ExactExamples::kRead);
  const ResultComparison comparison = compare(base, now, rules);
  const auto render = options.format == "text"       ? comparison_text
                      : options.format == "markdown" ? comparison_markdown
                      : options.format == "json"     ? comparison_json
                                                     : comparison_junit;
  deliver(options, render(comparison, base, now, rules));
  if (!comparison.mismatches.empty()) return ExitStatus::kCannotCompare;
  if (comparison.worse()) return ExitStatus::kRegression;
  return comparison.undecided(rules) ? ExitStatus::kUndecided : ExitStatus::kDone;
}

ExitStatus run_by(const Options& options, const CompareRules& rules) {
  ResultSet set = read_side(options.base, options, ExactExamples::kLeaveOut);
  std::vector<SelectedValue> selected;
  if (!options.select.empty()) {
    selected = as_usage([&] { return keep_selected(set.cells, parse_select(options.select)); });
    set.exact.assign(set.cells.size(), std::nullopt);
  }
  Effects effects = effects_of(set, {options.by, options.against, rules.scores.front()});
  effects.selected = std::move(selected);
  const auto render = options.format == "json"       ? effects_json
                      : options.format == "csv"      ? effects_csv
                      : options.format == "markdown" ? effects_markdown
                                                     : effects_text;
  deliver(options, render(effects, set));
  return ExitStatus::kDone;
}

/// @throws UsageError
void check_form(const Options& options) {
  if (options.by.empty()) {
    if (options.now.empty()) {
      throw UsageError("compare needs NEW, or --by to compare within one set of results");
    }
    if (!options.against.empty()) throw UsageError("--against belongs to --by");
    if (!options.select.empty()) throw UsageError("--select belongs to --by");
    if (options.format == "csv") throw UsageError("--format csv belongs to --by");
    return;
  }
  if (!options.now.empty()) {
    throw UsageError("--by compares within one set of results; leave NEW out");
  }
  if (!options.select.empty()) {
    const SelectRequest request = as_usage([&] { return parse_select(options.select); });
    if (std::find(request.keys.begin(), request.keys.end(), options.by) != request.keys.end()) {
      throw UsageError(fmt::format(
          "--select leaves one value of {} to each variant; leave it out, or give --by variant",
          options.by));
    }
  }
  if (options.format == "junit") throw UsageError("--format junit does not go with --by");
  if (options.metric != "accuracy") throw UsageError("--metric does not go with --by");
  if (!options.tolerances.empty()) throw UsageError("--tolerance does not go with --by");
  if (options.alpha != CompareRules{}.alpha) throw UsageError("--alpha does not go with --by");
  if (options.undecided != "auto") throw UsageError("--undecided does not go with --by");
  if (options.scores.size() > 1 || (!options.scores.empty() && options.scores[0] == "all")) {
    throw UsageError("--by takes one --score");
  }
}

void add_judging(CLI::App& command, Options& options) {
  command
      .add_option("--score", options.scores,
                  "What judges a group, WEIGHTS,SPLIT,LENGTH: best,test,train unless given; may be "
                  "given several times; all: each score")
      ->type_name("SCORE")
      ->allow_extra_args(false);
  command.add_option("--metric", options.metric, "accuracy, exact_match or loss")
      ->type_name("METRIC")
      ->capture_default_str();
  command
      .add_option("--tolerance", options.tolerances,
                  "How much worse is still the same: 0.01, of loss 0.05 (nats), unless given; also "
                  "METRIC=VALUE")
      ->type_name("VALUE")
      ->allow_extra_args(false);
  command
      .add_option("--alpha", options.alpha,
                  "Probability of a wrong verdict among all groups together")
      ->capture_default_str();
  command
      .add_option("--undecided", options.undecided,
                  "auto: an undecided group fails (status 6) where a seed was lost or its mean is "
                  "worse by more than the tolerance; fail: always; pass: never")
      ->check(CLI::IsMember({"auto", "fail", "pass"}))
      ->type_name("WHAT")
      ->capture_default_str();
}

}  // namespace

void add_compare(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "compare",
      "Say whether the results of NEW are worse than those of BASE (status 0, 1, 2 or 6), or with "
      "--by set variants or options of one set of results against each other");
  command
      ->add_option("BASE", options->base,
                   "The --out folder of a run, an archive, a folder of archives, or a table that "
                   "`table --rows cells` printed")
      ->required();
  command->add_option("NEW", options->now, "The same, of what is to be judged");
  add_judging(*command, *options);
  command
      ->add_option("--by", options->by,
                   "Within BASE: variant, or an option such as train.learning_rate; paired by seed")
      ->type_name("OPTION");
  command
      ->add_option("--against", options->against,
                   "With --by: the value that the others are set against; all pairs unless given")
      ->type_name("VALUE");
  command
      ->add_option("--select", options->select,
                   "With --by: of each variant and setting only the value of these options that "
                   "its validation score prefers, as in `table --select`")
      ->type_name("KEYS");
  command
      ->add_option("--experiment", options->experiments,
                   "Only the experiment of this name; may be given several times")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command
      ->add_option("--format", options->format,
                   "text (what differs), markdown or json (every value), junit (XML), or with --by "
                   "csv")
      ->check(CLI::IsMember({"text", "markdown", "json", "junit", "csv"}))
      ->type_name("FORMAT")
      ->capture_default_str();
  command->add_option("--output", options->output, "Write it to this file instead of printing it")
      ->type_name("FILE");
  command->callback([options, command, &action] {
    constexpr const char* kResults = "the --out folder of a run, or a table of its cells";
    expect_given(options->base, "BASE", kResults);
    if (command->count("NEW") > 0) expect_given(options->now, "NEW", kResults);
    check_form(*options);
    action = [options, rules = rules_of(*options)] {
      return options->by.empty() ? run_compare(*options, rules) : run_by(*options, rules);
    };
  });
}

}  // namespace recollect::cli
