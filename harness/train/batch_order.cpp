#include "harness/train/batch_order.hpp"

#include <algorithm>

namespace recollect {

BatchOrder::BatchOrder(const Cell& cell)
    : seed_(static_cast<std::uint64_t>(cell.order_seed)),
      train_(cell.train),
      size_(static_cast<int>(cell.train.batch)) {
  if (train_.steps_per_epoch == 0) return;
  for (const TaskPart& part : cell.mixture) counts_.push_back(part.examples);
  if (counts_.empty()) counts_ = {*train_.examples};
  for (std::size_t component = 0; component < counts_.size(); ++component) {
    for (std::int64_t first = 0; first < counts_[component]; first += train_.batch) {
      const std::int64_t left = counts_[component] - first;
      batches_.push_back({component, first, static_cast<int>(std::min(train_.batch, left))});
    }
  }
}

void BatchOrder::begin(std::int64_t step) {
  if (train_.steps_per_epoch > 0) {
    begin_epoch((step - 1) / train_.steps_per_epoch);
    const auto turn = static_cast<std::size_t>((step - 1) % train_.steps_per_epoch);
    const bool shuffled = train_.order == ExampleOrder::kShuffled;
    const Batch& batch = batches_[shuffled ? static_cast<std::size_t>(turns_[turn]) : turn];
    size_ = batch.size;
    component_ = batch.component;
    first_ = batch.first;
    if (shuffled) {
      drawn_ = std::span(examples_[component_])
                   .subspan(static_cast<std::size_t>(first_), static_cast<std::size_t>(size_));
    }
    return;
  }
  first_ = (step - 1) * train_.batch;
  if (!train_.examples) return;
  Rng rng(seed_, Stream::kOrder, static_cast<std::uint64_t>(step));
  drawn_ = sampler_.draw(rng, static_cast<std::int32_t>(*train_.examples),
                         static_cast<std::int32_t>(train_.batch));
}

void BatchOrder::begin_epoch(std::int64_t epoch) {
  if (epoch == epoch_ || train_.order == ExampleOrder::kInOrder) return;
  epoch_ = epoch;
  Rng rng(seed_, Stream::kEpoch, static_cast<std::uint64_t>(epoch));
  const auto permuted = [&](std::int64_t count) {
    const auto all = static_cast<std::int32_t>(count);
    const std::span<const std::int32_t> drawn = sampler_.draw(rng, all, all);
    return std::vector<std::int32_t>(drawn.begin(), drawn.end());
  };
  examples_.clear();
  for (const std::int64_t count : counts_) examples_.push_back(permuted(count));
  turns_ = permuted(static_cast<std::int64_t>(batches_.size()));
}

}  // namespace recollect
