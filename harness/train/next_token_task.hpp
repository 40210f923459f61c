#pragma once

#include <memory>

#include "tasks/task.hpp"

namespace recollect {

/// The examples of another task, to train on, with a label at every position that has none: the
/// next token, but for the last position.
///   ids        k1 v1 k2 v2  .  k2  .  k1  .
///   answers                    v2     v1        what the other task asks
///   labels     v1 k2 v2  . k2  v2 k1  v1  -     '-': none
/// The mean of a training loss is over all of them. Nothing is scored by these examples, so they
/// carry no tags.
class NextTokenTask final : public Task {
 public:
  explicit NextTokenTask(std::unique_ptr<Task> task);

  [[nodiscard]] std::int64_t length() const noexcept override { return task_->length(); }
  [[nodiscard]] std::int64_t vocab() const noexcept override { return task_->vocab(); }
  [[nodiscard]] std::int64_t max_scored() const noexcept override { return task_->length(); }
  [[nodiscard]] double chance() const noexcept override { return task_->chance(); }
  void example(const Draw& draw, Example& out, GeneratorScratch& scratch) const override;

 private:
  std::unique_ptr<Task> task_;
};

}  // namespace recollect
