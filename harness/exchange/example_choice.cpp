#include "harness/exchange/example_choice.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "harness/config/bounds.hpp"
#include "harness/config/split_parts.hpp"
#include "harness/config/task_parts.hpp"
#include "harness/config/task_text.hpp"

namespace recollect {
namespace {

constexpr std::size_t kMostListed = 8;

[[noreturn]] void refuse(const std::string& line) { throw Error(ExitStatus::kUsage, line); }

/// "1 (length 64, pairs 4), 2 (length 128, pairs 8)".
std::string listed(const std::vector<TaskPart>& parts) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < parts.size() && i < kMostListed; ++i) {
    std::string text = fmt::format("length {}", parts[i].task->length);
    for (const auto& [name, value] : parts[i].settings) text += fmt::format(", {} {}", name, value);
    texts.push_back(fmt::format("{} ({})", i + 1, text));
  }
  const std::size_t left = parts.size() - texts.size();
  return fmt::format("{}{}", fmt::join(texts, ", "),
                     left > 0 ? fmt::format(" and {} more", left) : "");
}

TaskPart at_other_length(const Cell& cell, const ExampleRequest& request) {
  const std::shared_ptr<TaskSettings> task = at_length(*cell.task, *request.length);
  try {
    task->validate();
  } catch (const FieldError& error) {
    refuse(fmt::format("length {} is not possible for task {}: task.{} {}", *request.length,
                       task->name(), error.key(), error.detail()));
  }
  return {task, split_parts(cell, request.split).front().examples, {}};
}

TaskPart chosen_part(const Cell& cell, const ExampleRequest& request) {
  const std::vector<TaskPart> parts = split_parts(cell, request.split);
  if (request.part) {
    const auto count = std::ssize(parts);
    if (*request.part < 1 || *request.part > count) {
      refuse(fmt::format("part {} is not in 1..{}, the settings of {} examples: {}", *request.part,
                         count, name_of(request.split), listed(parts)));
    }
    const TaskPart& part = parts[static_cast<std::size_t>(*request.part - 1)];
    if (request.length && *request.length != part.task->length) {
      refuse(fmt::format("part {} has length {}, not {}; leave the length out", *request.part,
                         part.task->length, *request.length));
    }
    return part;
  }
  // Of a mixture, no length is the trained one.
  const std::optional<std::int64_t> length =
      request.length || !cell.mixture.empty() ? request.length : std::optional(cell.task->length);
  const auto fits = [&](const TaskPart& part) { return !length || part.task->length == *length; };
  const auto fitting = std::count_if(parts.begin(), parts.end(), fits);
  if (fitting == 1) return *std::find_if(parts.begin(), parts.end(), fits);
  if (fitting == 0 && request.length) return at_other_length(cell, request);
  if (fitting == 0 && parts.size() == 1) return parts.front();
  refuse(fmt::format(
      "{} examples have several settings{}; choose one with --part: {}", name_of(request.split),
      length && fitting > 0 ? fmt::format(" of length {}", *length) : "", listed(parts)));
}

/// What decides the examples of a request.
std::string data_text(const Cell& cell, const ExampleRequest& request) {
  std::string text = fmt::format("data_seed {}", cell.data_seed);
  if (request.split == Split::kTrain) {
    text += fmt::format(", loss {}", static_cast<int>(cell.train.loss));
  }
  if (!request.steps) {
    const TaskPart part = requested_part(cell, request);
    return fmt::format("{}, {} of {}", text, part.examples,
                       task_text(*part.task, part.task->length));
  }
  check_steps(cell, request);
  for (const TaskPart& part : training_parts(cell)) {
    // Online, the steps of the training do not matter to those that are asked for.
    text += fmt::format(", {} of {}", cell.train.examples ? part.examples : 0,
                        task_text(*part.task, part.task->length));
  }
  return fmt::format("{}, order {} seed {} batch {} epoch {}", text,
                     static_cast<int>(cell.train.order),
                     cell.train.examples || !cell.mixture.empty() ? cell.order_seed : 0,
                     cell.train.batch, cell.train.steps_per_epoch);
}

}  // namespace

void check_steps(const Cell& cell, const ExampleRequest& request) {
  const StepRange& steps = *request.steps;
  if (request.split != Split::kTrain) {
    refuse(
        fmt::format("steps have batches of the training split, not of {}; ask for the split "
                    "train",
                    name_of(request.split)));
  }
  if (request.part || request.length || request.count) {
    refuse("steps decide length and number of their examples; leave out part, length and count");
  }
  if (steps.first < 1 || steps.first > steps.last || steps.last > cell.train.steps) {
    refuse(
        fmt::format("steps {}..{} are not a range A..B with 1 <= A <= B <= {}, the steps of the "
                    "training",
                    steps.first, steps.last, cell.train.steps));
  }
  if (steps.last - steps.first >= kMostExamples / cell.train.batch) {
    refuse(fmt::format("steps {}..{} of {} examples each are more than {} examples; ask for fewer",
                       steps.first, steps.last, cell.train.batch, kMostExamples));
  }
}

TaskPart requested_part(const Cell& cell, const ExampleRequest& request) {
  TaskPart part = chosen_part(cell, request);
  const bool online = cell.mixture.empty() && !cell.train.examples;
  if (!request.count && online && request.split == Split::kTrain) {
    refuse("train.examples = online has no number of examples; give a count");
  }
  if (request.count) {
    if (*request.count < 1 || *request.count > kMostExamples) {
      refuse(fmt::format("count {} is not in 1..{}", *request.count, kMostExamples));
    }
    part.examples = *request.count;
  }
  return part;
}

std::size_t requested_cell(const std::vector<Cell>& cells, std::optional<std::int64_t> number,
                           const ExampleRequest& request) {
  if (number) {
    const auto count = std::ssize(cells);
    if (*number >= 1 && *number <= count) return static_cast<std::size_t>(*number - 1);
    refuse(fmt::format("cell {} is not in 1..{}, the cells of this configuration", *number, count));
  }
  const std::string first = data_text(cells.front(), request);
  for (std::size_t i = 1; i < cells.size(); ++i) {
    if (data_text(cells[i], request) == first) continue;
    refuse(
        fmt::format("the {} of this configuration differ in their examples, e.g. 1 and {}; "
                    "choose one with --cell, 1..{}",
                    plural(cells.size(), "cell"), i + 1, cells.size()));
  }
  return 0;
}

}  // namespace recollect
