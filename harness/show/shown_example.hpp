#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "harness/config/settings.hpp"
#include "harness/store/value.hpp"
#include "tasks/task.hpp"

namespace recollect {

/// Lengths at which a cell has examples of a split, ascending: training the trained length,
/// validation that, the length that selects and those that are scored, test those that are scored.
[[nodiscard]] std::vector<std::int64_t> lengths_of(const Cell& cell, Split split);

/// The trained length where a cell has examples of the split there, else the shortest of them.
[[nodiscard]] std::int64_t trained_or_shortest(const Cell& cell, Split split);

/// The settings at which a cell looks at examples of this split and length, the first of them where
/// eval.cells has several; its own task at that length where it looks at none.
[[nodiscard]] TaskPart part_at(const Cell& cell, Split split, std::int64_t length);

/// How many examples of a split a cell looks at, there; online: what its steps draw.
[[nodiscard]] std::int64_t examples_of(const Cell& cell, Split split);

/// A cell, and which of its experiment's cells it is.
struct CellPlace {
  const Cell& cell;
  std::size_t number = 1;  ///< from 1
  std::size_t cells = 1;
};

/// One example of a cell, with all that its task says of it. Valid while the cell lives.
struct ShownExample {
  std::string task;       ///< "mqar: length 128, layout packed, ..."
  std::string task_name;  ///< "mqar"
  std::vector<std::pair<std::string, OptionText>> options;
  std::int64_t length = 0;
  std::int64_t trained_length = 0;
  std::int64_t vocab = 0;
  double chance = 0.0;

  Split split = Split::kTrain;
  std::int64_t index = 0;
  std::int64_t examples = 0;  ///< of the split
  std::size_t cell_number = 1;
  std::size_t cells = 1;
  std::string variant;
  std::int64_t seed = 0;
  std::int64_t data_seed = 0;

  Example example;
  TokenKinds kinds;
  std::vector<std::int32_t> kind_of;  ///< (T) places in `kinds`
  Names rules;
  std::vector<std::int64_t> right;    ///< of each rule, how many positions it answers correctly
  std::vector<std::int32_t> answers;  ///< (R, rules); kNoAnswer, kUntold
  Names tags;                         ///< values: Example::tags_of
  Names more_tags;
  std::vector<std::int32_t> more_values;  ///< (R, more_tags); kNoTag

  [[nodiscard]] std::size_t scored() const { return example.positions.size(); }
  [[nodiscard]] bool answers_are_told() const {
    return !answers.empty() && answers.front() != kUntold;
  }
};

/// The example that training and scoring see under these.
/// @param length  one of lengths_of() @throws FieldError if the task does not fit it
[[nodiscard]] ShownExample shown_example(const CellPlace& place, Split split, std::int64_t index,
                                         std::int64_t length);

}  // namespace recollect
