#include "harness/train/trainer.hpp"

#include <fmt/format.h>

#include <cmath>

#include "harness/train/batch_step.hpp"
#include "harness/train/optimizer.hpp"
#include "harness/train/schedule.hpp"
#include "harness/train/scorer.hpp"

namespace recollect {
namespace {

constexpr double kSolved = 0.99;

/// Which training examples update `step` sees.
class BatchOrder {
 public:
  BatchOrder(const Cell& cell) : seed_(cell.order_seed), train_(cell.train) {}

  /// Index of sequence b of the batch that begin() prepared.
  [[nodiscard]] std::uint64_t operator[](int b) const {
    if (!train_.examples) return static_cast<std::uint64_t>(first_ + b);
    return static_cast<std::uint64_t>(drawn_[static_cast<std::size_t>(b)]);
  }

  void begin(std::int64_t step) {
    first_ = (step - 1) * train_.batch;
    if (!train_.examples) return;
    Rng rng(static_cast<std::uint64_t>(seed_), Stream::kOrder, static_cast<std::uint64_t>(step));
    drawn_ = sampler_.draw(rng, static_cast<std::int32_t>(*train_.examples),
                           static_cast<std::int32_t>(train_.batch));
  }

 private:
  std::int64_t seed_;
  const TrainSettings& train_;
  Sampler sampler_;
  std::span<const std::int32_t> drawn_;
  std::int64_t first_ = 0;
};

std::vector<float> copy_of(std::span<const float> weights) {
  return {weights.begin(), weights.end()};
}

}  // namespace

SequenceModel<float> build_model(const Cell& cell) {
  const std::unique_ptr<Task> task = cell.task->make();
  SequenceModel<float> model(cell.variant.model, cell.variant.name, task->vocab(), task->length(),
                             cell.levels);
  model.initialise(static_cast<std::uint64_t>(cell.seed));
  return model;
}

TrainResult train(const Cell& cell, int threads, TrainObserver& observer) {
  const TrainSettings& settings = cell.train;
  const std::unique_ptr<Task> task = cell.task->make();
  const std::int64_t select_length = settings.select_length.value_or(cell.task->length);
  const std::unique_ptr<Task> selection =
      select_length == cell.task->length ? nullptr : task_at(cell, select_length);
  SequenceModel<float> model = build_model(cell);
  BatchStep<float> batch(model, settings.batch, threads);
  Adam<float> optimizer(model.layout(), settings);
  BatchOrder order(cell);

  TrainResult result;
  double best = -1.0;
  double loss_since = 0.0;
  std::int64_t steps_since = 0;
  for (std::int64_t step = 1; step <= settings.steps; ++step) {
    order.begin(step);
    model.begin_step(task->length(), settings.batch * task->length());
    const double loss = batch.run(model, settings.batch * task->scored(),
                                  [&](int b, Example& example, GeneratorScratch& scratch) {
                                    task->example(static_cast<std::uint64_t>(cell.data_seed),
                                                  Split::kTrain, order[b], example, scratch);
                                  });
    const double rate = learning_rate(settings, step);
    const double norm = optimizer.update(step, rate, batch.gradient(), model.parameters(), threads);
    result.steps = step;
    loss_since += loss;
    ++steps_since;
    if (!std::isfinite(loss) || !std::isfinite(norm)) {
      result.diverged = fmt::format("step {}: loss {}, gradient norm {}", step, loss, norm);
      break;
    }
    observer.on_step(step, settings.steps);
    if (step % settings.eval_every != 0 && step != settings.steps) continue;

    const auto validate = [&](const Task& at_length) {
      return evaluate(model, at_length, cell.data_seed, Split::kValidation,
                      settings.validation_examples, batch.lanes());
    };
    const Score score = validate(*task);
    result.history.push_back(HistoryRow{step, loss_since / static_cast<double>(steps_since), norm,
                                        rate, score.accuracy, score.exact_match});
    loss_since = 0.0;
    steps_since = 0;
    observer.on_evaluation(result.history.back());
    if (!result.solved_step && score.accuracy >= kSolved) result.solved_step = step;
    const double candidate = selection ? validate(*selection).accuracy : score.accuracy;
    if (candidate > best) {
      best = candidate;
      result.best_step = step;
      result.best_weights = copy_of(model.parameters());
    }
    if (settings.stop_at && score.accuracy >= *settings.stop_at) break;
  }
  result.final_weights = copy_of(model.parameters());
  if (result.best_weights.empty()) result.best_weights = result.final_weights;
  return result;
}

}  // namespace recollect
