#include "harness/bench/agreement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "harness/config/rules.hpp"
#include "harness/train/trainer.hpp"

namespace recollect {
namespace {

constexpr std::int64_t kSequences = 2;
constexpr double kSmallTensor = 1e-3;  // of the largest element of all

Cell at_length(const Cell& cell, std::int64_t length) {
  Cell shorter = cell;
  const std::shared_ptr<TaskSettings> task = cell.task->clone();
  task->length = length;
  shorter.task = task;
  shorter.levels = levels_of(shorter);
  return shorter;
}

std::vector<float> check_weights(const SequenceModel<float>& model) {
  std::vector<float> weights(model.parameters().begin(), model.parameters().end());
  for (const ParameterInfo& info : model.layout().all()) {
    if (info.fill != Fill::kNormal) continue;
    const double scale = 1.0 / (info.scale * std::sqrt(static_cast<double>(info.tensor.cols)));
    for (float& weight : info.tensor.elements(weights.data())) weight *= static_cast<float>(scale);
  }
  return weights;
}

struct Difference {
  double largest = 0.0;
  double scale = 0.0;  ///< largest element of the twin's

  /// A number that is none is infinitely far away.
  void add(double fast, double slow) {
    const double difference = std::abs(fast - slow);
    largest = std::isfinite(difference) ? std::max(largest, difference) : INFINITY;
    scale = std::max(scale, std::abs(slow));
  }
  [[nodiscard]] double over(double divisor) const {
    return largest == 0.0 ? 0.0 : largest / divisor;
  }
};

}  // namespace

bool Agreement::agrees() const noexcept {
  return loss_error <= kLossBound && output_error <= kOutputBound && tensor_error <= kTensorBound;
}

std::string Agreement::text() const {
  std::string text = fmt::format("loss {:.1e} (bound {:.0e}), outputs {:.1e} (bound {:.0e})",
                                 loss_error, kLossBound, output_error, kOutputBound);
  if (!worst_tensor.empty()) {
    text += fmt::format(", gradient of {} {:.1e} (bound {:.0e})", worst_tensor, tensor_error,
                        kTensorBound);
  }
  return text;
}

Outputs dense_twin(const Cell& cell, std::span<const float> weights,
                   std::span<const Example> examples, BenchMode mode) {
  return outputs_of<double>(cell, {Form::kDense, false}, weights, examples, 0, mode);
}

Agreement check_agreement(const Cell& wanted, Execution execution, BenchMode mode,
                          const Twin& twin) {
  Agreement agreement;
  agreement.length = std::min(wanted.task->length, kLongestTwin);
  const Cell cell = at_length(wanted, agreement.length);
  const SequenceModel<float> model = build_model(cell);
  const std::vector<float> weights = check_weights(model);
  const std::vector<Example> examples =
      ready_examples(cell, std::min(kSequences, cell.train.batch));
  const Outputs fast = outputs_of<float>(cell, execution, weights, examples,
                                         cell.train.batch * cell.task->length, mode);
  const Outputs slow = twin(cell, weights, examples, mode);

  Difference loss;
  loss.add(fast.loss, slow.loss);
  agreement.loss_error = loss.over(loss.scale);
  Difference all;
  for (std::size_t i = 0; i < slow.numbers.size(); ++i) all.add(fast.numbers[i], slow.numbers[i]);
  agreement.output_error = all.over(all.scale);
  if (mode != BenchMode::kTrain) return agreement;
  for (const ParameterInfo& info : model.layout().all()) {
    Difference own;
    for (Index i = info.tensor.offset; i < info.tensor.offset + info.tensor.size(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      own.add(fast.numbers[at], slow.numbers[at]);
    }
    const double error = own.over(std::max(own.scale, kSmallTensor * all.scale));
    if (agreement.worst_tensor.empty() || error > agreement.tensor_error) {
      agreement.tensor_error = error;
      agreement.worst_tensor = info.name;
    }
  }
  return agreement;
}

}  // namespace recollect
