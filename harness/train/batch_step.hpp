#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <vector>

#include "base/interrupt.hpp"
#include "harness/train/gradient_tree.hpp"
#include "math/buffer.hpp"
#include "math/parallel.hpp"
#include "math/workspace.hpp"
#include "models/sequence_model.hpp"
#include "tasks/task.hpp"

namespace recollect {

/// What one thread works with: an example at a time and the room for its activations.
template <class S>
struct Lane {
  Workspace<S> workspace;
  Example example;
  GeneratorScratch scratch;
  Buffer<S> logits;
  std::vector<std::int32_t> answers;  ///< (R)
};

[[nodiscard]] inline SequenceInput input_of(const Example& example) {
  return SequenceInput{example.ids, example.positions, example.labels};
}

/// Forward and backward of one batch. Sequences are dealt to a fixed number of shards, whatever the
/// threads; each shard adds up its gradients in order, and the shards are added in the order of a
/// fixed tree: the same bits for any number of threads. Nothing is allocated after the first run,
/// but for examples and workspaces that are larger than any before.
template <class S>
class BatchStep {
 public:
  /// @param batch     sequences of the largest batch
  /// @param gradient  the most that SequenceModel::gradient_size() says of any batch
  BatchStep(const SequenceModel<S>& model, std::int64_t batch, std::size_t gradient, int threads)
      : count_(static_cast<int>(batch)),
        shards_(shard_count(batch)),
        examples_(static_cast<std::size_t>(batch)),
        lanes_(static_cast<std::size_t>(threads)),
        outcomes_(static_cast<std::size_t>(batch)),
        gradients_(shards_, threads, gradient),
        weights_(model.parameters().size()) {}

  /// A batch of `count` sequences; fill(b, example, scratch) puts number b into `example`. The
  /// gradient is that of
  /// the mean loss over the scored positions of the whole batch. `stop` is looked at between
  /// sequences. `dropout` is the draw of the batch's first sequence.
  /// @returns the mean loss  @throws Interrupted; the gradient is worth nothing then
  template <class Fill>
  double run(SequenceModel<S>& model, std::int64_t count, Fill&& fill,
             const StopRequest& stop = StopRequest::never(),
             const std::optional<DropoutDraw>& dropout = {}) {
    count_ = static_cast<int>(count);
    const std::int64_t scored = fill_all(fill);
    const S scale = S(1) / static_cast<S>(scored);
    const std::span<S> sum = gradients_.sum([&](int shard, int thread, std::span<S> gradient) {
      Lane<S>& lane = lanes_[static_cast<std::size_t>(thread)];
      for (int b = first_of(shard); b < first_of(shard + 1); ++b) {
        if (stop.requested()) return;
        const auto at = static_cast<std::size_t>(b);
        SequenceInput input = input_of(examples_[at]);
        input.dropout = dropout;
        if (input.dropout) input.dropout->example = static_cast<std::uint64_t>(b);
        outcomes_[at] = model.forward_backward(input, scale, lane.workspace, gradient);
      }
    });
    stop.check();
    model.end_step(sum, static_cast<int>(lanes_.size()));
    gradient_ = sum.first(weights_);
    double loss = 0.0;
    for (int b = 0; b < count_; ++b) loss += outcomes_[static_cast<std::size_t>(b)].loss;
    return loss / static_cast<double>(scored);
  }

  /// The same with a batch of the largest size.
  template <class Fill>
  double run(SequenceModel<S>& model, Fill&& fill, const StopRequest& stop = StopRequest::never(),
             const std::optional<DropoutDraw>& dropout = {}) {
    return run(model, std::ssize(examples_), fill, stop, dropout);
  }

  [[nodiscard]] std::span<S> gradient() noexcept { return gradient_; }
  [[nodiscard]] std::vector<Lane<S>>& lanes() noexcept { return lanes_; }

  /// Shards of a batch of `batch` sequences.
  [[nodiscard]] static int shard_count(std::int64_t batch) noexcept {
    return static_cast<int>(std::min<std::int64_t>(batch, kShards));
  }

 private:
  static constexpr int kShards = 16;

  [[nodiscard]] int first_of(int shard) const noexcept { return shard * count_ / shards_; }

  /// Makes the batch's examples: only then it is known over how many positions the mean goes.
  /// @returns their number
  template <class Fill>
  std::int64_t fill_all(Fill&& fill) {
    const auto threads = static_cast<int>(lanes_.size());
    // Shares of lanes, not of threads: what a lane's scratch has grown to fits its next batch.
    parallel_for(threads, threads, [&](int lane, int) {
      for (int b = count_ * lane / threads; b < count_ * (lane + 1) / threads; ++b) {
        fill(b, examples_[static_cast<std::size_t>(b)],
             lanes_[static_cast<std::size_t>(lane)].scratch);
      }
    });
    std::int64_t scored = 0;
    for (int b = 0; b < count_; ++b) {
      scored += std::ssize(examples_[static_cast<std::size_t>(b)].positions);
    }
    return scored;
  }

  int count_;  // sequences of the last batch
  int shards_;
  std::vector<Example> examples_;  // (batch)
  std::vector<Lane<S>> lanes_;
  std::vector<SequenceOutcome> outcomes_;
  GradientTree<S> gradients_;  // of the weights, then of the model's table
  std::size_t weights_;
  std::span<S> gradient_;  // of the last batch
};

}  // namespace recollect
