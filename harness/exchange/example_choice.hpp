#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/config/settings.hpp"

namespace recollect {

// Which examples of a configuration are meant: a cell, a split, and the settings of its task.

/// Steps first..last of a training, from 1, both included.
struct StepRange {
  std::int64_t first = 1;
  std::int64_t last = 1;
};

/// Examples 0..count-1 of a split; or the very batches of some training steps.
struct ExampleRequest {
  Split split = Split::kTrain;
  /// Which of the settings of split_parts(), from 1; needed where the length leaves a choice.
  std::optional<std::int64_t> part = {};
  std::optional<std::int64_t> length = {};  ///< absent: the trained one, or the only one
  std::optional<std::int64_t> count = {};   ///< absent: as many as the split has
  std::optional<StepRange> steps = {};      ///< of training alone, without any of the three
};

/// That the steps of a request, which has some, are steps of the cell's training.
/// @throws Error of status 64
void check_steps(const Cell& cell, const ExampleRequest& request);

/// The settings that a request without steps is about, and how many examples.
/// @throws Error of status 64 where the request leaves a choice or asks for what is not there; the
/// line says what to ask for
[[nodiscard]] TaskPart requested_part(const Cell& cell, const ExampleRequest& request);

/// The place in `cells` of the cell that is meant.
/// @param number  its place from 1; absent: the first, where all cells give the same examples
/// @throws Error of status 64 where there is no such cell, or where cells differ in the examples
/// that are asked for
[[nodiscard]] std::size_t requested_cell(const std::vector<Cell>& cells,
                                         std::optional<std::int64_t> number,
                                         const ExampleRequest& request);

}  // namespace recollect
