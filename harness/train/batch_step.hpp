#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "core/buffer.hpp"
#include "core/parallel.hpp"
#include "core/workspace.hpp"
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
};

[[nodiscard]] inline SequenceInput input_of(const Example& example) {
  return SequenceInput{example.ids, example.positions, example.labels};
}

/// Forward and backward of one batch. Sequences are dealt to a fixed number of shards, whatever the
/// threads; each shard adds up its gradients in order, and the shards are added in order: the same
/// bits for any number of threads. Nothing is allocated after the first run.
template <class S>
class BatchStep {
 public:
  BatchStep(const SequenceModel<S>& model, std::int64_t batch, int threads)
      : batch_(static_cast<int>(batch)),
        threads_(threads),
        shards_(shard_count(batch)),
        lanes_(static_cast<std::size_t>(threads)),
        outcomes_(static_cast<std::size_t>(batch)) {
    shard_gradients_.resize(static_cast<std::size_t>(shards_));
    for (auto& shard : shard_gradients_) shard.resize(model.gradient_size());
    gradient_.resize(model.gradient_size());
    weights_ = model.parameters().size();
  }

  /// fill(b, example, scratch) puts sequence b of the batch into `example`. `scored` is the number
  /// of scored positions in the whole batch; the gradient is that of the mean loss over them.
  /// @returns the mean loss
  template <class Fill>
  double run(SequenceModel<S>& model, std::int64_t scored, Fill&& fill) {
    const S scale = S(1) / static_cast<S>(scored);
    parallel_for(shards_, threads_, [&](int shard, int thread) {
      Lane<S>& lane = lanes_[static_cast<std::size_t>(thread)];
      Buffer<S>& gradient = shard_gradients_[static_cast<std::size_t>(shard)];
      std::fill(gradient.begin(), gradient.end(), S(0));
      for (int b = first_of(shard); b < first_of(shard + 1); ++b) {
        fill(b, lane.example, lane.scratch);
        outcomes_[static_cast<std::size_t>(b)] = model.forward_backward(
            input_of(lane.example), scale, lane.workspace, std::span<S>(gradient));
      }
    });
    parallel_for(kPieces, threads_, [&](int piece, int) { reduce(piece); });
    model.end_step(gradient_);
    double loss = 0.0;
    for (const SequenceOutcome& outcome : outcomes_) loss += outcome.loss;
    return loss / static_cast<double>(scored);
  }

  [[nodiscard]] std::span<S> gradient() noexcept { return std::span<S>(gradient_).first(weights_); }
  [[nodiscard]] std::vector<Lane<S>>& lanes() noexcept { return lanes_; }

  /// Shards of a batch of `batch` sequences.
  [[nodiscard]] static int shard_count(std::int64_t batch) noexcept {
    return static_cast<int>(std::min<std::int64_t>(batch, kShards));
  }

 private:
  static constexpr int kShards = 16;
  static constexpr int kPieces = 16;  // of the gradient, for adding up the shards

  [[nodiscard]] int first_of(int shard) const noexcept { return shard * batch_ / shards_; }

  void reduce(int piece) {
    const std::size_t begin = gradient_.size() * static_cast<std::size_t>(piece) / kPieces;
    const std::size_t end = gradient_.size() * static_cast<std::size_t>(piece + 1) / kPieces;
    const auto at = [&](Buffer<S>& numbers) {
      return Eigen::Map<Eigen::Array<S, Eigen::Dynamic, 1>>(numbers.data() + begin,
                                                            static_cast<Index>(end - begin));
    };
    auto sum = at(gradient_);
    sum = at(shard_gradients_[0]);
    for (std::size_t shard = 1; shard < shard_gradients_.size(); ++shard) {
      sum += at(shard_gradients_[shard]);
    }
  }

  int batch_;
  int threads_;
  int shards_;
  std::vector<Lane<S>> lanes_;
  std::vector<SequenceOutcome> outcomes_;
  std::vector<Buffer<S>> shard_gradients_;
  Buffer<S> gradient_;  // then that of the model's table
  std::size_t weights_ = 0;
};

}  // namespace recollect
