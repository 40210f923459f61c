#include "harness/config/split_parts.hpp"

#include <set>
#include <string>
#include <utility>

#include "harness/config/task_parts.hpp"
#include "harness/config/task_text.hpp"

namespace recollect {

std::vector<TaskPart> split_parts(const Cell& cell, Split split) {
  std::vector<TaskPart> parts;
  if (split != Split::kTest) parts = training_parts(cell);
  if (split != Split::kTrain) {
    for (TaskPart& part : scored_parts(cell)) parts.push_back(std::move(part));
  }
  if (split != Split::kValidation) return parts;

  const std::int64_t selecting = cell.train.select_length.value_or(cell.task->length);
  parts.push_back({at_length(*cell.task, selecting), 0, {}});
  std::set<std::string> known;
  std::erase_if(parts, [&](const TaskPart& part) {
    return !known.insert(task_text(*part.task, part.task->length)).second;
  });
  for (TaskPart& part : parts) part.examples = cell.train.validation_examples;
  return parts;
}

}  // namespace recollect
