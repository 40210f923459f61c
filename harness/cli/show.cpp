#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "harness/cli/commands.hpp"
#include "harness/cli/example_choice.hpp"
#include "harness/config/load.hpp"
#include "harness/config/task_text.hpp"
#include "harness/show/example_json.hpp"
#include "harness/show/example_text.hpp"

namespace recollect::cli {
namespace {

constexpr std::size_t kMostListed = 8;
constexpr std::size_t kWidestTerminal = 1000;

struct Options {
  std::string config;
  std::vector<std::string> overrides;
  std::string split = "train";
  std::int64_t example = 0;
  std::optional<std::int64_t> length;
  std::optional<std::int64_t> cell;
  std::optional<std::int64_t> seed;
  std::string format = "text";
};

/// "1, 2, 3 and 5 more".
template <class Items>
std::string listed(const Items& items) {
  std::vector<std::string> texts;
  for (const auto& item : items) {
    if (texts.size() < kMostListed) texts.push_back(fmt::format("{}", item));
  }
  std::string text = fmt::format("{}", fmt::join(texts, ", "));
  if (items.size() > texts.size()) text += fmt::format(" and {} more", items.size() - texts.size());
  return text;
}

/// The place of the cell that is asked for.
std::size_t chosen_cell(const std::vector<Cell>& cells, const Options& options) {
  if (options.cell) {
    const auto count = static_cast<std::int64_t>(cells.size());
    if (*options.cell < 1 || *options.cell > count) {
      throw UsageError(fmt::format(
          "--cell {} is not in 1..{}, the cells of this configuration; choose one of these",
          *options.cell, count));
    }
    return static_cast<std::size_t>(*options.cell - 1);
  }
  if (!options.seed) return 0;
  const auto found = std::find_if(cells.begin(), cells.end(),
                                  [&](const Cell& cell) { return cell.seed == *options.seed; });
  if (found == cells.end()) {
    std::set<std::int64_t> seeds;
    for (const Cell& cell : cells) seeds.insert(cell.seed);
    throw UsageError(fmt::format(
        "--seed {} is none of the seeds of this configuration ({}); choose one of them, or add it "
        "to `seeds`",
        *options.seed, listed(seeds)));
  }
  return static_cast<std::size_t>(found - cells.begin());
}

/// The length that is asked for; else the trained one, or the shortest that is scored.
std::int64_t chosen_length(const Cell& cell, Split split, const Options& options) {
  const std::vector<std::int64_t> lengths = lengths_of(cell, split);
  const auto has = [&](std::int64_t length) {
    return std::find(lengths.begin(), lengths.end(), length) != lengths.end();
  };
  if (!options.length) return trained_or_shortest(cell, split);
  if (has(*options.length)) return *options.length;
  throw UsageError(fmt::format(
      "--length {} has no {} examples, which are of length {}; choose {}, or {}", *options.length,
      name_of(split), listed(lengths), lengths.size() == 1 ? "that" : "one of these",
      split == Split::kTrain ? "another --split" : "add it to eval.lengths"));
}

/// The tasks that cells are crossed with, at the trained length: the first cell of each, and what
/// tells them apart.
std::vector<std::string> crossed_tasks(const std::vector<Cell>& cells) {
  std::vector<std::size_t> firsts;
  std::set<std::string> known;
  std::set<std::string> names;
  std::map<std::string, std::set<std::string>> values;  // of "task option"
  const auto each_option = [](const Cell& cell, const auto& use) {
    const std::unique_ptr<TaskSettings> settings = cell.task->clone();
    for (const Field& field : settings->fields()) {
      use(fmt::format("{} {}", settings->name(), field.name), field);
    }
  };
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (!known.insert(task_text(*cells[i].task, cells[i].task->length)).second) continue;
    firsts.push_back(i);
    names.emplace(cells[i].task->name());
    each_option(cells[i], [&](const std::string& key, const Field& field) {
      values[key].insert(field.text());
    });
  }
  std::vector<std::string> tasks;
  for (const std::size_t i : firsts) {
    std::vector<std::string> parts;
    if (names.size() > 1) parts.emplace_back(cells[i].task->name());
    each_option(cells[i], [&](const std::string& key, const Field& field) {
      if (values[key].size() > 1) parts.push_back(fmt::format("{} {}", field.name, field.text()));
    });
    tasks.push_back(fmt::format("{} ({})", i + 1, fmt::join(parts, ", ")));
  }
  return tasks;
}

ExitStatus show(const Options& options) {
  const Split split = split_named(options.split);
  const Experiment experiment = load_experiment(options.config, options.overrides);
  const std::vector<Cell>& cells = experiment.cells;
  const std::size_t place = chosen_cell(cells, options);
  const Cell& cell = cells[place];
  expect_example(cell, split, options.example);
  const std::int64_t length = chosen_length(cell, split, options);
  if (!options.cell) {
    const std::vector<std::string> tasks = crossed_tasks(cells);
    if (tasks.size() > 1) {
      report(
          fmt::format("note: {} tasks are crossed here; shown is that of cell {}; choose with "
                      "--cell N: {}",
                      tasks.size(), place + 1, listed(tasks)));
    }
  }
  const ShownExample shown =
      shown_example({cell, place + 1, cells.size()}, split, options.example, length);
  print(options.format == "json" ? example_json(shown)
                                 : example_text(shown, output_width(kWidestTerminal)));
  return ExitStatus::kDone;
}

}  // namespace

void add_show(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "show", "Print one example of a configuration's task, as training and scoring see it");
  add_config_options(*command, options->config, options->overrides);
  command->add_option("--split", options->split, "Whose example: train, validation or test")
      ->type_name("SPLIT")
      ->capture_default_str();
  command->add_option("--example", options->example, "Which one, from 0")
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--length", options->length,
                   "At one of the lengths that are scored; without, at the trained one")
      ->type_name("L");
  CLI::Option* const cell =
      command
          ->add_option("--cell", options->cell,
                       "Of which cell, from 1, where several tasks or seeds are crossed")
          ->type_name("N");
  command
      ->add_option("--seed", options->seed,
                   "Of the first cell that has this seed; without, of the first cell")
      ->type_name("S")
      ->excludes(cell);
  command->add_option("--format", options->format, "text, or json with the same content")
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("FORMAT")
      ->capture_default_str();
  command->callback([options, &action] {
    expect_given(options->config, "CONFIG", kAConfiguration);
    action = [options] { return show(*options); };
  });
}

}  // namespace recollect::cli
