#include "harness/exchange/example_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/memory.hpp"
#include "harness/arrays/example_file.hpp"
#include "harness/config/task_parts.hpp"
#include "harness/train/batch_order.hpp"
#include "harness/train/cell_model.hpp"
#include "math/parallel.hpp"

namespace recollect {
namespace {

/// Which example of which task.
struct Choice {
  std::size_t task = 0;
  std::uint64_t index = 0;
};

/// What an example is made by, one after the other.
struct Source {
  std::vector<std::unique_ptr<Task>> tasks;
  std::vector<Choice> choices;      // (N)
  std::vector<std::int32_t> steps;  // (N) or none
  std::string says;
};

Source source_of_part(const Cell& cell, const ExampleRequest& request) {
  Source source;
  const TaskPart part = requested_part(cell, request);
  const bool trains = request.split == Split::kTrain;
  source.tasks.push_back(trains ? training_task(cell, *part.task) : part.task->make());
  source.choices.resize(static_cast<std::size_t>(part.examples));
  for (std::size_t i = 0; i < source.choices.size(); ++i) source.choices[i].index = i;
  source.says = fmt::format("{} examples 0..{}, length {}", name_of(request.split),
                            part.examples - 1, part.task->length);
  return source;
}

Source source_of_steps(const Cell& cell, const ExampleRequest& request) {
  check_steps(cell, request);
  Source source;
  for (const TaskPart& part : training_parts(cell)) {
    source.tasks.push_back(training_task(cell, *part.task));
  }
  BatchOrder order(cell);
  std::vector<bool> used(source.tasks.size());
  for (std::int64_t step = request.steps->first; step <= request.steps->last; ++step) {
    order.begin(step);
    used[order.component()] = true;
    for (int b = 0; b < order.size(); ++b) {
      source.choices.push_back({order.component(), order[b]});
      source.steps.push_back(static_cast<std::int32_t>(step));
    }
  }
  // Those that no step takes do not decide how wide the arrays are.
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) source.tasks[i].reset();
  }
  source.says =
      fmt::format("batches of training steps {}..{}", request.steps->first, request.steps->last);
  return source;
}

void expect_memory(const ExampleSet& set) {
  const double numbers = static_cast<double>(set.examples) *
                         static_cast<double>(set.length + set.scored * (2 + std::ssize(set.tags)));
  const double bytes = sizeof(std::int32_t) * numbers;
  const AvailableMemory memory = available_memory();
  const auto most = static_cast<double>(kLargestFile);
  if (bytes <= std::min(memory.bytes, most)) return;
  throw IoError(fmt::format(
      "{} examples of length {} take {}, more than {}; ask for fewer", set.examples, set.length,
      memory_text(bytes),
      memory.bytes < most ? fmt::format("the {} of {}", memory_text(memory.bytes), memory.bound_by)
                          : fmt::format("the {} of the largest file", memory_text(most))));
}

void copy_row(std::span<const std::int32_t> from, std::int64_t row, std::int64_t columns,
              std::vector<std::int32_t>& to) {
  std::copy(from.begin(), from.end(), to.begin() + row * columns);
}

void put(const Example& example, std::int64_t row, ExampleSet& set) {
  copy_row(example.ids, row, set.length, set.ids);
  copy_row(example.positions, row, set.scored, set.positions);
  copy_row(example.labels, row, set.scored, set.labels);
  for (std::size_t r = 0; !set.tags.empty() && r < example.positions.size(); ++r) {
    const std::span<const std::int32_t> tags = example.tags_of(r);
    for (std::size_t tag = 0; tag < set.tags.size(); ++tag) {
      set.tags[tag].values[static_cast<std::size_t>(row * set.scored) + r] = tags[tag];
    }
  }
}

/// Sizes of the arrays, all of them padding.
ExampleSet empty_set(const Source& source, Names tags) {
  ExampleSet set;
  set.examples = std::ssize(source.choices);
  for (const std::unique_ptr<Task>& task : source.tasks) {
    if (!task) continue;
    set.length = std::max(set.length, task->length());
    set.scored = std::max(set.scored, task->max_scored());
    set.vocab = std::max(set.vocab, task->vocab());
  }
  for (const std::string_view name : tags) set.tags.push_back({std::string(name), {}});
  expect_memory(set);
  set.ids.assign(static_cast<std::size_t>(set.examples * set.length), kPadding);
  const auto scored = static_cast<std::size_t>(set.examples * set.scored);
  set.positions.assign(scored, kPadding);
  set.labels.assign(scored, kPadding);
  for (TagArray& tag : set.tags) tag.values.assign(scored, kPadding);
  return set;
}

}  // namespace

void write_examples(const std::filesystem::path& path, const ExampleSet& set) {
  std::vector<ArrayView> arrays = arrays_of(set);
  if (!set.steps.empty()) {
    arrays.push_back({"step", NumberType::kInt32, {set.examples}, bytes_of(std::span(set.steps))});
  }
  write_arrays(path, arrays, {{kDigestText, set.digest}, {"settings", set.settings}});
}

ExampleSet make_examples(const Cell& cell, const std::string& experiment,
                         const ExampleRequest& request, int threads, const StopRequest& stop) {
  Source source = request.steps ? source_of_steps(cell, request) : source_of_part(cell, request);
  const bool learns_next =
      request.split == Split::kTrain && cell.train.loss == TrainLoss::kNextToken;
  ExampleSet set = empty_set(source, learns_next ? Names{} : cell.task->tags());
  std::vector<Example> examples(static_cast<std::size_t>(threads));
  std::vector<GeneratorScratch> scratch(static_cast<std::size_t>(threads));
  parallel_for(static_cast<int>(set.examples), threads, [&](int i, int thread) {
    if (stop.requested()) return;
    const Choice& choice = source.choices[static_cast<std::size_t>(i)];
    Example& example = examples[static_cast<std::size_t>(thread)];
    source.tasks[choice.task]->example(
        {static_cast<std::uint64_t>(cell.data_seed), request.split, choice.index}, example,
        scratch[static_cast<std::size_t>(thread)]);
    put(example, i, set);
  });
  stop.check();
  set.steps = std::move(source.steps);
  set.digest = digest_of(set);
  set.settings =
      fmt::format("# {}\n# digest {}\n{}", source.says, set.digest, cell.yaml(experiment));
  return set;
}

}  // namespace recollect
