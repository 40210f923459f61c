#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/interrupt.hpp"
#include "harness/config/settings.hpp"
#include "harness/train/batch_step.hpp"
#include "models/sequence_model.hpp"
#include "tasks/task.hpp"

namespace recollect {

/// Accuracy on the scored positions that share one tag value.
struct Slice {
  std::string slice;  ///< the tag's name, e.g. lag
  std::int64_t value = 0;
  std::int64_t scored = 0;
  double accuracy = 0.0;
};

/// How a model does on `examples` examples of one split at one length.
struct Score {
  Split split = Split::kValidation;
  std::int64_t eval_length = 0;
  std::int64_t examples = 0;
  double accuracy = 0.0;     ///< micro average over all scored positions
  double exact_match = 0.0;  ///< share of examples with every scored position right
  double loss = 0.0;         ///< mean cross-entropy, nats
  std::int64_t scored = 0;   ///< number of scored positions in all
  double chance = 0.0;
  std::vector<RuleAccuracy> rules;  ///< in the task's order
  bool unseen_level = false;        ///< the length uses a level that training never reached
  std::vector<Slice> slices;        ///< by tag in the task's order, values ascending; if asked for
  std::vector<Slice> more_slices;   ///< the same by the task's more tags
  std::vector<bool> exact;          ///< of each example: every scored position is right
};

/// The task of a cell at another length. @throws FieldError if it does not fit
[[nodiscard]] std::unique_ptr<Task> task_at(const Cell& cell, std::int64_t length);

/// Runs `model` on examples 0..examples-1 of a split, without rules, flags and slices: what
/// training looks at. `lanes` gives one thread each; the result does not depend on their number.
/// @throws Interrupted
[[nodiscard]] Score evaluate(SequenceModel<float>& model, const Task& task, std::int64_t data_seed,
                             Split split, std::int64_t examples, std::vector<Lane<float>>& lanes,
                             const StopRequest& stop = StopRequest::never());

/// Scores `model` on examples 0..examples-1 of `split` of a task: the cell's own at another length
/// or at other settings. The result does not depend on `threads`. @throws FieldError if the
/// settings do not fit, Interrupted
[[nodiscard]] Score score(SequenceModel<float>& model, const Cell& cell, Split split,
                          const TaskSettings& at, std::int64_t examples, int threads,
                          bool with_slices, const StopRequest& stop = StopRequest::never());

/// The same at another length. @throws FieldError also where the task does not fit it
[[nodiscard]] Score score(SequenceModel<float>& model, const Cell& cell, Split split,
                          std::int64_t length, std::int64_t examples, int threads, bool with_slices,
                          const StopRequest& stop = StopRequest::never());

/// Answers to example `i` of a split: fills `answers` (R) with an id for each scored position.
/// @returns the loss, summed over them; NaN where there is none
using Answers =
    std::function<double(std::int64_t i, const Example& example, std::span<std::int32_t> answers)>;

/// The same of answers that come from elsewhere. `answer` is called on several threads; what it
/// throws is passed on. The score's loss is NaN where an answer has none. @throws Interrupted
[[nodiscard]] Score score_answers(const Cell& cell, Split split, const TaskSettings& at,
                                  std::int64_t examples, int threads, const Answers& answer,
                                  const StopRequest& stop = StopRequest::never());

}  // namespace recollect
