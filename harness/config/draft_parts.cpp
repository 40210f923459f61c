#include "harness/config/draft_parts.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "harness/config/bounds.hpp"
#include "harness/config/reporter.hpp"
#include "harness/config/task_parts.hpp"
#include "tasks/examples.hpp"

namespace recollect {
namespace {

/// Two options of which one decides what the other says.
void refuse_beside(const Draft& draft, const std::string& key, const std::string& other,
                   const std::string& combination) {
  const auto found = draft.places.find(key);
  if (found == draft.places.end()) return;
  throw ConfigError(fmt::format("{}: {} does not go with {}, which decides it; leave one out{}",
                                found->second, key, other, combination));
}

}  // namespace

void count_in_files(Draft& draft, const std::string& combination) {
  const auto* examples = dynamic_cast<const ExamplesSettings*>(draft.task.get());
  if (examples == nullptr) return;
  for (const char* key : {"train.mixture", "eval.cells"}) {
    if (const auto found = draft.places.find(key); found != draft.places.end()) {
      throw ConfigError(
          fmt::format("{}: {} does not go with task examples, whose files have one "
                      "setting each; leave it out{}",
                      found->second, key, combination));
    }
  }
  const auto count = [&](const char* key, Split split, auto& number) {
    const auto& arrays = examples->data[static_cast<std::size_t>(split)];
    if (!arrays) return;  // the file is not there
    const std::int64_t there = arrays->examples;
    const auto found = draft.places.find(key);
    if (found == draft.places.end()) {
      number = there;
      return;
    }
    const std::optional<std::int64_t> asked = number;
    if (asked && *asked <= there) return;
    throw ConfigError(
        fmt::format("{}: {} = {}: the file has {} examples; lower it to that, or "
                    "leave it out{}",
                    found->second, key, asked ? std::to_string(*asked) : std::string("online"),
                    there, combination));
  };
  count("train.examples", Split::kTrain, draft.train.examples);
  count("train.validation_examples", Split::kValidation, draft.train.validation_examples);
  count("eval.examples", Split::kTest, draft.eval.examples);
}

void read_parts(Draft& draft, const YamlValue& root, const std::string& combination) {
  const std::unique_ptr<TaskSettings> written = draft.task->clone();
  const auto list_of = [&](const char* section, const char* key,
                           const std::vector<std::string>& given) -> const YamlValue* {
    return given.empty() ? nullptr : root.find(section)->find(key);
  };
  draft.task->resolve();
  draft.written.task = draft.task;
  if (const YamlValue* list = list_of("train", "mixture", draft.train.mixture)) {
    for (const char* key : {"train.examples", "train.select_length"}) {
      refuse_beside(draft, key, "train.mixture", combination);
    }
    draft.mixture = read_task_parts(*list, "train.mixture", *written, 0, draft.places, combination);
    if (draft.mixture.size() > kMostComponents) {
      throw ConfigError(fmt::format("{}: train.mixture has {} entries, more than {}; shorten it",
                                    list->place, draft.mixture.size(), kMostComponents));
    }
    draft.task = longest_of(draft.mixture);
    name_settings(draft.mixture, *draft.task);
    draft.train.mixture = part_texts(draft.mixture, *draft.task);
    draft.written.mixture = written_texts(draft.mixture, *list);
  }
  if (const YamlValue* list = list_of("eval", "cells", draft.eval.cells)) {
    refuse_beside(draft, "eval.lengths", "eval.cells", combination);
    draft.scored = read_task_parts(*list, "eval.cells", *written, draft.eval.examples, draft.places,
                                   combination);
    draft.written.cells = written_texts(draft.scored, *list);
  } else if (!draft.mixture.empty() && draft.eval.lengths.empty()) {
    draft.scored = draft.mixture;
    for (TaskPart& part : draft.scored) part.examples = draft.eval.examples;
    draft.written.cells = written_texts(draft.scored, *root.find("train")->find("mixture"));
  }
  name_settings(draft.scored, *draft.task);
  draft.eval.cells = part_texts(draft.scored, *draft.task);
}

void count_steps(Draft& draft, const std::string& combination) {
  TrainSettings& train = draft.train;
  if (!train.epochs && draft.mixture.empty()) return;
  std::int64_t steps = 0;
  for (const TaskPart& part : draft.mixture) steps += batch_count(part.examples, train.batch);
  if (draft.mixture.empty()) steps = batch_count(*train.examples, train.batch);
  train.steps_per_epoch = steps;
  if (!train.epochs) return;
  refuse_beside(draft, "train.steps", "train.epochs", combination);
  Reporter(draft.places, combination)("", [&] {
    if (*train.epochs <= kMostSteps / steps) return;
    throw FieldError("train.epochs",
                     fmt::format("= {} of {} steps are more than {} steps; lower it to {}",
                                 *train.epochs, steps, kMostSteps, kMostSteps / steps));
  });
  train.steps = *train.epochs * train.steps_per_epoch;
}

}  // namespace recollect
