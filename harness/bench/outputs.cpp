#include "harness/bench/outputs.hpp"

#include <algorithm>
#include <memory>

#include "harness/train/batch_step.hpp"
#include "harness/train/cell_model.hpp"

namespace recollect {

std::vector<Example> ready_examples(const Cell& cell, std::int64_t count) {
  const std::unique_ptr<Task> task = cell.task->make();
  std::vector<Example> examples(static_cast<std::size_t>(count));
  GeneratorScratch scratch;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    task->example({static_cast<std::uint64_t>(cell.data_seed), Split::kTrain, i}, examples[i],
                  scratch);
  }
  return examples;
}

template <class S>
Outputs outputs_of(const Cell& cell, Execution execution, std::span<const float> weights,
                   std::span<const Example> examples, std::int64_t tokens, BenchMode mode) {
  const std::unique_ptr<Task> task = cell.task->make();
  SequenceModel<S> model = model_of<S>(cell, execution);
  std::copy(weights.begin(), weights.end(), model.parameters().begin());
  model.begin_step({task->length(), tokens});
  const auto count = static_cast<std::int64_t>(examples.size());
  Outputs outputs;
  if (mode == BenchMode::kTrain) {
    BatchStep<S> step(model, count, model.gradient_size(tokens), 1);
    outputs.loss = step.run(model, [&](int b, Example& example, GeneratorScratch&) {
      example = examples[static_cast<std::size_t>(b)];
    });
    outputs.numbers.assign(step.gradient().begin(), step.gradient().end());
    return outputs;
  }
  Lane<S> lane;
  std::int64_t scored = 0;
  for (const Example& example : examples) {
    const auto rows = static_cast<Index>(example.positions.size());
    lane.logits.resize(static_cast<std::size_t>(rows * task->vocab()));
    const View<S> logits = view(lane.logits.data(), rows, task->vocab());
    scored += rows;
    const bool stream = mode == BenchMode::kStream && execution.form != Form::kDense;
    outputs.loss += (stream ? model.stream(input_of(example), lane.workspace, logits)
                            : model.forward(input_of(example), lane.workspace, logits))
                        .loss;
    outputs.numbers.insert(outputs.numbers.end(), lane.logits.begin(), lane.logits.end());
  }
  outputs.loss /= static_cast<double>(scored);
  return outputs;
}

template Outputs outputs_of<float>(const Cell&, Execution, std::span<const float>,
                                   std::span<const Example>, std::int64_t, BenchMode);
template Outputs outputs_of<double>(const Cell&, Execution, std::span<const float>,
                                    std::span<const Example>, std::int64_t, BenchMode);

}  // namespace recollect
