#include "harness/show/shown_example.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <variant>

#include "harness/config/split_parts.hpp"
#include "harness/config/task_parts.hpp"
#include "harness/config/task_text.hpp"

namespace recollect {
namespace {

void describe_task(ShownExample& shown, const TaskSettings& task, std::int64_t length) {
  const std::unique_ptr<TaskSettings> settings = task.clone();
  settings->length = length;
  shown.task = task_text(task, length);
  shown.task_name = task.name();
  for (const Field& field : settings->fields()) {
    if (field.is_implied()) continue;
    const bool is_word = std::holds_alternative<ChoiceRef>(field.value) ||
                         std::holds_alternative<std::string*>(field.value);
    shown.options.emplace_back(field.name, OptionText{field.text(), is_word});
  }
  shown.length = length;
  shown.trained_length = task.length;
  shown.kinds = task.kinds();
  shown.rules = task.rules();
  shown.tags = task.tags();
  shown.more_tags = task.more_tags();
}

void describe_cell(ShownExample& shown, const CellPlace& place) {
  shown.cell_number = place.number;
  shown.cells = place.cells;
  shown.variant = place.cell.variant.label;
  shown.seed = place.cell.seed;
  shown.data_seed = place.cell.data_seed;
}

/// What scoring asks a task about an example, and what people are told besides.
void ask_task(ShownExample& shown, const Task& task, GeneratorScratch& scratch) {
  const Example& example = shown.example;
  shown.kind_of.resize(example.ids.size());
  task.find_kinds(example, shown.kind_of);
  if (!shown.rules.empty()) {
    shown.right.resize(shown.rules.size());
    task.count_right(example, shown.right);
    shown.answers.resize(shown.scored() * shown.rules.size());
    task.find_answers(example, shown.answers);
  }
  if (!shown.more_tags.empty()) {
    shown.more_values.resize(shown.scored() * shown.more_tags.size());
    task.find_more_tags(example, shown.trained_length, scratch, shown.more_values);
  }
}

}  // namespace

TaskPart part_at(const Cell& cell, Split split, std::int64_t length) {
  for (TaskPart& part : split_parts(cell, split)) {
    if (part.task->length == length) return std::move(part);
  }
  // Another length, which somebody asks for.
  const bool trains = split == Split::kTrain;
  return {at_length(*cell.task, length),
          split == Split::kTest ? cell.eval.examples
          : trains              ? training_parts(cell).front().examples
                                : cell.train.validation_examples,
          {}};
}

std::vector<std::int64_t> lengths_of(const Cell& cell, Split split) {
  std::set<std::int64_t> lengths;
  for (const TaskPart& part : split_parts(cell, split)) lengths.insert(part.task->length);
  return {lengths.begin(), lengths.end()};
}

std::int64_t trained_or_shortest(const Cell& cell, Split split) {
  const std::vector<std::int64_t> lengths = lengths_of(cell, split);
  const bool trained = std::binary_search(lengths.begin(), lengths.end(), cell.task->length);
  return trained ? cell.task->length : lengths.front();
}

std::int64_t examples_of(const Cell& cell, Split split) {
  return part_at(cell, split, trained_or_shortest(cell, split)).examples;
}

ShownExample shown_example(const CellPlace& place, Split split, std::int64_t index,
                           std::int64_t length) {
  const Cell& cell = place.cell;
  ShownExample shown;
  const TaskPart part = part_at(cell, split, length);
  describe_task(shown, *part.task, length);
  shown.trained_length = cell.task->length;
  describe_cell(shown, place);
  shown.split = split;
  shown.index = index;
  shown.examples = part.examples;
  const std::unique_ptr<Task> task = part.task->make();
  shown.vocab = task->vocab();
  shown.chance = task->chance();
  GeneratorScratch scratch;
  task->example(
      {static_cast<std::uint64_t>(cell.data_seed), split, static_cast<std::uint64_t>(index)},
      shown.example, scratch);
  ask_task(shown, *task, scratch);
  return shown;
}

}  // namespace recollect
