#include "harness/show/shown_example.hpp"

#include <memory>
#include <set>
#include <variant>

#include "harness/config/task_text.hpp"
#include "harness/train/scorer.hpp"

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

std::vector<std::int64_t> lengths_of(const Cell& cell, Split split) {
  std::set<std::int64_t> lengths;
  if (split != Split::kTrain) lengths.insert(cell.eval.lengths.begin(), cell.eval.lengths.end());
  if (split != Split::kTest) lengths.insert(cell.task->length);
  if (split == Split::kValidation) {
    lengths.insert(cell.train.select_length.value_or(cell.task->length));
  }
  return {lengths.begin(), lengths.end()};
}

std::int64_t examples_of(const Cell& cell, Split split) {
  switch (split) {
    case Split::kTrain:
      return cell.train.examples.value_or(cell.train.steps * cell.train.batch);
    case Split::kValidation:
      return cell.train.validation_examples;
    case Split::kTest:
      return cell.eval.examples;
  }
  return 0;
}

ShownExample shown_example(const CellPlace& place, Split split, std::int64_t index,
                           std::int64_t length) {
  const Cell& cell = place.cell;
  ShownExample shown;
  describe_task(shown, *cell.task, length);
  describe_cell(shown, place);
  shown.split = split;
  shown.index = index;
  shown.examples = examples_of(cell, split);
  const std::unique_ptr<Task> task = task_at(cell, length);
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
